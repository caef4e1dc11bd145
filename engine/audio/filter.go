package audio

import "math"

// filter is a low-pass for the change of a rate by up/down, parted into one phase for each place that an output can have between two inputs.
//
// Its prototype is a sinc in Kaiser's window: flat up to 0.45 of the lower rate, and 70 dB down from 0.55 on. What lies between, 3.6 to 4.4 kHz at
// 8 kHz, is above what telephones pass; a filter without aliases there would be twice as long and twice as late.
type filter struct {
	up, down     int     // in lowest terms
	taps         int     // of each phase; even, with the middle between the two halves
	coefficients []int32 // phase by phase, each the other way round, so that it runs along with the samples
}

const (
	halfTaps  = 24    // on each side of the middle, in samples of the lower rate
	beta      = 6.755 // of Kaiser's window, for 70 dB
	fraction  = 24    // bits of a coefficient behind the point
	maxPhases = 1024  // and so the coefficients are a few megabytes for the oddest rates, and kilobytes for those in use
)

func newFilter(from, to int) filter {
	f := filter{}
	f.up, f.down = ratio(to, from)
	width := max(1, float64(f.down)/float64(f.up)) // of a sample of the lower rate, in inputs
	half := 2 * int(math.Ceil(halfTaps*width/2))
	f.taps = 2 * half
	f.coefficients = make([]int32, f.up*f.taps)
	row := make([]float64, f.taps)
	for phase := range f.up {
		offset := float64(phase)/float64(f.up) - float64(half)
		sum := 0.0
		for i := range row {
			t := float64(f.taps-1-i) + offset
			row[i] = sinc(t/width) * kaiser(t/float64(half))
			sum += row[i]
		}
		// Each phase by itself has the gain 1. Otherwise they would differ in their last bits, and a steady level would come out as a tone.
		for i, c := range row {
			f.coefficients[phase*f.taps+i] = int32(math.Round(c / sum * (1 << fraction)))
		}
	}
	return f
}

// ratio returns to/from in lowest terms, or the last of its convergents for which maxPhases are enough.
func ratio(to, from int) (up, down int) {
	up, down = 1, 0
	beforeUp, beforeDown := 0, 1
	for from != 0 {
		whole := to / from
		nextUp, nextDown := whole*up+beforeUp, whole*down+beforeDown
		if nextUp > maxPhases && down != 0 && up != 0 {
			break
		}
		up, beforeUp = nextUp, up
		down, beforeDown = nextDown, down
		to, from = from, to%from
	}
	return up, down
}

func sinc(x float64) float64 {
	if x == 0 {
		return 1
	}
	return math.Sin(math.Pi*x) / (math.Pi * x)
}

// kaiser is Kaiser's window, without its constant factor, over −1 … 1.
func kaiser(x float64) float64 {
	if x <= -1 || x >= 1 {
		return 0
	}
	return bessel(beta * math.Sqrt(1-x*x))
}

// bessel is the modified Bessel function of order 0, by its power series.
func bessel(x float64) float64 {
	sum, term := 1.0, 1.0
	for k := 1.0; term > sum*1e-12; k++ {
		term *= x / (2 * k) * (x / (2 * k))
		sum += term
	}
	return sum
}

// dot returns one output sample. The number of taps is a multiple of four: the sums are four, as one would have to wait for itself.
func dot(samples []int16, coefficients []int32) int16 {
	var a, b, c, d int64
	for len(samples) >= 4 && len(coefficients) >= 4 {
		a += int64(samples[0]) * int64(coefficients[0])
		b += int64(samples[1]) * int64(coefficients[1])
		c += int64(samples[2]) * int64(coefficients[2])
		d += int64(samples[3]) * int64(coefficients[3])
		samples, coefficients = samples[4:], coefficients[4:]
	}
	y := (a + b + c + d + 1<<(fraction-1)) >> fraction
	return int16(min(max(y, math.MinInt16), math.MaxInt16))
}
