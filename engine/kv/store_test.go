package kv

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestKeyLivesForItsTTL(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := New(Config{})
		defer s.Close()
		if err := s.Set("k", NewString("v"), 10*time.Second); err != nil {
			t.Fatal(err)
		}
		if err := s.Set("ever", NewBool(true), 0); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10*time.Second - 1)
		if got := s.Get("k").Text(); got != "v" {
			t.Errorf("just before its end: %q, want %q", got, "v")
		}
		time.Sleep(time.Nanosecond)
		if got := s.Get("k"); !got.IsNil() {
			t.Errorf("at its end: %v, want nil", got)
		}
		time.Sleep(1000 * time.Hour)
		if !s.Get("ever").Bool() {
			t.Error("a key without a TTL is gone")
		}
	})
}

func TestSweeperDropsWhatNobodyReads(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := New(Config{})
		defer s.Close()
		for round := range 2 { // the second one wakes a sweeper that has gone to sleep
			for i := range 1000 {
				if err := s.Set(fmt.Sprint("k", i), NewNumber(1), time.Second); err != nil {
					t.Fatal(err)
				}
			}
			if err := s.Set("stays", NewNumber(1), 0); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second + stripes*sweepTick)
			synctest.Wait()
			if got := s.Len(); got != 1 {
				t.Errorf("round %d: %d keys after a whole sweep, want 1", round, got)
			}
			if got := s.expiring.Load(); got != 0 {
				t.Errorf("round %d: %d keys counted as expiring, want 0", round, got)
			}
			time.Sleep(time.Minute)
		}
	})
}

func TestTTLIsReplacedBySet(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := New(Config{})
		defer s.Close()
		_ = s.Set("k", NewNumber(1), time.Second)
		_ = s.Set("k", NewNumber(2), 0)
		time.Sleep(time.Hour)
		if got := s.Get("k").Number(); got != 2 {
			t.Errorf("got %v, want 2: setting without a TTL makes a key permanent", got)
		}
		_ = s.Set("k", NewNumber(3), math.MaxInt64)
		time.Sleep(time.Hour)
		if got := s.Get("k").Number(); got != 3 {
			t.Errorf("got %v, want 3: a TTL beyond the clock's range is for ever", got)
		}
	})
}

func TestIncrCountsWithinTheFirstTTL(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := New(Config{})
		defer s.Close()
		for i := range 6 {
			got, err := s.Incr("calls", 1, 10*time.Second)
			if want := float64(i + 1); err != nil || got != want {
				t.Errorf("Incr %d = %v, %v, want %v", i, got, err, want)
			}
			time.Sleep(1900 * time.Millisecond)
		}
		if got, err := s.Incr("calls", 2.5, 0); err != nil || got != 2.5 {
			t.Errorf("Incr after the window = %v, %v, want 2.5: its TTL must not be prolonged by counting", got, err)
		}
	})
}

func TestIncrOfAnotherKindFails(t *testing.T) {
	t.Parallel()
	s := New(Config{})
	defer s.Close()
	_ = s.Set("k", NewString("7"), 0)
	if _, err := s.Incr("k", 1, 0); !errors.Is(err, ErrNotNumber) {
		t.Errorf("err = %v, want ErrNotNumber", err)
	}
	if got := s.Get("k").Text(); got != "7" {
		t.Errorf("value is now %q, want it unchanged", got)
	}
}

func TestIncrIsAtomic(t *testing.T) {
	t.Parallel()
	s := New(Config{})
	defer s.Close()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 1000 {
				_, _ = s.Incr("n", 1, 0)
			}
		})
	}
	wg.Wait()
	if got := s.Get("n").Number(); got != 8000 {
		t.Errorf("got %v, want 8000", got)
	}
}

