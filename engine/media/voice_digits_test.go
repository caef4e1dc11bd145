package media_test

import (
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sipscript/sipscript/engine/media"
	"github.com/sipscript/sipscript/test/listen"
)

// typist notes what a peer presses.
type typist struct {
	pressed, released strings.Builder
	durations         []time.Duration
}

func (y *typist) digit(d media.Digit) {
	if d.Pressed {
		y.pressed.WriteByte(d.Key)
		return
	}
	y.released.WriteByte(d.Key)
	y.durations = append(y.durations, d.Duration)
}

// many are digits from a seed, with the same one several times in a row among them.
func many(n int, seed uint64) string {
	r := rand.New(rand.NewPCG(seed, 1))
	const keys = "0123456789*#"
	digits := make([]byte, n)
	for i := range digits {
		digits[i] = keys[r.IntN(len(keys))]
		if i > 0 && r.IntN(4) == 0 {
			digits[i] = digits[i-1]
		}
	}
	return string(digits)
}

func TestNoDigitIsLostOrDoubledByALossyNetwork(t *testing.T) {
	t.Parallel()
	const n = 1000
	for seed := range uint64(3) {
		synctest.Test(t, func(t *testing.T) {
			h := newHall(t)
			g := h.guest(listen.Formats)
			var typed typist
			g.voice.Digits(typed.digit)
			r := rand.New(rand.NewPCG(seed, 2))
			h.net.Fate = func(_, to netip.AddrPort, _ []byte) (time.Duration, bool) {
				if to != g.to {
					return 0, false
				}
				return time.Duration(r.IntN(25)) * time.Millisecond, r.IntN(10) == 0 // out of order as well
			}
			want := many(n, seed)
			g.Press(g.to, want, 50*time.Millisecond, 50*time.Millisecond)
			time.Sleep(time.Second)
			synctest.Wait()
			if got := typed.released.String(); got != want {
				t.Errorf("seed %d: %s", seed, differ(got, want))
			}
			if got := typed.pressed.String(); got != want {
				t.Errorf("seed %d, pressed: %s", seed, differ(got, want))
			}
			var told strings.Builder
			for _, e := range g.events {
				if e.Kind == media.EventDigit {
					told.WriteByte(e.Digit)
				}
			}
			if told.String() != want {
				t.Errorf("seed %d, events: %s", seed, differ(told.String(), want))
			}
			for _, d := range typed.durations {
				if d < 20*time.Millisecond || d > 50*time.Millisecond {
					t.Fatalf("a digit of %v", d)
				}
			}
		})
	}
}

// differ says where two texts begin to differ.
func differ(got, want string) string {
	for i := range want {
		if i >= len(got) || got[i] != want[i] {
			return "got " + got[max(0, i-3):min(len(got), i+10)] + ", want " + want[max(0, i-3):min(len(want), i+10)]
		}
	}
	return "too many"
}

// Where the last packets are all lost, the digit has ended all the same, and soon.
func TestDigitWhoseEndIsLostEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t)
		g := h.guest(listen.Formats)
		var typed typist
		g.voice.Digits(typed.digit)
		h.net.Fate = func(_, to netip.AddrPort, b []byte) (time.Duration, bool) { return 0, to == g.to && b[13]&0x80 != 0 }
		g.Press(g.to, "7", 100*time.Millisecond, 200*time.Millisecond)
		time.Sleep(100 * time.Millisecond)
		synctest.Wait()
		if got := typed.released.String(); got != "7" || typed.durations[0] != 80*time.Millisecond {
			t.Errorf("typed %q for %v", got, typed.durations)
		}
		if typed.pressed.String() != "7" {
			t.Errorf("pressed %q", typed.pressed.String())
		}
	})
}

// A digit is told when it begins, as that is what ends a prompt.
func TestDigitIsToldAtItsFirstPacket(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newHall(t).guest(listen.Formats)
		begun := time.Now()
		var told time.Duration
		g.voice.Digits(func(d media.Digit) {
			if d.Pressed {
				told = time.Since(begun)
			}
		})
		g.Press(g.to, "1", 2*time.Second, 0)
		synctest.Wait()
		if told != 0 {
			t.Errorf("told after %v", told)
		}
	})
}

