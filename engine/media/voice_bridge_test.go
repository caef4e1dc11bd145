package media_test

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sipscript/sipscript/engine/audio"
	"github.com/sipscript/sipscript/engine/media"
	"github.com/sipscript/sipscript/test/listen"
)

// bridge has two guests speak to each other: a says 300 Hz, b 500 Hz, each for as long.
func (h *hall) bridge(formats string, each time.Duration) (a, b *guest) {
	h.t.Helper()
	a, b = h.guest(formats), h.guest(formats)
	h.relay.Connect(a.terminal, b.terminal)
	name, _ := a.voice.Codec()
	go a.Say(a.to, name, tone(h.t, "300"), each)
	go b.Say(b.to, name, tone(h.t, "500"), each)
	return a, b
}

func TestPlayIsMixedIntoWhatIsRelayedWithoutAGap(t *testing.T) {
	t.Parallel()
	for _, formats := range []string{listen.Formats, "9 G722/8000"} {
		synctest.Test(t, func(t *testing.T) {
			a, b := newHall(t).bridge(formats, 4*time.Second)
			time.Sleep(time.Second)
			var e ended
			a.voice.Play(tone(t, "1000/1000;once"), e.done)
			time.Sleep(4 * time.Second)
			synctest.Wait()
			if e.times != 1 || e.played != time.Second {
				t.Errorf("told %+v", e)
			}
			if !a.Has(1200*time.Millisecond, 700*time.Millisecond, 500, 1000) {
				t.Errorf("a does not hear both: %s", a.Transcript(0))
			}
			if !a.Has(100*time.Millisecond, 800*time.Millisecond, 500) || !a.Has(2200*time.Millisecond, time.Second, 500) {
				t.Errorf("a does not hear b before and after: %s", a.Transcript(0))
			}
			b.hears(0, "300 Hz for 4.0 s")
			packets := a.Packets()
			if len(packets) != 200 {
				t.Errorf("%d packets, want 200", len(packets))
			}
			for i, p := range packets[1:] {
				if last := packets[i]; p.SSRC != last.SSRC || p.Sequence != last.Sequence+1 || p.Timestamp != last.Timestamp+160 {
					t.Fatalf("%+v behind %+v", p, last)
				}
			}
		})
	}
}

// What comes in bunches finds enough of what plays to be mixed with.
func TestMixSurvivesJitter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t)
		a, b := h.guest(listen.Formats), h.guest(listen.Formats)
		h.relay.Connect(a.terminal, b.terminal)
		a.voice.Play(tone(t, "1000/2000;once"), nil)
		n := 0
		h.net.Fate = func(_, to netip.AddrPort, _ []byte) (time.Duration, bool) {
			if n++; to == b.to && n%2 == 0 {
				return audio.FrameTime, false // with the next one
			}
			return 0, false
		}
		b.Say(b.to, "PCMU", tone(t, "0/2000"), 2*time.Second)
		synctest.Wait()
		if !a.Has(300*time.Millisecond, 1500*time.Millisecond, 1000) {
			t.Errorf("hears %s", a.Transcript(0))
		}
	})
}

func TestPlayIsHeardAloneWhereTheOtherIsSilent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t)
		a, b := h.guest(listen.Formats), h.guest(listen.Formats)
		h.relay.Connect(a.terminal, b.terminal)
		a.voice.Play(tone(t, "1000/1000;once"), nil)
		time.Sleep(2 * time.Second)
		a.voice.Background(tone(t, "700"))
		time.Sleep(time.Second)
		b.Say(b.to, "PCMU", tone(t, "500"), time.Second)
		time.Sleep(time.Second)
		synctest.Wait()
		a.hears(0, "1000 Hz for 1.0 s, silence for 1.0 s, 700 Hz for 1.0 s, 500 Hz for 1.0 s, silence for 0.1 s, 700 Hz for 0.9 s")
		if n := len(b.Packets()); n != 0 {
			t.Errorf("b hears %d packets", n)
		}
	})
}

