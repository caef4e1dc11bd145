package audio

import (
	"math"
	"math/cmplx"
	"time"
)

// What makes a digit (ITU-T Q.24 §3, with the widest of what administrations accept in its annex A, table A-1).
const (
	// faintestTone is the level of the fainter frequency, in dBm0. Administrations want down to -25 found, and nothing under -55.
	faintestTone = -36.0
	// twist is by how many dB one frequency may be louder than the other: 8 as AT&T has it for the low one, and as much for the high one.
	twist = 10
	// tolerance is by how much a frequency may be off. 1.5 % has to be a digit, 3.5 % not.
	tolerance = 0.025
	// purity is the share of the power that the two frequencies have to have of all there is. Noise 15 dB under a digit leaves them 97 %; a voice has its
	// harmonics, the second of each frequency too, and keeps under it.
	purity = 0.85
	// apart is how far the two frequencies may be off in opposite directions. 3 % has to be a digit; 3.7 % makes of * the third and fourth harmonic of 309 Hz,
	// a high voice.
	apart = 0.034
	// glide is by how much a frequency may change while a digit is being recognized. An oscillator's does not, a voice's goes up and down with the melody of
	// the sentence.
	glide = 0.013
	// hits is in how many windows, 5 ms from each other, a digit has to be seen. 40 ms are seen in 7, 23 ms in 4.
	hits = 6
	// misses is in how many windows in a row a digit has not to be seen until it counts as released: an interruption of 10 ms does not, a pause of 40 ms does.
	misses = 5
	// gaps is how many windows may miss it before it is one.
	gaps = 1
)

// none stands for a key where there is none.
const none = -1

// The same levels as factors.
var (
	faintestPower = float32(amplitude(faintestTone) * amplitude(faintestTone) / 2)
	mostTwist     = float32(math.Pow(10, twist/10))
)

// Digit is a digit that was heard in band.
type Digit struct {
	Key byte // '0' to '9', '*', '#', 'A' to 'D'
	// Released says that this is the end of the digit and not its begin.
	Released bool
	// Lasted is how long it was heard, to about 5 ms, once it is released.
	Lasted time.Duration
}

// DigitDetector finds the digits of a telephone's keypad in what is said (DTMF, ITU-T Q.23), by the rules of ITU-T Q.24: digits and pauses from 40 ms, from
// 0 to -30 dBm0 for each frequency, up to 8 dB of twist either way, 1.5 % beside the frequency, and neither what is shorter than 23 ms nor 3.5 % beside it,
// nor speech. It belongs to one stream and one goroutine, and allocates nothing after it was made.
//
// Where many detectors look at nothing but power, this one also follows phases: the phase of a frequency that is as it should be advances by a
// known angle from window to window. That tells a frequency to a few Hz within a window of 16 ms, and voices, which do not hold theirs, from keys.
type DigitDetector struct {
	bank        *digitBank
	window      []float32 // the samples looked at, oldest first
	filled      int       // of its last hop
	sums        []float32
	differences []float32

	before  [8]complex64 // what the filters saw a window ago
	pair    int8         // the key whose two frequencies are the strongest
	advance [2]complex64 // by what their phases advance beyond what they should, over some windows
	off     [2]float64   // by what share of themselves the frequencies are off, in the last window that has a key

	rising int8 // the key that has been seen and not been told
	hits   int  // the windows in which it was
	gaps   int  // those in a row in which it was not
	least  [2]float64
	most   [2]float64 // what off was between in them
	held   int8       // the key that was told, and not its release
	lasted int        // the windows in which it was seen
	missed int        // those in a row in which it was not
	found  []Digit
}

// NewDigitDetector returns a detector for samples at a rate in Hz, 8000 or more.
func NewDigitDetector(rate int) *DigitDetector {
	bank := digitBankFor(rate)
	return &DigitDetector{
		bank: bank, window: make([]float32, 2*bank.half), sums: make([]float32, bank.half), differences: make([]float32, bank.half),
		pair: none, rising: none, held: none, found: make([]Digit, 0, 8),
	}
}

