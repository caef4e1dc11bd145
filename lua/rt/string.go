package rt

import (
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// maxString bounds the strings that scripts can make.
const maxString = 16 << 20

// maxResults bounds the values that a Go function returns to a script.
const maxResults = 8000

// checkLength raises when a string is longer than scripts may make.
func checkLength(L *lua.LState, n int) {
	if n > maxString {
		Raisef(L, "resulting string too large")
	}
}

// chargeBytes charges for making n bytes.
func chargeBytes(L *lua.LState, n int) {
	checkLength(L, n)
	Charge(L, n/64)
}

func stringLibrary() library {
	return library{
		{"byte", stringByte}, {"char", stringChar}, {"find", stringFind}, {"format", stringFormat},
		{"gmatch", stringGmatch}, {"gsub", stringGsub}, {"len", stringLen}, {"lower", stringLower},
		{"match", stringMatch}, {"rep", stringRep}, {"reverse", stringReverse}, {"sub", stringSub}, {"upper", stringUpper},
	}
}

func stringLen(L *lua.LState) int {
	L.Push(lua.LNumber(len(CheckString(L, 1))))
	return 1
}

// slice returns the bytes that arguments n and n+1 mean, as string.sub counts them.
func slice(L *lua.LState, s string, n, first, last int) string {
	i, j := OptInt(L, n, first), OptInt(L, n+1, last)
	if i < 0 {
		i = max(len(s)+i+1, 1)
	} else if i == 0 {
		i = 1
	}
	if j < 0 {
		j = len(s) + j + 1
	} else if j > len(s) {
		j = len(s)
	}
	if i > j {
		return ""
	}
	return s[i-1 : j]
}

func stringSub(L *lua.LState) int {
	s := CheckString(L, 1)
	CheckNumber(L, 2)
	L.Push(lua.LString(slice(L, s, 2, 1, -1)))
	return 1
}

func stringByte(L *lua.LState) int {
	s := CheckString(L, 1)
	first := OptInt(L, 2, 1)
	s = slice(L, s, 2, 1, first)
	if len(s) > maxResults {
		Raisef(L, "string slice too long")
	}
	Charge(L, len(s))
	for i := range len(s) {
		L.Push(lua.LNumber(s[i]))
	}
	if len(s) > 256 {
		L.Dead = true // its stack has grown: not for reuse
	}
	return len(s)
}

func stringChar(L *lua.LState) int {
	b := make([]byte, L.GetTop())
	for i := range b {
		c := CheckInt(L, i+1)
		if c < 0 || c > 255 {
			ArgError(L, i+1, "invalid value")
		}
		b[i] = byte(c)
	}
	L.Push(lua.LString(b))
	return 1
}

func stringRep(L *lua.LState) int {
	s, n := CheckString(L, 1), max(CheckInt(L, 2), 0)
	if s == "" || n == 0 {
		L.Push(lua.LString(""))
		return 1
	}
	if n > maxString/len(s) {
		checkLength(L, maxString+1)
	}
	chargeBytes(L, n*len(s))
	L.Push(lua.LString(strings.Repeat(s, n)))
	return 1
}

func stringReverse(L *lua.LState) int {
	b := []byte(CheckString(L, 1))
	chargeBytes(L, len(b))
	for i, j := 0, len(b)-1; i < j; i, j = i+1, j-1 {
		b[i], b[j] = b[j], b[i]
	}
	L.Push(lua.LString(b))
	return 1
}

// Letters are those of ASCII: what else a string holds may not even be text.

func stringLower(L *lua.LState) int {
	return mapBytes(L, func(c byte) byte {
		if c >= 'A' && c <= 'Z' {
			return c + 'a' - 'A'
		}
		return c
	})
}

func stringUpper(L *lua.LState) int {
	return mapBytes(L, func(c byte) byte {
		if c >= 'a' && c <= 'z' {
			return c - 'a' + 'A'
		}
		return c
	})
}

func mapBytes(L *lua.LState, fn func(byte) byte) int {
	s := CheckString(L, 1)
	chargeBytes(L, len(s))
	i := 0
	for i < len(s) && fn(s[i]) == s[i] {
		i++
	}
	if i == len(s) {
		L.SetTop(1)
		return 1
	}
	b := []byte(s)
	for ; i < len(b); i++ {
		b[i] = fn(b[i])
	}
	L.Push(lua.LString(b))
	return 1
}

// concat is the .. operator, to which the rewriter turns it so that strings cannot grow without being charged for. It
// takes all operands of a chain.
func concat(L *lua.LState) int {
	n := L.GetTop()
	total := 0
	for i := 1; i <= n; i++ {
		switch v := L.Get(i).(type) {
		case lua.LString:
			total += len(v)
		case lua.LNumber:
			total += 8
		default:
			return concatMeta(L, n)
		}
	}
	chargeBytes(L, total)
	b := make([]byte, 0, total)
	for i := 1; i <= n; i++ {
		if v, ok := L.Get(i).(lua.LString); ok {
			b = append(b, v...)
		} else {
			s, _ := text(L.Get(i))
			b = append(b, s...)
		}
	}
	L.Push(lua.LString(b))
	return 1
}

// concatMeta concatenates from the right, by metamethods where there are any.
func concatMeta(L *lua.LState, n int) int {
	right := L.Get(n)
	for i := n - 1; i >= 1; i-- {
		left := L.Get(i)
		ls, lok := text(left)
		rs, rok := text(right)
		if lok && rok {
			chargeBytes(L, len(ls)+len(rs))
			right = lua.LString(ls + rs)
			continue
		}
		op := L.GetMetaField(left, "__concat")
		if op == lua.LNil {
			op = L.GetMetaField(right, "__concat")
		}
		if op == lua.LNil {
			wrong := left
			if lok {
				wrong = right
			}
			raiseAt(L, "attempt to concatenate a %s value", wrong.Type())
		}
		L.Push(op)
		L.Push(left)
		L.Push(right)
		L.Call(2, 1)
		right = L.Get(-1)
		L.Pop(1)
	}
	L.Push(right)
	return 1
}
