package audio

import (
	"math"
	"testing"
)

func TestLevel(t *testing.T) {
	t.Parallel()
	square, sine, faint := make([]int16, 160), make([]int16, 160), make([]int16, 160)
	for i := range square {
		square[i] = int16(32767 - i%2*65535)
		sine[i] = int16(32767 * math.Sin(2*math.Pi*float64(i)/16))
		faint[i] = int16(i % 2)
	}
	for _, test := range []struct {
		name  string
		frame []int16
		want  float64
	}{
		{"square from end to end", square, 0},
		{"loudest sine", sine, -3.01},
		{"last bit", faint, -93.3},
		{"nothing", make([]int16, 160), Silence},
		{"no samples", nil, Silence},
	} {
		if got := Level(test.frame); math.Abs(got-test.want) > 0.05 {
			t.Errorf("%s: %.2f dBov, want %.2f", test.name, got, test.want)
		}
	}
}
