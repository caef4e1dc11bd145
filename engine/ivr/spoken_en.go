package ivr

import (
	"strconv"
	"strings"
	"time"
)

// english speaks as in the United States: twelve hours, the month before the day.
type english struct{}

func (e english) number(n int64) (words []string) {
	for _, scale := range [...]struct {
		value int64
		word  string
	}{{1_000_000_000, "billion"}, {1_000_000, "million"}, {1000, "thousand"}, {100, "hundred"}} {
		if n >= scale.value {
			words = append(append(words, e.number(n/scale.value)...), scale.word)
			if n %= scale.value; n == 0 {
				return words
			}
		}
	}
	if n > 20 {
		words = append(words, strconv.FormatInt(n/10*10, 10))
		if n %= 10; n == 0 {
			return words
		}
	}
	return append(words, strconv.FormatInt(n, 10))
}

// ordinal is the number of a day: there is a file for each of the 31.
func (english) ordinal(n int) string { return "day-" + strconv.Itoa(n) }

func (e english) date(t time.Time) []string {
	return append([]string{strings.ToLower(t.Month().String()), e.ordinal(t.Day())}, e.year(t.Year())...)
}

// year is said in two halves, but for the first years of a millennium.
func (e english) year(y int) []string {
	century, rest := int64(y/100), int64(y%100)
	switch {
	case century%10 == 0 && rest < 10 || y < 1000:
		return e.number(int64(y))
	case rest == 0:
		return append(e.number(century), "hundred")
	case rest < 10:
		return append(append(e.number(century), "oh"), e.number(rest)...)
	}
	return append(e.number(century), e.number(rest)...)
}

func (e english) time(t time.Time) []string {
	hour, half := t.Hour()%12, "am"
	if t.Hour() >= 12 {
		half = "pm"
	}
	if hour == 0 {
		hour = 12
	}
	words := e.number(int64(hour))
	switch m := int64(t.Minute()); {
	case m == 0:
	case m < 10:
		words = append(append(words, "oh"), e.number(m)...)
	default:
		words = append(words, e.number(m)...)
	}
	return append(words, half)
}
