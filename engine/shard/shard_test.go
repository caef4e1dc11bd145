package shard

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// run starts a shard of ints inside a bubble and stops it when the test is over.
func run(t *testing.T, cfg Config[int]) *Shard[int] {
	t.Helper()
	if cfg.Flush == nil {
		cfg.Flush = func() bool { return false }
	}
	s := New(cfg)
	quit := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() { s.Run(quit) })
	t.Cleanup(func() { close(quit); wg.Wait() })
	return s
}

func TestItemsRunInTheOrderTheyCame(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var got []int
		s := run(t, Config[int]{Handle: func(m int, _ time.Duration) { got = append(got, m) }})
		s.Post(func() { got = append(got, -1) })
		s.Offer([]int{10, 20, 30}, []int{0, 1, 0}, time.Now())
		s.Post(func() { got = append(got, -2) })
		synctest.Wait()
		want := []int{-1, 10, 30, -2}
		if len(got) != len(want) {
			t.Fatalf("got %v, want %v", got, want)
		}
		for i := range want {
			if got[i] != want[i] {
				t.Fatalf("got %v, want %v", got, want)
			}
		}
	})
}

func TestFullQueueRefusesTheNetworkAndNeverAPost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		block := make(chan struct{})
		handled, posted := 0, false
		s := run(t, Config[int]{Queue: 2, Handle: func(int, time.Duration) { handled++ }})
		s.Post(func() { <-block })
		synctest.Wait()
		if refused := s.Offer([]int{1, 2, 3, 4, 5}, []int{0, 0, 0, 0, 0}, time.Now()); refused != 3 {
			t.Errorf("refused %d messages, want 3", refused)
		}
		s.Post(func() { posted = true })
		admitted := make(chan bool)
		go func() { admitted <- s.Admit(6, time.Now(), nil) }()
		synctest.Wait()
		select {
		case <-admitted:
			t.Error("a stream's message was admitted into a full queue")
		default:
		}
		close(block)
		if !<-admitted {
			t.Error("a waiting stream was not admitted when there was room")
		}
		synctest.Wait()
		if handled != 3 || !posted {
			t.Errorf("handled %d (want 3), posted %v", handled, posted)
		}
	})
}

func TestAdmitGivesUpWhenTheStreamEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		block, quit := make(chan struct{}), make(chan struct{})
		s := run(t, Config[int]{Queue: 1, Handle: func(int, time.Duration) {}})
		s.Post(func() { <-block })
		synctest.Wait()
		s.Offer([]int{1}, []int{0}, time.Now())
		done := make(chan bool)
		go func() { done <- s.Admit(2, time.Now(), quit) }()
		synctest.Wait()
		close(quit)
		if <-done {
			t.Error("admitted although the stream had ended")
		}
		close(block)
	})
}

func TestTimersFireInVirtualTimeAndAreFlushed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var fired time.Duration
		flushed := 0
		s := run(t, Config[int]{Handle: func(int, time.Duration) {}, Flush: func() bool { flushed++; return false }})
		s.Post(func() { s.After(32*time.Second, func() { fired = time.Since(start); flushed = 0 }) })
		time.Sleep(33 * time.Second)
		synctest.Wait()
		if fired < 32*time.Second || fired > 32*time.Second+2*time.Millisecond {
			t.Errorf("fired after %v, want 32 s", fired)
		}
		if flushed == 0 {
			t.Error("what a timer sends was not flushed")
		}
	})
}

func TestWhatASocketCouldNotTakeIsFlushedAgainThoughNothingComes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var flushed []time.Duration
		full := true
		s := run(t, Config[int]{Handle: func(int, time.Duration) {}, Flush: func() bool {
			flushed = append(flushed, time.Since(start))
			return full && len(flushed) < 4
		}})
		time.Sleep(time.Second)
		s.Post(func() {
			if len(flushed) != 4 {
				t.Errorf("flushed at %v, want once and three times more", flushed)
			}
			full = false
			flushed = nil
		})
		time.Sleep(time.Second)
		synctest.Wait()
		if len(flushed) != 1 {
			t.Errorf("flushed at %v, though the first flush left nothing", flushed)
		}
	})
}

func TestPanicEndsOnlyItsOwnItem(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var culprits []int
		posts, after := 0, false
		s := run(t, Config[int]{
			Handle: func(m int, _ time.Duration) {
				if m == 13 {
					panic("unlucky")
				}
			},
			Panicked: func(m *int, v any, stack []byte) {
				if m == nil {
					posts++
				} else {
					culprits = append(culprits, *m)
				}
				if len(stack) == 0 {
					t.Error("no stack")
				}
			},
		})
		s.Offer([]int{12, 13, 14}, []int{0, 0, 0}, time.Now())
		s.Post(func() { panic("post") })
		s.Post(func() { s.After(time.Second, func() { panic("timer") }) })
		s.Post(func() { s.After(time.Second, func() { after = true }) })
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if len(culprits) != 1 || culprits[0] != 13 || posts != 2 {
			t.Errorf("culprits %v, posts and timers %d; want [13], 2", culprits, posts)
		}
		if !after {
			t.Error("the timer behind the one that panicked did not fire")
		}
	})
}

func TestLateResultIsDiscardedWhenItsScopeHasEnded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := run(t, Config[int]{Handle: func(int, time.Duration) {}})
		pool := NewPool(1, 1)
		delivered, discarded := 0, 0
		work := func(ctx context.Context) Outcome {
			<-ctx.Done()
			return Outcome{Deliver: func() { delivered++ }, Discard: func() { discarded++ }}
		}
		s.Post(func() {
			parent := NewScope(nil)
			child := NewScope(parent)
			if err := s.Go(child, pool, work); err != nil {
				t.Error(err)
			}
			if err := s.Go(child, pool, work); err != nil {
				t.Error(err)
			}
			if err := s.Go(child, pool, work); err != ErrOverload {
				t.Errorf("third job in a pool of 1+1: %v, want ErrOverload", err)
			}
			parent.Close()
			if err := s.Go(child, pool, work); err != ErrClosed {
				t.Errorf("work under a closed scope: %v, want ErrClosed", err)
			}
		})
		synctest.Wait()
		pool.Close()
		if delivered != 0 || discarded != 2 {
			t.Errorf("delivered %d, discarded %d; want 0, 2", delivered, discarded)
		}
	})
}

func TestClosedPoolEndsItsWorkAndBeginsNone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := run(t, Config[int]{Handle: func(int, time.Duration) {}})
		pool := NewPool(2, 100)
		begun := make(chan struct{}, 100)
		work := func(ctx context.Context) Outcome {
			begun <- struct{}{}
			<-ctx.Done() // a name server that does not answer
			return Outcome{}
		}
		s.Post(func() {
			for range 50 {
				if err := s.Go(NewScope(nil), pool, work); err != nil {
					t.Error(err)
				}
			}
		})
		synctest.Wait()
		pool.Close()
		if len(begun) != 2 {
			t.Errorf("%d look-ups were begun, want the 2 there were workers for", len(begun))
		}
		s.Post(func() {
			if err := s.Go(NewScope(nil), pool, work); err != ErrClosed {
				t.Errorf("work for a closed pool: %v, want ErrClosed", err)
			}
		})
		synctest.Wait()
	})
}
