package audio

import (
	"fmt"
	"strings"
	"time"
)

// lowGroup and highGroup are the frequencies of push-button signals in Hz (ITU-T Q.23 §5): a digit is one of each.
var (
	lowGroup  = [4]float64{697, 770, 852, 941}
	highGroup = [4]float64{1209, 1336, 1477, 1633}
)

// keypad has the digits row by row: the low frequency chooses the row, the high one the column.
const keypad = "123A456B789C*0#D"

// Levels in dBm0 of the frequencies of a digit that is sent. The high one is louder, because lines attenuate it more (ETSI ES 201 235-2 §4.2.4).
const (
	lowLevel  = -9.0
	highLevel = -7.0
)

// How digits are sent where nobody asks for other times, longer than the 40 ms that every receiver needs of each (ITU-T Q.24 §3.3).
const (
	DigitTime = 70 * time.Millisecond
	DigitGap  = 50 * time.Millisecond
	DigitWait = 500 * time.Millisecond // of a 'w'
)

// maxDigits bounds what is sent at once.
const maxDigits = 256

// Digits returns the tone that sends digits in band, once: 0 to 9, *, #, A to D in either case, each for a time and with a gap behind it; w is a pause of
// half a second. Zero times mean DigitTime and DigitGap. The error wraps ErrFormat and names the position, in
// characters from 1.
func Digits(digits string, each, gap time.Duration) (Tone, error) {
	if each <= 0 {
		each = DigitTime
	}
	if gap <= 0 {
		gap = DigitGap
	}
	if len(digits) > maxDigits {
		return Tone{}, fmt.Errorf("%w: more than %d digits", ErrFormat, maxDigits)
	}
	tone := Tone{times: 1}
	for i := range len(digits) {
		if digits[i] == 'w' || digits[i] == 'W' {
			tone.steps = append(tone.steps, step{lasts: DigitWait})
			continue
		}
		key := strings.IndexByte(keypad, upper(digits[i]))
		if key < 0 {
			return Tone{}, fmt.Errorf("%w: digits %.80q: character %d: %q is not a digit", ErrFormat, digits, i+1, digits[i])
		}
		tone.steps = append(tone.steps, step{lasts: each, sines: []sine{
			{frequency: lowGroup[key/4], level: lowLevel},
			{frequency: highGroup[key%4], level: highLevel},
		}}, step{lasts: gap})
	}
	return tone, nil
}

func upper(c byte) byte {
	if 'a' <= c && c <= 'z' {
		return c - 'a' + 'A'
	}
	return c
}