// A codec that this server cannot decode makes way for what plays.
func TestPlayReplacesWhatCannotBeMixed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t)
		formats := "18 G729/8000, 0 PCMU/8000"
		a, b := h.guest("0 PCMU/8000"), h.guest("0 PCMU/8000")
		// They agree on G.729 between themselves, with G.711 beside it.
		pass := func(from, to *guest, role media.Role) {
			h.relay.Pass(from.terminal, to.terminal, role, from.Describe(formats), media.Options{}, func(_ []byte, err error) {
				if err != nil {
					t.Fatal(err)
				}
			})
		}
		pass(a, b, media.RoleOffer)
		pass(b, a, media.RoleAnswer)
		h.relay.Connect(a.terminal, b.terminal)
		go func() {
			for range 150 {
				b.Send(b.to, 18, make([]byte, 20))
				time.Sleep(20 * time.Millisecond)
			}
		}()
		time.Sleep(time.Second)
		var e ended
		a.voice.Play(tone(t, "1000/1000;once"), e.done)
		time.Sleep(3 * time.Second)
		synctest.Wait()
		a.hears(0, "1000 Hz for 1.0 s")
		foreign := 0
		for _, p := range a.Packets() {
			if p.Payload == 18 {
				foreign++
			}
		}
		if foreign < 90 || foreign > 110 || e.played != time.Second {
			t.Errorf("%d packets of the other, told %+v", foreign, e)
		}
	})
}

func TestDigitsAreSentInThePlaceOfWhatIsRelayed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, _ := newHall(t).bridge(listen.Formats, 3*time.Second)
		time.Sleep(time.Second)
		sent := false
		a.voice.SendDigits("42", 100*time.Millisecond, 100*time.Millisecond, func() { sent = true })
		time.Sleep(3 * time.Second)
		synctest.Wait()
		var body string
		packets := a.Packets()
		for i, p := range packets {
			if i > 0 {
				if last := packets[i-1]; p.SSRC != last.SSRC || p.Sequence != last.Sequence+1 {
					t.Fatalf("%+v behind %+v", p, last)
				}
			}
			if p.Payload == 101 && p.Marker {
				body += string("0123456789"[p.Body[0]])
			}
		}
		if !sent || body != "42" || len(packets) != 150 {
			t.Errorf("sent %v: %q in %d packets", sent, body, len(packets))
		}
	})
}

// stereo keeps both ways.
type stereo struct{ said, heard recorder }

func (s *stereo) Write(said, heard []int16, rate int) {
	s.said.Write(said, rate)
	s.heard.Write(heard, rate)
}

func TestTapHearsBothWays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t)
		a, _ := h.bridge(listen.Formats, 2*time.Second)
		var s stereo
		stop := a.voice.Tap(&s)
		time.Sleep(3 * time.Second)
		h.relay.Part(a.terminal)
		a.voice.Play(tone(t, "1000/1000;once"), nil)
		a.Say(a.to, "PCMU", tone(t, "300"), time.Second)
		time.Sleep(time.Second)
		stop()
		synctest.Wait()
		if len(s.said.samples) != len(s.heard.samples) || len(s.said.samples) < 4*8000 {
			t.Fatalf("%d samples said, %d heard", len(s.said.samples), len(s.heard.samples))
		}
		const ms = time.Millisecond
		for _, tc := range []struct {
			r        *recorder
			from, to time.Duration
			hz       float64
		}{
			{&s.said, 200 * ms, 1800 * ms, 300}, {&s.heard, 200 * ms, 1800 * ms, 500}, {&s.said, 3200 * ms, 3900 * ms, 300}, {&s.heard, 3100 * ms, 3900 * ms, 1000},
		} {
			if p := share(tc.r.samples, 8000, tc.from, tc.to, tc.hz); p < 0.9 {
				t.Errorf("%.2f of %v to %v is %v Hz", p, tc.from, tc.to, tc.hz)
			}
		}
	})
}

// Whatever happens in the middle of a play, it goes on or its end is told, once.
func TestPlaySurvivesConnectPartAndClose(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t)
		a, b := h.bridge(listen.Formats, 5*time.Second)
		var e ended
		a.voice.Play(tone(t, "1000/5000;once"), e.done)
		time.Sleep(time.Second)
		h.relay.Part(b.terminal)
		time.Sleep(time.Second)
		h.relay.Connect(b.terminal, a.terminal)
		time.Sleep(time.Second)
		a.offer("8 PCMA/8000, 101 telephone-event/8000")
		time.Sleep(time.Second)
		a.Describe("0 PCMU/8000, 8 PCMA/8000")
		h.relay.Close(b.terminal)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if e.times != 1 || e.played != 5*time.Second {
			t.Errorf("told %+v", e)
		}
		for at := 200 * time.Millisecond; at < 4800*time.Millisecond; at += 100 * time.Millisecond {
			samples := a.Samples()
			from := int(at * 8000 / time.Second)
			if p := listen.Power(samples[from:from+800], 1000, 8000); p < 0.3 {
				t.Errorf("only %.2f of what is heard at %v is what plays: %s", p, at, a.Transcript(0))
			}
		}
	})
}
