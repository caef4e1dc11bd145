package media

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Whatever is asked of voices at once, from whichever goroutines, each end is told once, and none is missing when all are closed.
func TestVoicesTellEachEndOnceInAStorm(t *testing.T) {
	t.Parallel()
	r := loopbackRelay(t, 3)
	const voices, each = 6, 150
	var begun, told, twice atomic.Int64
	end := func() func() {
		begun.Add(1)
		var once atomic.Bool
		return func() {
			if once.Swap(true) {
				twice.Add(1)
			}
			told.Add(1)
		}
	}
	rooms := []*Room{NewRoom("one"), NewRoom("two")}
	var mu sync.Mutex
	terminals := make([]Terminal, voices)
	open := func(i, n int) Terminal {
		terminal, err := r.Open(fmt.Sprint(i, n), nil)
		if err != nil {
			t.Error(err)
		}
		return terminal
	}
	for i := range terminals {
		terminals[i] = open(i, 0)
	}
	pick := func(random *rand.Rand) Terminal {
		mu.Lock()
		defer mu.Unlock()
		return terminals[random.IntN(voices)]
	}
	var wg sync.WaitGroup
	for i := range voices {
		wg.Add(1)
		go func() {
			defer wg.Done()
			random := rand.New(rand.NewPCG(uint64(i), 5))
			for n := range each {
				terminal := pick(random)
				v, err := r.Voice(terminal)
				if err != nil {
					continue // closed by another
				}
				switch random.IntN(12) {
				case 0, 1:
					done := end()
					v.Play(&some{frames: random.IntN(20)}, func(time.Duration) { done() })
				case 2:
					v.Interrupt()
				case 3:
					stop := v.Listen(&ignore{})
					defer stop()
				case 4:
					stop := v.Tap(&both{})
					defer stop()
				case 5:
					v.Digits(func(Digit) {})
					v.SendDigits("1w2", 20*time.Millisecond, 20*time.Millisecond, end())
				case 6:
					r.Answer(terminal, audioAt("127.0.0.1", 9+2*random.IntN(1000)), Options{}, func([]byte, error) {})
				case 7:
					r.Connect(terminal, pick(random))
				case 8:
					r.Part(terminal)
				case 9:
					m := rooms[random.IntN(2)]
					if s, err := m.Join(v); err == nil && random.IntN(2) == 0 {
						time.Sleep(time.Duration(random.IntN(30)) * time.Millisecond)
						s.Leave()
					}
				case 10:
					v.Background(&hum{})
				case 11:
					mu.Lock()
					r.Close(terminal)
					for at := range terminals {
						if terminals[at] == terminal {
							terminals[at] = open(i, n+1)
						}
					}
					mu.Unlock()
				}
				if random.IntN(4) == 0 {
					time.Sleep(time.Duration(random.IntN(20)) * time.Millisecond)
				}
			}
		}()
	}
	wg.Wait()
	r.Stop()
	if begun.Load() == 0 || told.Load() != begun.Load() || twice.Load() != 0 {
		t.Errorf("%d of %d were told, %d of them again", told.Load(), begun.Load(), twice.Load())
	}
}

// A relay that never had a peer to send to keeps nothing.
func TestVoiceWithoutAnMLineWaits(t *testing.T) {
	t.Parallel()
	r := loopbackRelay(t, 1)
	terminal, err := r.Open("call", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Signalled(terminal, netip.Addr{}, netip.MustParseAddr("127.0.0.1"))
	v, err := r.Voice(terminal)
	if err != nil {
		t.Fatal(err)
	}
	if name, rate := v.Codec(); name != "" || rate != 0 {
		t.Errorf("speaks %s at %d Hz", name, rate)
	}
	over := make(chan time.Duration, 1)
	v.Play(&some{frames: 5}, func(played time.Duration) { over <- played })
	r.Close(terminal)
	if played := <-over; played != 0 {
		t.Errorf("%v were played to nobody", played)
	}
}
