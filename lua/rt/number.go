package rt

import (
	"math"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// text returns v as a string when it is one or a number.
func text(v lua.LValue) (string, bool) {
	switch v := v.(type) {
	case lua.LString:
		return string(v), true
	case lua.LNumber:
		return formatNumber(float64(v)), true
	}
	return "", false
}

// number returns v as a number when it is one or a numeric string.
func number(v lua.LValue) (float64, bool) {
	switch v := v.(type) {
	case lua.LNumber:
		return float64(v), true
	case lua.LString:
		return parseNumber(string(v))
	}
	return 0, false
}

// exact is 2^53: up to here all integers are numbers.
const exact = 1 << 53

// formatNumber writes a number as Lua 5.1 does ("%.14g"), except that integers up to 2^53 keep all their digits: a
// telephone number of 15 digits must survive being a number.
func formatNumber(f float64) string {
	switch {
	case f == math.Trunc(f) && math.Abs(f) <= exact:
		if f == 0 && math.Signbit(f) {
			return "-0"
		}
		return strconv.FormatInt(int64(f), 10)
	case math.IsNaN(f):
		return "nan"
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	}
	return formatG(f, 14, false)
}

// formatG is C's %g.
func formatG(f float64, precision int, keepZeros bool) string {
	if precision == 0 {
		precision = 1
	}
	s := strconv.FormatFloat(f, 'e', precision-1, 64)
	mantissa, exponent, _ := strings.Cut(s, "e")
	x, _ := strconv.Atoi(exponent)
	if x < -4 || x >= precision {
		if !keepZeros {
			mantissa = trimZeros(mantissa)
		}
		return mantissa + "e" + exponent
	}
	s = strconv.FormatFloat(f, 'f', precision-1-x, 64)
	if keepZeros {
		return s
	}
	return trimZeros(s)
}

func trimZeros(s string) string {
	if strings.IndexByte(s, '.') < 0 {
		return s
	}
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

const space = " \t\n\v\f\r"

// parseNumber reads a number as Lua does: decimal, or hexadecimal after 0x, with white space around it. Names of
// infinity and of what is no number are none: they would let a peer smuggle them in.
func parseNumber(s string) (float64, bool) {
	s = strings.Trim(s, space)
	digits, negative := s, false
	if s != "" && (s[0] == '-' || s[0] == '+') {
		digits, negative = s[1:], s[0] == '-'
	}
	if len(digits) > 2 && digits[0] == '0' && digits[1]|0x20 == 'x' {
		f, ok := parseDigits(digits[2:], 16)
		if negative {
			f = -f
		}
		return f, ok
	}
	for i := range len(digits) {
		switch c := digits[i]; {
		case c >= '0' && c <= '9', c == '.', c == 'e', c == 'E', c == '+', c == '-':
		default:
			return 0, false
		}
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil && !math.IsInf(f, 0) {
		return 0, false
	}
	return f, true
}

// parseDigits reads digits and letters in a base from 2 to 36.
func parseDigits(s string, base int) (float64, bool) {
	if s == "" {
		return 0, false
	}
	f := 0.0
	for i := range len(s) {
		d := 99
		switch c := s[i] | 0x20; {
		case s[i] >= '0' && s[i] <= '9':
			d = int(s[i] - '0')
		case c >= 'a' && c <= 'z':
			d = int(c-'a') + 10
		}
		if d >= base {
			return 0, false
		}
		f = f*float64(base) + float64(d)
	}
	return f, true
}
