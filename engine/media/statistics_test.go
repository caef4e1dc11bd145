package media

import (
	"math"
	"testing"
	"time"
)

func TestReceptionCountsLoss(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name      string
		sequences []uint16
		lost      uint64
		taken     int
	}{
		{"in order", []uint16{1, 2, 3}, 0, 3},
		{"one missing", []uint16{1, 3}, 1, 2},
		{"one late", []uint16{1, 3, 2}, 0, 3},
		{"twice", []uint16{1, 2, 2, 3}, 0, 4},
		{"over the end", []uint16{65534, 65535, 0, 2}, 1, 4},
		{"late over the end", []uint16{65535, 1, 0}, 0, 3},
		{"a jump is confirmed", []uint16{1, 2, 20000, 20001, 20003}, 1, 4},
		{"a stray jump", []uint16{1, 2, 20000, 3}, 0, 3},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var r reception
			taken := 0
			for _, s := range tc.sequences {
				if r.note(1, &rtpHeader{sequence: s, ssrc: 1}, 8000) {
					taken++
				}
			}
			if r.lost() != tc.lost || taken != tc.taken {
				t.Errorf("%d lost and %d taken, want %d and %d", r.lost(), taken, tc.lost, tc.taken)
			}
		})
	}
}

func TestLossAddsUpOverSources(t *testing.T) {
	t.Parallel()
	var r reception
	for _, h := range []rtpHeader{{sequence: 1, ssrc: 1}, {sequence: 3, ssrc: 1}, {sequence: 900, ssrc: 2}, {sequence: 903, ssrc: 2}} {
		r.note(1, &h, 8000)
	}
	if r.lost() != 3 {
		t.Errorf("%d lost", r.lost())
	}
}

// RFC 3550 §A.8: the jitter of packets that come alternately early and late by d converges to their difference.
func TestJitterConverges(t *testing.T) {
	t.Parallel()
	for _, clock := range []uint32{8000, 48000, 90000} {
		var r reception
		at := int64(time.Hour) // whatever the clock has counted
		for i := range uint32(1000) {
			late := int64(i%2) * int64(5*time.Millisecond)
			r.note(at+int64(i)*int64(20*time.Millisecond)+late, &rtpHeader{sequence: uint16(i), timestamp: i * clock / 50, ssrc: 1}, clock)
		}
		if got := r.jitterTime(); got < 4800*time.Microsecond || got > 5200*time.Microsecond {
			t.Errorf("clock %d: jitter %v", clock, got)
		}
	}
}

func TestSteadyStreamHasNoJitter(t *testing.T) {
	t.Parallel()
	var r reception
	for i := range uint32(3000) {
		r.note(int64(i)*int64(20*time.Millisecond), &rtpHeader{sequence: uint16(i), timestamp: 4_294_960_000 + i*160, ssrc: 1}, 8000)
	}
	if r.jitterTime() != 0 || r.lost() != 0 {
		t.Errorf("jitter %v, %d lost", r.jitterTime(), r.lost())
	}
}

func TestMOS(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name        string
		codec       string
		loss        float64
		rtt, jitter time.Duration
		want        float64
	}{
		{"perfect", "PCMU", 0, 0, 0, 4.40},
		{"one percent lost", "PCMA", 0.01, 0, 0, 4.33},
		{"a tenth lost", "PCMA", 0.1, 0, 0, 3.39},
		{"far away", "PCMU", 0, 600 * time.Millisecond, 0, 3.59},
		{"G.729", "g729", 0, 0, 0, 4.10},
		{"nothing comes", "PCMU", 1, 0, 0, 1.16},
		{"unbearable", "PCMU", 1, 3 * time.Second, time.Second, 1},
	} {
		if got := mos(impaired(tc.codec), tc.loss, tc.rtt, tc.jitter); math.Abs(got-tc.want) > 0.02 {
			t.Errorf("%s: %.2f, want %.2f", tc.name, got, tc.want)
		}
	}
}
