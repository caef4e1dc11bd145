//go:build linux

package load

import (
	"math/bits"
	"time"
)

// histogram counts durations in log-linear buckets, 64 to each power of two, so that a quantile read from it is at most 1.6 % too high
// and adding one costs no allocation however long the run.
type histogram struct {
	buckets [64 * 64]uint64
	count   uint64
	max     int64
}

func bucketOf(ns int64) int {
	if ns < 64 {
		return int(max(ns, 0))
	}
	shift := bits.Len64(uint64(ns)) - 7 // ns>>shift lies in 64..127
	return (shift+1)*64 + int(ns>>shift) - 64
}

// bucketTop is the longest duration that falls into bucket b.
func bucketTop(b int) int64 {
	if b < 64 {
		return int64(b)
	}
	shift := b/64 - 1
	return (int64(b%64)+65)<<shift - 1
}

func (h *histogram) add(ns int64) {
	h.buckets[bucketOf(ns)]++
	h.count++
	h.max = max(h.max, ns)
}

// quantile returns the duration that the share p of all stays within, 0 when nothing was counted.
func (h *histogram) quantile(p float64) time.Duration {
	want, seen := max(uint64(p*float64(h.count)+0.5), 1), uint64(0)
	for b, n := range h.buckets {
		if seen += n; seen >= want {
			return time.Duration(min(bucketTop(b), h.max))
		}
	}
	return time.Duration(h.max)
}

// Latency is what a histogram says, in microseconds.
type Latency struct {
	Count uint64  `json:"count"`
	P50   float64 `json:"p50_us"`
	P90   float64 `json:"p90_us"`
	P99   float64 `json:"p99_us"`
	P999  float64 `json:"p999_us"`
	Max   float64 `json:"max_us"`
}

func (h *histogram) latency() Latency {
	us := func(p float64) float64 { return float64(h.quantile(p)) / 1e3 }
	return Latency{Count: h.count, P50: us(0.50), P90: us(0.90), P99: us(0.99), P999: us(0.999), Max: us(1)}
}
