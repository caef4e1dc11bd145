package wheel

import (
	"testing"
	"time"
)

// BenchmarkTransactionTimers is what an answered INVITE does to the wheel, among 100,000 timers that stand.
func BenchmarkTransactionTimers(b *testing.B) {
	w := New(start())
	standing := make([]Timer, 100_000)
	for i := range standing {
		w.Arm(&standing[i], time.Duration(i)*time.Hour/100_000, func() {})
	}
	var p pair
	p.a.Bind(&p)
	p.b.Bind(&p)
	b.ReportAllocs()
	for b.Loop() {
		w.Schedule(&p.a, 500*ms)
		w.Schedule(&p.b, 32*time.Second)
		p.a.Stop()
		p.b.Stop()
	}
}

// BenchmarkIdleAdvance is the cost of a turn in which nothing is due.
func BenchmarkIdleAdvance(b *testing.B) {
	w := New(start())
	var tm Timer
	w.Arm(&tm, 1000*time.Hour, func() {})
	now := start()
	b.ReportAllocs()
	for b.Loop() {
		now = now.Add(30 * time.Microsecond)
		w.Advance(now)
	}
}