// Write takes the next samples, any number of them, and returns what begins and ends in them. A digit is told when it has been heard for 30 to 35 ms,
// and its release about 25 ms behind its end. The slice is valid until
// the next Write.
func (d *DigitDetector) Write(pcm []int16) []Digit {
	d.found = d.found[:0]
	for len(pcm) > 0 {
		hop := d.window[len(d.window)-d.bank.hop:]
		n := min(len(pcm), len(hop)-d.filled)
		for i, s := range pcm[:n] {
			hop[d.filled+i] = float32(s)
		}
		pcm = pcm[n:]
		if d.filled += n; d.filled == len(hop) {
			d.follow(d.look())
			copy(d.window, d.window[d.bank.hop:])
			d.filled = 0
		}
	}
	return d.found
}

// look returns the key that is in the window, none for none.
func (d *DigitDetector) look() int8 {
	seen, power := d.bank.measure(d.window, d.sums, d.differences)
	before := d.before
	d.before = seen
	low, high := strongest(seen[:4]), 4+strongest(seen[4:])
	l, h := 2*norm(seen[low]), 2*norm(seen[high]) // the power of a sine that is on its frequency
	if min(l, h) < faintestPower || l > h*mostTwist || h > l*mostTwist || l+h < power*purity/2 {
		d.pair = none
		return none
	}
	key := int8(4*low + high - 4)
	if d.pair != key {
		d.pair, d.advance = key, [2]complex64{}
	}
	share := 0.0
	var off [2]float64
	for i, tone := range [2]int{low, high} {
		z := before[tone]
		d.advance[i] = d.advance[i]/2 + seen[tone]*complex(real(z), -imag(z))*d.bank.turn[tone]
		hertz := cmplx.Phase(complex128(d.advance[i])) / (2 * math.Pi) / hopTime.Seconds()
		if off[i] = hertz / digitTone(tone); math.Abs(off[i]) > tolerance {
			return none
		}
		share += 2 * float64(norm(seen[tone])) / seenBeside(hertz)
	}
	if share < purity*float64(power) || math.Abs(off[0]-off[1]) > apart {
		return none
	}
	d.off = off
	return key
}

// seenBeside returns the share of a sine's power that a filter sees of it so many Hz beside its own frequency.
func seenBeside(off float64) float64 {
	x := off * windowTime.Seconds()
	if math.Abs(x) < 1e-3 {
		return 1
	}
	hann := math.Sin(math.Pi*x) / (math.Pi * x * (1 - x*x))
	return hann * hann
}

func norm(z complex64) float32 { return real(z)*real(z) + imag(z)*imag(z) }

func strongest(seen []complex64) int {
	best := 0
	for i := range seen {
		if norm(seen[i]) > norm(seen[best]) {
			best = i
		}
	}
	return best
}

// follow goes on with the key of the next window.
//
//	before       the window              → after
//	–            a key                     it rises
//	a rises      a, hits times in all      a is told, and held
//	a rises      b                         b rises
//	a rises      a, off otherwise          a rises anew
//	a rises      none, more than gaps      –
//	a is held    none or b, misses times   a's release is told; b rises all the while
//	a is held    b, hits times in all      a's release is told, then b
func (d *DigitDetector) follow(key int8) {
	if d.held != none {
		if key == d.held {
			d.lasted += 1 + d.missed
			d.missed, d.rising = 0, none
			return
		}
		if d.missed++; d.missed == misses {
			d.release()
		}
	}
	switch {
	case key == none:
		if d.gaps++; d.gaps > gaps {
			d.rising = none
		}
		return
	case key != d.rising:
		d.rising, d.hits = key, 0
	case d.hits <= 1:
		d.least, d.most = d.off, d.off // the first window holds only a part of it, and does not measure as well
	case d.glides():
		d.hits = 0
	}
	d.gaps = 0
	if d.hits++; d.hits < hits {
		return
	}
	if d.held != none {
		d.release()
	}
	d.held, d.lasted, d.missed, d.rising = key, hits, 0, none
	d.found = append(d.found, Digit{Key: keypad[key]})
}

// glides takes in by how much the frequencies are off, and reports whether that has changed since the key rises.
func (d *DigitDetector) glides() bool {
	for i, off := range d.off {
		d.least[i], d.most[i] = min(d.least[i], off), max(d.most[i], off)
		if d.most[i]-d.least[i] > glide {
			return true
		}
	}
	return false
}

func (d *DigitDetector) release() {
	d.found = append(d.found, Digit{Key: keypad[d.held], Released: true, Lasted: time.Duration(d.lasted) * hopTime})
	d.held = none
}
