package location

import (
	"fmt"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"github.com/sipscript/sipscript/sip"
)

// phone returns what a typical phone registers.
func phone(i int, now time.Time) Binding {
	remote := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), 5060)
	return Binding{
		URI:        fmt.Sprintf("sip:user%06d@%s;transport=udp;ob", i, remote),
		Params:     sip.Params(fmt.Sprintf(`;+sip.instance="<urn:uuid:00000000-0000-1000-8000-%012d>"`, i)),
		Q:          1000,
		Expires:    now.Add(time.Hour),
		Registered: now,
		CallID:     fmt.Sprintf("%032d@10.0.0.1", i),
		CSeq:       uint32(i),
		Flow:       sip.Flow{Transport: sip.UDP, Local: netip.MustParseAddrPort("192.0.2.1:5060"), Remote: remote},
		Source:     remote,
		UserAgent:  fmt.Sprintf("Example Phone %d/1.2.3 (abcdef)", i%20),
		Instance:   fmt.Sprintf("<urn:uuid:00000000-0000-1000-8000-%012d>", i),
	}
}

func aorOf(i int) string { return fmt.Sprintf("sip:user%06d@example.org", i) }

func fill(s *Store, n int) {
	now := time.Now()
	for i := range n {
		b := phone(i, now)
		for {
			err := update(s, Update{AOR: aorOf(i), Now: now, Apply: func([]Binding) ([]Binding, error) { return []Binding{b}, nil }})
			if err == nil {
				break
			}
		}
	}
}

// update waits for the commit.
func update(s *Store, u Update) error {
	done := make(chan error, 1)
	s.Update(u, func(_ Result, err error) { done <- err })
	return <-done
}

func heapInUse() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// BenchmarkBytesPerContact reports what a contact takes: 100,000 of them, one an AOR.
func BenchmarkBytesPerContact(b *testing.B) {
	const n = 100_000
	for b.Loop() {
		before := heapInUse()
		s := New(Config{})
		fill(s, n)
		after := heapInUse()
		b.ReportMetric(float64(after-before)/n, "B/contact")
		s.Close()
	}
}

func BenchmarkRefresh(b *testing.B) {
	const n = 100_000
	s := New(Config{})
	defer s.Close()
	fill(s, n)
	now := time.Now()
	bindings := make([]Binding, n)
	aors := make([]string, n)
	for i := range n {
		bindings[i], aors[i] = phone(i, now.Add(time.Minute)), aorOf(i)
	}
	b.ReportAllocs()
	b.ResetTimer()
	done := make(chan struct{}, 1024)
	for i := range b.N {
		k := i * 7919 % n
		done <- struct{}{}
		s.Update(Update{AOR: aors[k], Now: now, Apply: func([]Binding) ([]Binding, error) { return []Binding{bindings[k]}, nil }}, func(_ Result, err error) {
			<-done
		})
	}
	for range cap(done) {
		done <- struct{}{}
	}
}

func BenchmarkLookup(b *testing.B) {
	const n = 100_000
	s := New(Config{})
	defer s.Close()
	fill(s, n)
	aors := make([]string, n)
	for i := range n {
		aors[i] = aorOf(i)
	}
	now := time.Now()
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		if got, _ := s.Lookup(aors[i*7919%n], now); len(got) != 1 {
			b.Fatal(got)
		}
	}
}
