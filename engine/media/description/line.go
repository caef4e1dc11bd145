package description

import "strings"

// line is one line of a description, without its end: a range of the text. Texts are shorter than 64 KB, so that a line takes four bytes.
type line struct {
	start, end uint16
}

// maxText is the longest description that is read; those of phones have some hundred bytes, of browsers some thousand.
const maxText = 1<<16 - 1

func (d *Description) line(l line) string { return d.text[l.start:l.end] }

// attribute takes "a=name:value" apart. Other lines have no name.
func attribute(l string) (name, value string) {
	if len(l) < 2 || l[0] != 'a' {
		return "", ""
	}
	name, value, _ = strings.Cut(l[2:], ":")
	return strings.TrimRight(name, " "), value
}

// field cuts the first word off s. Words are parted by spaces; the grammar wants one, phones send more.
func field(s string) (word, rest string) {
	s = strings.TrimLeft(s, " \t")
	i := strings.IndexAny(s, " \t")
	if i < 0 {
		return s, ""
	}
	return s[:i], s[i+1:]
}

// number reads decimal digits up to a largest value.
func number(s string, most int) (int, bool) {
	if s == "" || len(s) > 9 {
		return 0, false
	}
	n := 0
	for i := range len(s) {
		c := s[i] - '0'
		if c > 9 {
			return 0, false
		}
		n = n*10 + int(c)
	}
	return n, n <= most
}
