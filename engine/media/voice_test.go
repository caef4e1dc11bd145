package media_test

import (
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sipscript/sipscript/engine/audio"
	"github.com/sipscript/sipscript/engine/media"
	"github.com/sipscript/sipscript/engine/media/description"
	"github.com/sipscript/sipscript/test/listen"
)

// hall is a relay in a simulated network.
type hall struct {
	t     *testing.T
	net   *listen.Network
	relay *media.Relay
	hosts byte
}

func newHall(t *testing.T) *hall {
	t.Helper()
	h := &hall{t: t, net: listen.NewNetwork()}
	var err error
	h.relay, err = media.New(media.Config{
		Interfaces: []media.Interface{{Address: netip.MustParseAddr("192.0.2.1")}}, Ports: media.Ports{First: 20000, Last: 20999}, Net: h.net,
		Random: rand.NewChaCha8([32]byte{1}),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.relay.Stop)
	return h
}

// guest is a peer, its terminal, and this server's voice there.
type guest struct {
	*listen.Ear
	h        *hall
	terminal media.Terminal
	voice    media.Voice
	to       netip.AddrPort // where the peer sends
	answer   string
	events   []media.Event
}

// ear is a peer that nobody has called yet.
func (h *hall) ear() *listen.Ear {
	h.hosts++
	return listen.New(h.t, h.net, netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, h.hosts}), 4000))
}

// guest is one whose offer this server has answered itself.
func (h *hall) guest(formats string, lines ...string) *guest {
	h.t.Helper()
	g := &guest{Ear: h.ear(), h: h}
	var err error
	if g.terminal, err = h.relay.Open("call", func(e media.Event) { g.events = append(g.events, e) }); err != nil {
		h.t.Fatal(err)
	}
	g.offer(formats, lines...)
	if g.voice, err = h.relay.Voice(g.terminal); err != nil {
		h.t.Fatal(err)
	}
	return g
}

// offer has the peer make an offer, which this server answers itself.
func (g *guest) offer(formats string, lines ...string) {
	g.h.t.Helper()
	g.h.relay.Answer(g.terminal, g.Describe(formats, lines...), media.Options{}, func(sdp []byte, err error) {
		if err != nil {
			g.h.t.Fatal(err)
		}
		g.answer = string(sdp)
		d, err := description.Parse(sdp)
		if err != nil {
			g.h.t.Fatal(err)
		}
		g.to = netip.AddrPortFrom(d.Media[0].Address, d.Media[0].Port)
	})
}

func tone(t *testing.T, text string) media.Source {
	t.Helper()
	tone, err := audio.ParseTone(text)
	if err != nil {
		t.Fatal(err)
	}
	return tone.Source()
}

// hears compares what was heard from a time on, in words, silence before and behind left out.
func (g *guest) hears(from time.Duration, want string) {
	g.h.t.Helper()
	var words []string
	for _, p := range g.Parts(from) {
		words = append(words, p.String())
	}
	for len(words) > 0 && strings.HasPrefix(words[0], "silence") {
		words = words[1:]
	}
	for len(words) > 0 && strings.HasPrefix(words[len(words)-1], "silence") {
		words = words[:len(words)-1]
	}
	if got := strings.Join(words, ", "); got != want {
		g.h.t.Errorf("%v hears %q, want %q", g.Addr(), got, want)
	}
}

func TestToneIsHeardFromItsBeginningToItsEndOnTheGrid(t *testing.T) {
	t.Parallel()
	for _, formats := range []string{"0 PCMU/8000", "8 PCMA/8000", "9 G722/8000"} {
		synctest.Test(t, func(t *testing.T) {
			g := newHall(t).guest(formats)
			var played time.Duration
			g.voice.Play(tone(t, "440/2000;once"), func(d time.Duration) { played = d })
			time.Sleep(3 * time.Second)
			synctest.Wait()
			g.hears(0, "440 Hz for 2.00 s")
			if played != 2*time.Second {
				t.Errorf("told that %v were played", played)
			}
			packets := g.Packets()
			if len(packets) != 100 {
				t.Fatalf("%d packets, want 100", len(packets))
			}
			for i, p := range packets {
				if i == 0 {
					continue
				}
				last := packets[i-1]
				if p.Arrived-last.Arrived != audio.FrameTime || p.Sequence != last.Sequence+1 || p.Timestamp != last.Timestamp+160 || p.SSRC != last.SSRC || p.Marker {
					t.Fatalf("packet %d: %+v behind %+v", i, p, last)
				}
			}
			if !packets[0].Marker {
				t.Error("the first packet has no marker")
			}
			if s := g.terminal.Stats(); s.Sent.Packets != 100 || s.Sent.Bytes != 100*172 {
				t.Errorf("sent %+v", s.Sent)
			}
		})
	}
}
