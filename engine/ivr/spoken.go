package ivr

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// speaker puts numbers and dates into words of its language. Each word is a file.
type speaker interface {
	number(n int64) []string
	date(t time.Time) []string
	time(t time.Time) []string
}

// speakers are the languages that numbers are spoken in.
func speakers(language string) (speaker, bool) {
	switch language {
	case "en":
		return english{}, true
	case "zh":
		return chinese{}, true
	}
	return nil, false
}

// largest is the greatest number that is spoken as one; what is longer is digits.
const largest = 999_999_999_999

// Spoken are the files that say something, in the order to be played: prompts/en/forty.wav. What is
//
//	1234                a number, with - before and .56 behind it if need be
//	digits:0401         one after the other, * and # as well
//	date:2026-11-22     a day
//	time:14:05          a time of the day
//
// The error wraps ErrPrompt.
func Spoken(language, what string) ([]string, error) {
	s, ok := speakers(language)
	if !ok {
		return nil, fmt.Errorf("%w: %q: numbers are spoken in en or zh", ErrPrompt, language)
	}
	words, ok := spell(s, what)
	if !ok {
		return nil, fmt.Errorf("%w: %q: a number, digits:0401, date:2026-11-22 or time:14:05 expected", ErrPrompt, what)
	}
	for i, w := range words {
		words[i] = "prompts/" + language + "/" + w + ".wav"
	}
	return words, nil
}

func spell(s speaker, what string) ([]string, bool) {
	kind, text, found := strings.Cut(what, ":")
	if !found {
		kind, text = "number", what
	}
	switch kind {
	case "number":
		return spellNumber(s, text)
	case "digits":
		return spellDigits(s, text)
	case "date":
		t, err := time.Parse(time.DateOnly, text)
		return s.date(t), err == nil
	case "time":
		t, err := time.Parse("15:04", text)
		return s.time(t), err == nil
	}
	return nil, false
}

func spellNumber(s speaker, text string) (words []string, ok bool) {
	text, negative := strings.CutPrefix(text, "-")
	whole, fraction, point := strings.Cut(text, ".")
	n, err := strconv.ParseUint(whole, 10, 63)
	if err != nil || n > largest {
		return nil, false
	}
	if negative {
		words = append(words, "minus")
	}
	words = append(words, s.number(int64(n))...)
	if !point {
		return words, true
	}
	behind, ok := spellDigits(s, fraction)
	return append(append(words, "point"), behind...), ok
}

func spellDigits(s speaker, text string) (words []string, ok bool) {
	for _, d := range []byte(text) {
		switch {
		case d >= '0' && d <= '9':
			words = append(words, s.number(int64(d-'0'))...)
		case d == '*':
			words = append(words, "star")
		case d == '#':
			words = append(words, "pound")
		default:
			return nil, false
		}
	}
	return words, len(words) > 0
}
