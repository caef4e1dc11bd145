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
			g.hears(0, "440 Hz for 2.0 s")
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

// ended is what done of a performance has told.
type ended struct {
	times  int
	played time.Duration
}

func (e *ended) done(played time.Duration) { e.times, e.played = e.times+1, played }

func TestInterruptEndsWithinOnePacket(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newHall(t).guest(listen.Formats)
		var e ended
		g.voice.Play(tone(t, "440"), e.done)
		time.Sleep(time.Second)
		before := len(g.Packets())
		g.voice.Interrupt()
		time.Sleep(time.Second)
		synctest.Wait()
		if after := len(g.Packets()); after > before+1 {
			t.Errorf("%d packets behind the interruption", after-before)
		}
		if e.times != 1 || e.played < 980*time.Millisecond || e.played > time.Second {
			t.Errorf("told %+v", e)
		}
	})
}

func TestPromptsAreOneStreamAndReplaceEachOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newHall(t).guest(listen.Formats)
		var first, second ended
		g.voice.Play(tone(t, "440"), first.done)
		time.Sleep(time.Second)
		g.voice.Play(tone(t, "700/500;once"), func(played time.Duration) {
			if first.times != 1 {
				t.Error("what was replaced had not been told")
			}
			second.done(played)
		})
		time.Sleep(2 * time.Second)
		g.voice.Play(tone(t, "1000/500;once"), nil)
		time.Sleep(time.Second)
		synctest.Wait()
		g.hears(0, "440 Hz for 1.0 s, 700 Hz for 0.5 s, silence for 1.5 s, 1000 Hz for 0.5 s")
		if first.times != 1 || second.times != 1 || second.played != 500*time.Millisecond {
			t.Errorf("told %+v and %+v", first, second)
		}
		packets := g.Packets()
		marks := 0
		for i, p := range packets[1:] {
			last := packets[i]
			if p.SSRC != last.SSRC || p.Sequence != last.Sequence+1 {
				t.Fatalf("%+v behind %+v", p, last)
			}
			if want := uint32((p.Arrived - last.Arrived) * 8000 / time.Second); p.Timestamp-last.Timestamp != want {
				t.Fatalf("timestamps %d apart in %v", p.Timestamp-last.Timestamp, p.Arrived-last.Arrived)
			}
			if p.Marker {
				marks++
			}
		}
		if marks != 1 { // behind the silence
			t.Errorf("%d markers", marks)
		}
	})
}

func TestSourceWaitsWhileThePeerHolds(t *testing.T) {
	t.Parallel()
	for _, lines := range [][]string{{"a=sendonly"}, {"a=inactive"}} {
		synctest.Test(t, func(t *testing.T) {
			g := newHall(t).guest(listen.Formats)
			var e ended
			g.voice.Play(tone(t, "440/2000;once"), e.done)
			time.Sleep(time.Second)
			g.offer(listen.Formats, lines...)
			time.Sleep(5 * time.Second)
			if e.times != 0 {
				t.Error("it has ended while the peer held")
			}
			before := len(g.Packets())
			time.Sleep(time.Second)
			if after := len(g.Packets()); after != before {
				t.Errorf("%d packets to a peer that holds", after-before)
			}
			g.offer(listen.Formats)
			time.Sleep(2 * time.Second)
			synctest.Wait()
			g.hears(0, "440 Hz for 1.0 s, silence for 6.0 s, 440 Hz for 1.0 s")
			if e.times != 1 || e.played != 2*time.Second {
				t.Errorf("told %+v", e)
			}
		})
	}
}

// A codec that changes in the middle changes neither the stream nor what is heard.
func TestCodecChangesWhileSomethingPlays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newHall(t).guest("0 PCMU/8000")
		g.voice.Play(tone(t, "440/3000;once"), nil)
		for _, formats := range []string{"9 G722/8000, 0 PCMU/8000", "8 PCMA/8000, 0 PCMU/8000"} {
			time.Sleep(time.Second)
			g.offer(formats)
			name, _ := g.voice.Codec()
			if !strings.Contains(formats[:8], name) {
				t.Errorf("speaks %s after an offer of %s", name, formats)
			}
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		g.Describe("9 G722/8000, 0 PCMU/8000, 8 PCMA/8000")
		g.hears(0, "440 Hz for 3.0 s")
		packets := g.Packets()
		for i, p := range packets[1:] {
			if last := packets[i]; p.SSRC != last.SSRC || p.Sequence != last.Sequence+1 || p.Timestamp != last.Timestamp+160 {
				t.Fatalf("%+v behind %+v", p, last)
			}
		}
	})
}

