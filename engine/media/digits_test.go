package media

import (
	"testing"
	"time"
)

func TestDigits(t *testing.T) {
	t.Parallel()
	type packet struct {
		timestamp uint32
		event     byte
		end       bool
		duration  uint16
	}
	for _, tc := range []struct {
		name    string
		packets []packet
		want    string
		last    time.Duration
	}{
		{"pressed", []packet{{1, 5, false, 160}, {1, 5, true, 800}}, "5", 100 * time.Millisecond},
		{"end three times", []packet{{1, 5, false, 160}, {1, 5, true, 800}, {1, 5, true, 800}, {1, 5, true, 800}}, "5", 100 * time.Millisecond},
		{"only ends come", []packet{{1, 11, true, 800}, {1, 11, true, 800}}, "#", 100 * time.Millisecond},
		{"no end comes", []packet{{1, 1, false, 800}, {9000, 2, false, 160}, {9000, 2, true, 400}}, "12", 50 * time.Millisecond},
		{"both ends come at once", []packet{{1, 1, false, 800}, {9000, 2, true, 400}, {9000, 2, true, 400}}, "12", 50 * time.Millisecond},
		{"the same twice", []packet{{1, 7, true, 800}, {9000, 7, true, 800}}, "77", 100 * time.Millisecond},
		{"a late end", []packet{{1, 7, true, 800}, {9000, 8, true, 800}, {1, 7, true, 800}}, "78", 100 * time.Millisecond},
		{"letters and flash", []packet{{1, 12, true, 8}, {2, 15, true, 8}, {3, 16, true, 8}, {4, 10, true, 8}}, "AD!*", time.Millisecond},
		{"no digit", []packet{{1, 70, true, 8}}, "", 0},
		{"timestamp turns over", []packet{{0xffffff00, 1, true, 8}, {100, 2, true, 8}}, "12", time.Millisecond},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var d digits
			got, last := "", time.Duration(0)
			for _, p := range tc.packets {
				body := []byte{p.event, 10, byte(p.duration >> 8), byte(p.duration)}
				if p.end {
					body[1] |= 0x80
				}
				if n := d.note(&rtpHeader{timestamp: p.timestamp, ssrc: 1}, body, 8000); n.digit != 0 {
					got, last = got+string(n.digit), n.duration
				}
			}
			if got != tc.want || last != tc.last {
				t.Errorf("%q, the last for %v, want %q and %v", got, last, tc.want, tc.last)
			}
		})
	}
}

func TestShortEventIsNone(t *testing.T) {
	t.Parallel()
	var d digits
	if got := d.note(&rtpHeader{}, []byte{1, 0x80, 0}, 8000); got != (pressed{}) {
		t.Errorf("got %+v", got)
	}
}
