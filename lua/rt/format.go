package rt

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// directive is one % of a format: flags, width, precision and verb as in C.
type directive struct {
	minus, plus, space, sharp, zero bool
	width                           int
	precision                       int // -1: none
}

// stringFormat is string.format, with the formats of C. Width and precision have two digits at most.
func stringFormat(L *lua.LState) int {
	format := CheckString(L, 1)
	out := make([]byte, 0, len(format)+32)
	arg := 1
	for i := 0; i < len(format); i++ {
		if format[i] != '%' {
			out = append(out, format[i])
			continue
		}
		if i++; i < len(format) && format[i] == '%' {
			out = append(out, '%')
			continue
		}
		var d directive
		n := d.parse(L, format[i:])
		if i += n; i >= len(format) {
			Raisef(L, "invalid option '%%' to 'format'")
		}
		arg++
		if arg > L.GetTop() {
			ArgError(L, arg, "no value")
		}
		out = d.append(L, out, format[i], arg)
		checkLength(L, len(out))
	}
	Charge(L, 1+len(out)/16)
	L.Push(lua.LString(out))
	return 1
}

// parse reads what is between the % and the verb and returns its length.
func (d *directive) parse(L *lua.LState, s string) int {
	i := 0
	for ; i < len(s); i++ {
		switch s[i] {
		case '-':
			d.minus = true
			continue
		case '+':
			d.plus = true
			continue
		case ' ':
			d.space = true
			continue
		case '#':
			d.sharp = true
			continue
		case '0':
			d.zero = true
			continue
		}
		break
	}
	if i > 5 {
		Raisef(L, "invalid format (repeated flags)")
	}
	digits := func() int {
		n, start := 0, i
		for ; i < len(s) && isDigit(s[i]); i++ {
			if i-start >= 2 {
				Raisef(L, "invalid format (width or precision too long)")
			}
			n = n*10 + int(s[i]-'0')
		}
		return n
	}
	d.width = digits()
	d.precision = -1
	if i < len(s) && s[i] == '.' {
		i++
		d.precision = digits()
	}
	return i
}

func (d *directive) append(L *lua.LState, out []byte, verb byte, arg int) []byte {
	switch verb {
	case 'd', 'i':
		n := formatInt(L, arg)
		sign := d.sign(n < 0)
		u := uint64(n)
		if n < 0 {
			u = -u
		}
		return d.appendInt(out, sign, strconv.FormatUint(u, 10))
	case 'u':
		return d.appendInt(out, "", strconv.FormatUint(uint64(formatInt(L, arg)), 10))
	case 'o':
		s := strconv.FormatUint(uint64(formatInt(L, arg)), 8)
		switch {
		case d.sharp && s == "0" && d.precision == 0:
			d.precision = 1
		case d.sharp && s != "0" && d.precision <= len(s):
			s = "0" + s
		}
		return d.appendInt(out, "", s)
	case 'x', 'X':
		n := uint64(formatInt(L, arg))
		s, prefix := strconv.FormatUint(n, 16), ""
		if d.sharp && n != 0 {
			prefix = "0x"
		}
		if verb == 'X' {
			s, prefix = strings.ToUpper(s), strings.ToUpper(prefix)
		}
		return d.appendInt(out, prefix, s)
	case 'c':
		return d.pad(out, "", string([]byte{byte(CheckInt(L, arg))}), false)
	case 'e', 'E', 'f', 'g', 'G':
		return d.appendFloat(out, CheckNumber(L, arg), verb)
	case 's':
		s := tostring(L, L.Get(arg))
		if d.precision >= 0 && d.precision < len(s) {
			s = s[:d.precision]
		}
		return d.pad(out, "", s, false)
	case 'q':
		return appendQuoted(out, CheckString(L, arg))
	}
	Raisef(L, "invalid option '%%%c' to 'format'", verb)
	return nil
}

// formatInt cuts a number as C does, where numbers beyond the signed range wrap round.
func formatInt(L *lua.LState, arg int) int64 {
	f := CheckNumber(L, arg)
	if f >= math.MaxInt64 && f < math.MaxUint64 {
		return int64(uint64(f))
	}
	return int64(toInt(f))
}

func (d *directive) sign(negative bool) string {
	switch {
	case negative:
		return "-"
	case d.plus:
		return "+"
	case d.space:
		return " "
	}
	return ""
}

// appendInt appends digits with as many zeros as the precision asks for.
func (d *directive) appendInt(out []byte, sign, digits string) []byte {
	if d.precision == 0 && digits == "0" {
		digits = ""
	}
	if n := d.precision - len(digits); n > 0 {
		digits = strings.Repeat("0", n) + digits
	}
	return d.pad(out, sign, digits, d.zero && d.precision < 0)
}

func (d *directive) appendFloat(out []byte, f float64, verb byte) []byte {
	sign := d.sign(math.Signbit(f) && !math.IsNaN(f))
	f = math.Abs(f)
	upper := verb < 'a'
	var s string
	switch {
	case math.IsInf(f, 0):
		s = "inf"
	case math.IsNaN(f):
		s = "nan"
	default:
		precision := d.precision
		if precision < 0 {
			precision = 6
		}
		switch verb | 0x20 {
		case 'g':
			s = formatG(f, precision, d.sharp)
		default:
			s = strconv.FormatFloat(f, verb|0x20, precision, 64)
		}
		if d.sharp && !strings.Contains(s, ".") {
			mantissa, exponent, found := strings.Cut(s, "e")
			s = mantissa + "."
			if found {
				s += "e" + exponent
			}
		}
	}
	if upper {
		s = strings.ToUpper(s)
	}
	return d.pad(out, sign, s, d.zero && !math.IsInf(f, 0) && !math.IsNaN(f))
}

// pad appends sign and body, filled up to the width.
func (d *directive) pad(out []byte, sign, body string, zeros bool) []byte {
	n := max(d.width-len(sign)-len(body), 0)
	switch {
	case d.minus:
		return append(append(append(out, sign...), body...), strings.Repeat(" ", n)...)
	case zeros:
		return append(append(append(out, sign...), strings.Repeat("0", n)...), body...)
	}
	return append(append(append(out, strings.Repeat(" ", n)...), sign...), body...)
}

func appendQuoted(out []byte, s string) []byte {
	out = append(out, '"')
	for i := range len(s) {
		switch c := s[i]; c {
		case '"', '\\', '\n':
			out = append(out, '\\', c)
		case '\r':
			out = append(out, `\r`...)
		case 0:
			out = append(out, `\000`...)
		default:
			out = append(out, c)
		}
	}
	return append(out, '"')
}

// tostring returns v as tostring gives it.
func tostring(L *lua.LState, v lua.LValue) string {
	if s, ok := text(v); ok {
		return s
	}
	if op := L.GetMetaField(v, "__tostring"); op != lua.LNil {
		L.Push(op)
		L.Push(v)
		L.Call(1, 1)
		result := L.Get(-1)
		L.Pop(1)
		s, ok := text(result)
		if !ok {
			raiseAt(L, "'__tostring' must return a string")
		}
		return s
	}
	if v.Type() == lua.LTUserData {
		if name, ok := L.GetMetaField(v, "__metatable").(lua.LString); ok {
			return fmt.Sprintf("%s: %p", string(name), v)
		}
	}
	return v.String()
}