func TestDigitsAreSentAsEvents(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newHall(t).guest(listen.Formats)
		g.voice.Play(tone(t, "440/1000;once"), nil)
		time.Sleep(500 * time.Millisecond)
		done := time.Duration(0)
		begun := time.Now()
		g.voice.SendDigits("1#", 100*time.Millisecond, 100*time.Millisecond, func() { done = time.Since(begun) })
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if done < 400*time.Millisecond || done > 440*time.Millisecond {
			t.Errorf("told after %v", done)
		}
		g.hears(0, "440 Hz for 0.5 s, silence for 0.4 s, 440 Hz for 0.5 s")
		var events []listen.Packet
		for _, p := range g.Packets() {
			if p.Payload == 101 {
				events = append(events, p)
			}
		}
		if len(events) != 14 { // 4 while it lasts, and 3 ends, of each
			t.Fatalf("%d packets", len(events))
		}
		for i, p := range events {
			n := i % 7
			first := events[i-n]
			wantEnd, wantDuration := n >= 4, uint16(min(n+1, 5)*160)
			if end := p.Body[1]&0x80 != 0; end != wantEnd || p.Timestamp != first.Timestamp || p.Marker != (n == 0) {
				t.Errorf("packet %d: %+v", i, p)
			}
			if got := uint16(p.Body[2])<<8 | uint16(p.Body[3]); got != wantDuration {
				t.Errorf("packet %d lasts %d, want %d", i, got, wantDuration)
			}
			if want := []byte{1, 11}[i/7]; p.Body[0] != want {
				t.Errorf("packet %d is of event %d, want %d", i, p.Body[0], want)
			}
			if p.SSRC != g.Packets()[0].SSRC {
				t.Error("an event of another source")
			}
		}
		if step := events[7].Timestamp - events[0].Timestamp; step != 1600 {
			t.Errorf("the second one begins %d behind the first", step)
		}
	})
}

// Where no telephone-event was negotiated, digits are tones, both ways.
func TestDigitsInBand(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t)
		a, b := h.guest("0 PCMU/8000"), h.guest("8 PCMA/8000")
		h.relay.Connect(a.terminal, b.terminal) // what one is sent is not what the other says: nothing may come of it
		h.relay.Part(a.terminal)
		var typed typist
		a.voice.Digits(typed.digit)
		a.Say(a.to, "PCMU", tone(t, "697+1209/100,0/100,941+1477/100;once"), time.Second)
		time.Sleep(500 * time.Millisecond)
		synctest.Wait()
		if typed.pressed.String() != "1#" || typed.released.String() != "1#" {
			t.Errorf("pressed %q, released %q", typed.pressed.String(), typed.released.String())
		}
		sent := false
		at := time.Since(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC))
		b.voice.SendDigits("5", 200*time.Millisecond, 100*time.Millisecond, func() { sent = true })
		time.Sleep(time.Second)
		synctest.Wait()
		if !sent || !b.Has(at+60*time.Millisecond, 100*time.Millisecond, 770, 1336) {
			t.Errorf("sent %v: %s", sent, b.Transcript(0))
		}
	})
}

// From the first packet of a digit that comes in to the last one of the prompt that goes out it is less than two frames.
func TestDigitEndsThePromptInTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t)
		for i := range 20 {
			g := h.guest(listen.Formats)
			g.voice.Digits(func(d media.Digit) {
				if d.Pressed {
					g.voice.Interrupt()
				}
			})
			g.voice.Play(tone(t, "440"), nil)
			time.Sleep(time.Second + time.Duration(i)*time.Millisecond)
			begun := time.Now()
			first := time.Duration(0)
			for _, p := range g.Packets() {
				first = p.Arrived
			}
			g.Press(g.to, "5", 100*time.Millisecond, 100*time.Millisecond)
			synctest.Wait()
			last := g.Packets()[len(g.Packets())-1].Arrived
			if late := last - first; late > 40*time.Millisecond || time.Since(begun) < 200*time.Millisecond {
				t.Errorf("the prompt goes on for %v", late)
			}
		}
	})
}
