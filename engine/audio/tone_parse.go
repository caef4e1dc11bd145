package audio

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// What a tone may be. Beyond 3.8 kHz a telephone line carries nothing.
const (
	maxSteps     = 64
	maxSines     = 4
	maxFrequency = 3800.0
	maxStep      = time.Hour
	maxTimes     = 10000
	minToneLevel = -60.0
)

// ParseTone reads a tone as scripts write it:
//
//	tone    = ( name / step *( "," step ) ) *( ";" option )
//	step    = signal [ "/" milliseconds ]          ; without a length: for ever
//	signal  = "0" / sine *( "+" sine )             ; silence, or up to 4 sines together
//	sine    = hertz [ "*" hertz ]                  ; the second one modulates the amplitude
//	option  = "once" / "times=" number / "level=" dBm0
//
// as in "425/1000,0/4000", "440+480/2000,0/4000;level=-20", "400*25/400,0/200,400*25/400,0/2000". A name is that of a call progress tone and a country,
// "ringback-us", "busy-de", "congestion-uk", "dial-jp", or one of a few without a country: "beep", "sit" ([ToneNames] lists all). Spaces are ignored
// around steps and options.
//
// Frequencies are 1 to 3800 Hz and may have decimals, a step lasts 1 ms to an hour. What is not said to be heard once, or some times, is heard for ever;
// only beep and sit are heard once by themselves. The level is that of all sines of a step together, -13 dBm0 if none is given, from -60 to 0.
//
// The error wraps ErrFormat and names the position, in characters from 1.
func ParseTone(text string) (Tone, error) {
	p := toneParser{text: text}
	tone, err := p.tone()
	if err != nil {
		return Tone{}, fmt.Errorf("%w: tone %.80q: %w", ErrFormat, text, err)
	}
	return tone, nil
}

// toneParser reads a tone from left to right.
type toneParser struct {
	text string
	at   int
}

// fail says what is wrong at a position.
func (p *toneParser) fail(at int, format string, args ...any) error {
	return fmt.Errorf("character %d: "+format, append([]any{at + 1}, args...)...)
}

// until returns what stands before the next of some separators, without the spaces around it, and where it begins.
func (p *toneParser) until(separators string) (field string, at int) {
	rest := p.text[p.at:]
	end := strings.IndexAny(rest, separators)
	if end < 0 {
		end = len(rest)
	}
	field = rest[:end]
	at = p.at + len(field) - len(strings.TrimLeft(field, " "))
	p.at += end
	return strings.Trim(field, " "), at
}

// take skips a separator if it is the next one.
func (p *toneParser) take(separator byte) bool {
	if p.at < len(p.text) && p.text[p.at] == separator {
		p.at++
		return true
	}
	return false
}

func (p *toneParser) tone() (Tone, error) {
	tone, err := p.signal()
	if err != nil {
		return Tone{}, err
	}
	level := ToneLevel
	for p.take(';') {
		option, at := p.until(";")
		name, value, _ := strings.Cut(option, "=")
		switch name {
		case "once":
			if value != "" {
				return Tone{}, p.fail(at, "once has no value")
			}
			tone.times = 1
		case "times":
			if tone.times, err = strconv.Atoi(value); err != nil || tone.times < 1 || tone.times > maxTimes {
				return Tone{}, p.fail(at, "times is a number from 1 to %d", maxTimes)
			}
		case "level":
			var ok bool
			if level, ok = decimal(value); !ok || level < minToneLevel || level > 0 {
				return Tone{}, p.fail(at, "level is in dBm0, from %g to 0", minToneLevel)
			}
		default:
			return Tone{}, p.fail(at, "there is no option %q, only once, times=, level=", option)
		}
	}
	return tone.At(level), nil
}

// signal reads a name or the steps.
func (p *toneParser) signal() (Tone, error) {
	begin := p.at
	if name, at := p.until(",;"); name != "" && (name[0] < '0' || name[0] > '9') {
		steps, ok := worldTone(name)
		if !ok {
			return Tone{}, p.fail(at, "there is no tone %q", name)
		}
		if p.at < len(p.text) && p.text[p.at] == ',' {
			return Tone{}, p.fail(p.at, "a name stands alone")
		}
		inner := toneParser{text: steps}
		return inner.tone()
	}
	p.at = begin
	var tone Tone
	for {
		at := p.at
		s, err := p.step()
		if err != nil {
			return Tone{}, err
		}
		if len(tone.steps) == maxSteps {
			return Tone{}, p.fail(at, "more than %d steps", maxSteps)
		}
		tone.steps = append(tone.steps, s)
		if !p.take(',') {
			return tone, nil
		}
		if s.lasts == 0 {
			return Tone{}, p.fail(p.at-1, "nothing can follow a step without a length")
		}
	}
}

func (p *toneParser) step() (step, error) {
	var s step
	for {
		frequency, at, err := p.hertz()
		if err != nil {
			return step{}, err
		}
		var modulation float64
		if frequency == 0 {
			if len(s.sines) > 0 || p.at < len(p.text) && (p.text[p.at] == '+' || p.text[p.at] == '*') {
				return step{}, p.fail(at, "0 is silence and stands alone")
			}
			break
		}
		if p.take('*') {
			if modulation, at, err = p.hertz(); err != nil {
				return step{}, err
			}
			if modulation == 0 {
				return step{}, p.fail(at, "nothing is modulated by 0 Hz")
			}
		}
		if len(s.sines) == maxSines {
			return step{}, p.fail(at, "more than %d frequencies at once", maxSines)
		}
		s.sines = append(s.sines, sine{frequency: frequency, modulation: modulation})
		if !p.take('+') {
			break
		}
	}
	if !p.take('/') {
		return s, nil
	}
	field, at := p.until(",;")
	ms, err := strconv.Atoi(field)
	if err != nil || ms < 1 || ms > int(maxStep/time.Millisecond) {
		return step{}, p.fail(at, "a length is 1 to %d milliseconds, not %q", maxStep/time.Millisecond, field)
	}
	s.lasts = time.Duration(ms) * time.Millisecond
	return s, nil
}

// hertz reads a frequency, 0 included.
func (p *toneParser) hertz() (value float64, at int, err error) {
	field, at := p.until("+*/,;")
	value, ok := decimal(field)
	if !ok || value != 0 && value < 1 || value > maxFrequency {
		return 0, at, p.fail(at, "a frequency is 1 to %g Hz, or 0 for silence, not %q", maxFrequency, field)
	}
	return value, at, nil
}

// decimal reads a number as people write it, and not all that strconv takes for one.
func decimal(field string) (value float64, ok bool) {
	if strings.Trim(field, "-.0123456789") != "" {
		return 0, false
	}
	value, err := strconv.ParseFloat(field, 64)
	return value, err == nil
}
