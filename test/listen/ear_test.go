package listen_test

import (
	"math"
	"math/rand/v2"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sipscript/sipscript/engine/audio"
	"github.com/sipscript/sipscript/test/listen"
)

func pair(t *testing.T) (a, b *listen.Ear, n *listen.Network) {
	t.Helper()
	n = listen.NewNetwork()
	return listen.New(t, n, netip.MustParseAddrPort("10.0.0.1:4000")), listen.New(t, n, netip.MustParseAddrPort("10.0.0.2:4000")), n
}

func tone(t *testing.T, text string) *audio.ToneSource {
	t.Helper()
	tone, err := audio.ParseTone(text)
	if err != nil {
		t.Fatal(err)
	}
	return tone.Source()
}

func TestTranscriptSaysWhatWasHeard(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, b, _ := pair(t)
		a.Say(b.Addr(), "PCMU", tone(t, "440/2000,0/500,1000/700;once"), 10*time.Second)
		time.Sleep(time.Second)
		a.Say(b.Addr(), "PCMA", tone(t, "697+1209/300;once"), 10*time.Second)
		synctest.Wait()
		if got, want := b.Transcript(0), "440 Hz for 2.0 s, silence for 0.5 s, 1000 Hz for 0.7 s, silence for 1.0 s, sound for 0.3 s"; got != want {
			t.Errorf("heard %q, want %q", got, want)
		}
		if !b.Has(4250*time.Millisecond, 200*time.Millisecond, 697, 1209) || b.Has(4250*time.Millisecond, 200*time.Millisecond, 770, 1209) {
			t.Error("the two tones are not told apart")
		}
		if got := b.Transcript(3 * time.Second); got != "1000 Hz for 0.2 s, silence for 1.0 s, sound for 0.3 s" {
			t.Errorf("from 3 s on %q", got)
		}
	})
}

// clip is something like a voice, another one for each seed.
func clip(rate int, seed uint64) *audio.Clip {
	r := rand.New(rand.NewPCG(seed, 1))
	c := &audio.Clip{Rate: rate, Samples: make([]int16, 2*rate)}
	phase, hz := 0.0, 200.0
	for i := range c.Samples {
		if i%(rate/10) == 0 {
			hz = 150 + 1500*r.Float64()
		}
		phase += 2 * math.Pi * hz / float64(rate)
		c.Samples[i] = int16(8000 * math.Sin(phase))
	}
	return c
}

type player struct {
	samples []int16
}

func (p *player) Read(frame []int16, _ int) int {
	n := copy(frame, p.samples)
	p.samples = p.samples[n:]
	return n
}

func TestClipIsFoundWhereItBegins(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, b, _ := pair(t)
		one, other := clip(8000, 1), clip(8000, 2)
		a.Say(b.Addr(), "PCMU", tone(t, "440/1500;once"), 10*time.Second)
		a.Say(b.Addr(), "PCMU", &player{one.Samples}, 10*time.Second)
		synctest.Wait()
		if at, ok := b.Heard(one, 0); !ok || at < 1490*time.Millisecond || at > 1510*time.Millisecond {
			t.Errorf("found at %v: %v", at, ok)
		}
		if at, ok := b.Heard(other, 0); ok {
			t.Errorf("another one is found at %v", at)
		}
		if _, ok := b.Heard(one, 2*time.Second); ok {
			t.Error("it is found behind its beginning")
		}
	})
}

func TestKeysArePressedAndLostAsFateSays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, b, n := pair(t)
		a.Press(b.Addr(), "12", 60*time.Millisecond, 100*time.Millisecond)
		n.Fate = func(_, to netip.AddrPort, _ []byte) (time.Duration, bool) {
			return 5 * time.Millisecond, to == a.Addr()
		}
		a.Press(b.Addr(), "#", 60*time.Millisecond, 100*time.Millisecond)
		b.Press(a.Addr(), "#", 60*time.Millisecond, 100*time.Millisecond)
		synctest.Wait()
		begun := ""
		for _, p := range b.Packets() {
			if p.Payload == 101 && p.Marker {
				begun += string("0123456789*#"[p.Body[0]])
			}
		}
		if begun != "12#" || len(b.Packets()) != 15 || len(a.Packets()) != 0 {
			t.Errorf("pressed %q in %d packets, and %d came that were lost", begun, len(b.Packets()), len(a.Packets()))
		}
	})
}