func TestMusicIsHeardWheneverNothingElseIs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newHall(t).guest(listen.Formats)
		g.voice.Background(tone(t, "300"))
		time.Sleep(time.Second)
		g.voice.Play(tone(t, "440/500;once"), nil)
		time.Sleep(time.Second)
		g.voice.Background(nil)
		time.Sleep(time.Second)
		synctest.Wait()
		g.hears(0, "300 Hz for 1.0 s, 440 Hz for 0.5 s, 300 Hz for 0.5 s")
	})
}

// recorder keeps what it is given.
type recorder struct {
	samples []int16
	rate    int
}

func (r *recorder) Write(frame []int16, rate int) {
	r.samples, r.rate = append(r.samples, frame...), rate
}

// share is how much of the energy of a stretch is at a frequency.
func share(samples []int16, rate int, from, to time.Duration, hz float64) float64 {
	at := func(d time.Duration) int { return min(len(samples), int(d*time.Duration(rate)/time.Second)) }
	return listen.Power(samples[at(from):at(to)], hz, rate)
}

func TestListenHearsThePeerUntilItIsStopped(t *testing.T) {
	t.Parallel()
	for _, formats := range []string{"0 PCMU/8000", "9 G722/8000"} {
		synctest.Test(t, func(t *testing.T) {
			g := newHall(t).guest(formats)
			name, rate := g.voice.Codec()
			var r, other recorder
			stop := g.voice.Listen(&r)
			stopOther := g.voice.Listen(&other)
			g.Say(g.to, name, tone(t, "600"), time.Second)
			time.Sleep(time.Second)
			stop()
			time.Sleep(time.Second)
			stopOther()
			synctest.Wait()
			if r.rate != rate {
				t.Errorf("told %d Hz, the codec has %d", r.rate, rate)
			}
			if n := len(r.samples) / rate; n != 1 && n != 2 || len(other.samples) < len(r.samples)+9*rate/10 {
				t.Errorf("%d samples, and %d of who listened for longer", len(r.samples), len(other.samples))
			}
			if p := share(r.samples, rate, 200*time.Millisecond, 900*time.Millisecond, 600); p < 0.9 {
				t.Errorf("%.2f of what was heard is the tone", p)
			}
			quiet := r.samples[rate*3/2:]
			for _, s := range quiet {
				if s > 50 || s < -50 {
					t.Fatalf("hears %d behind the end", s)
				}
			}
		})
	}
}

func TestClosedTerminalTellsEverybodyOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t)
		g := h.guest(listen.Formats)
		var playing, late, pressed, latePressed ended
		g.voice.Play(tone(t, "440"), playing.done)
		g.voice.SendDigits("123", 0, 0, func() { pressed.done(0) })
		time.Sleep(100 * time.Millisecond)
		h.relay.Close(g.terminal)
		before := len(g.Packets())
		g.voice.Play(tone(t, "440"), late.done)
		g.voice.SendDigits("123", 0, 0, func() { latePressed.done(0) })
		stop := g.voice.Listen(&recorder{})
		stop()
		time.Sleep(time.Second)
		synctest.Wait()
		for name, e := range map[string]ended{"what played": playing, "what came too late": late, "digits": pressed, "late digits": latePressed} {
			if e.times != 1 {
				t.Errorf("%s was told %d times", name, e.times)
			}
		}
		if after := len(g.Packets()); after != before {
			t.Errorf("%d packets of a closed terminal", after-before)
		}
		if _, err := h.relay.Voice(g.terminal); err == nil {
			t.Error("a closed terminal has a voice")
		}
	})
}

// A peer may change its codec as it likes within what was agreed, and what is heard has one rate.
func TestPeerChangesItsCodec(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newHall(t).guest("9 G722/8000, 0 PCMU/8000")
		var r recorder
		g.voice.Listen(&r)
		for _, name := range []string{"PCMU", "G722", "PCMU"} {
			g.Say(g.to, name, tone(t, "600"), time.Second)
		}
		synctest.Wait()
		for at := 200 * time.Millisecond; at < 2800*time.Millisecond; at += 500 * time.Millisecond {
			if p := share(r.samples, 16000, at, at+300*time.Millisecond, 600); p < 0.8 {
				t.Errorf("%.2f of what is heard at %v is the tone", p, at)
			}
		}
		if r.rate != 16000 || len(r.samples) > 16000*31/10 {
			t.Errorf("%d samples of %d Hz", len(r.samples), r.rate)
		}
	})
}