func TestCAS(t *testing.T) {
	t.Parallel()
	tab := func(n float64) Value {
		v, err := NewTable([]Pair{{NewNumber(1), NewNumber(n)}, {NewString("x"), NewBool(true)}})
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	tests := []struct {
		name           string
		held, old, new Value
		ok             bool
	}{
		{"creates when absent", Value{}, Value{}, NewString("a"), true},
		{"does not create over something", NewString("a"), Value{}, NewString("b"), false},
		{"string", NewString("a"), NewString("a"), NewString("b"), true},
		{"other string", NewString("a"), NewString("A"), NewString("b"), false},
		{"number is not its string", NewNumber(1), NewString("1"), NewString("b"), false},
		{"true is not 1", NewBool(true), NewNumber(1), NewString("b"), false},
		{"equal table", tab(1), tab(1), NewString("b"), true},
		{"other table", tab(1), tab(2), NewString("b"), false},
		{"deletes", NewString("a"), NewString("a"), Value{}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := New(Config{})
			defer s.Close()
			_ = s.Set("k", tt.held, 0)
			ok, err := s.CAS("k", tt.old, tt.new, 0)
			if err != nil || ok != tt.ok {
				t.Fatalf("CAS = %v, %v, want %v", ok, err, tt.ok)
			}
			want := tt.held
			if tt.ok {
				want = tt.new
			}
			if got := s.Get("k"); !got.Equal(want) {
				t.Errorf("holds %v, want %v", got, want)
			}
		})
	}
}

func TestCASTakesAnExpiredKeyAsAbsent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := New(Config{})
		defer s.Close()
		_ = s.Set("lock", NewString("a"), time.Second)
		if ok, _ := s.CAS("lock", Value{}, NewString("b"), time.Second); ok {
			t.Error("claimed a lock that is held")
		}
		time.Sleep(time.Second)
		if ok, _ := s.CAS("lock", Value{}, NewString("b"), time.Second); !ok {
			t.Error("could not claim a lock whose time has run out")
		}
	})
}

func TestDeleteReportsWhatWasThere(t *testing.T) {
	t.Parallel()
	s := New(Config{})
	defer s.Close()
	_ = s.Set("k", NewBool(false), 0)
	if !s.Delete("k") || s.Delete("k") {
		t.Error("Delete must be true for a key that was there and false after it")
	}
	if !s.Get("k").IsNil() {
		t.Error("still there")
	}
}

func TestTooLargeChangesNothing(t *testing.T) {
	t.Parallel()
	const maxSize = 1 << 20
	s := New(Config{})
	defer s.Close()
	big := strings.Repeat("x", maxSize)
	tab, err := NewTable([]Pair{{NewNumber(1), NewString(big[:maxSize/2])}, {NewNumber(2), NewString(big[:maxSize/2])}})
	if err != nil {
		t.Fatal(err)
	}
	_ = s.Set("k", NewNumber(1), 0)
	for name, v := range map[string]Value{"string": NewString(big), "table": tab} {
		if err := s.Set("k", v, 0); !errors.Is(err, ErrTooLarge) {
			t.Errorf("Set %s: err = %v, want ErrTooLarge", name, err)
		}
		if ok, err := s.CAS("k", NewNumber(1), v, 0); ok || !errors.Is(err, ErrTooLarge) {
			t.Errorf("CAS %s: %v, %v, want ErrTooLarge", name, ok, err)
		}
	}
	if _, err := s.Incr(big, 1, 0); !errors.Is(err, ErrTooLarge) {
		t.Errorf("Incr of a giant key: err = %v, want ErrTooLarge", err)
	}
	if got := s.Get("k").Number(); got != 1 {
		t.Errorf("holds %v, want 1", got)
	}
	if err := s.Set("k", NewString(big[:maxSize-valueOverhead-1]), 0); err != nil {
		t.Errorf("exactly the most: %v", err)
	}
}

func TestCloseMayBeCalledTwice(t *testing.T) {
	t.Parallel()
	s := New(Config{})
	_ = s.Set("k", NewNumber(1), time.Hour)
	s.Close()
	s.Close()
	if got := s.Get("k").Number(); got != 1 {
		t.Errorf("after Close: %v, want 1", got)
	}
}

func BenchmarkIncr(b *testing.B) {
	s := New(Config{})
	defer s.Close()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			_, _ = s.Incr("calls:sip:alice@example.org", 1, time.Minute)
		}
	})
}
