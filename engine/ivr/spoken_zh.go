package ivr

import (
	"strconv"
	"time"
)

// chinese speaks Mandarin. Its files are named by what they say in digits: 10 is 十, 10000 万.
type chinese struct{}

// number groups by ten thousands. A gap between two digits that are spoken is one 零, however many digits it has.
func (c chinese) number(n int64) []string {
	if n == 0 {
		return []string{"0"}
	}
	return c.spell(n, false)
}

// spell is number, within one if that stands behind a larger group.
func (c chinese) spell(n int64, within bool) (words []string) {
	gap := false
	for _, unit := range [...]int64{100_000_000, 10_000, 1000, 100, 10} {
		count, behind := n/unit, within || len(words) > 0
		if count == 0 {
			gap = gap || behind
			continue
		}
		if gap {
			words, gap = append(words, "0"), false
		}
		words = append(words, c.times(count, unit, behind)...)
		n %= unit
	}
	if n == 0 {
		return words
	}
	if gap {
		words = append(words, "0")
	}
	return append(words, strconv.FormatInt(n, 10))
}

// times is so many of a unit: 十二 begins a number without 一, and there are 两千, not 二千.
func (c chinese) times(count, unit int64, behind bool) []string {
	word := strconv.FormatInt(unit, 10)
	switch {
	case unit == 10 && count == 1 && !behind:
		return []string{word}
	case unit > 100 && count == 2:
		return []string{"liang", word}
	}
	return append(c.spell(count, false), word)
}

func (c chinese) date(t time.Time) (words []string) {
	for _, d := range strconv.Itoa(t.Year()) {
		words = append(words, string(d))
	}
	words = append(append(words, "year"), c.number(int64(t.Month()))...)
	words = append(append(words, "month"), c.number(int64(t.Day()))...)
	return append(words, "day")
}

func (c chinese) time(t time.Time) []string {
	hour := c.number(int64(t.Hour()))
	if t.Hour() == 2 {
		hour = []string{"liang"}
	}
	words := append(hour, "oclock")
	switch m := int64(t.Minute()); {
	case m == 0:
		return words
	case m < 10:
		return append(append(words, "0"), append(c.number(m), "minute")...)
	default:
		return append(append(words, c.number(m)...), "minute")
	}
}
