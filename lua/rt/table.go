package rt

import (
	lua "github.com/yuin/gopher-lua"
)

func tableLibrary() library {
	return library{
		{"concat", tableConcat}, {"insert", tableInsert}, {"maxn", tableMaxn}, {"remove", tableRemove}, {"sort", tableSort},
	}
}

func tableConcat(L *lua.LState) int {
	t, sep := CheckTable(L, 1), OptString(L, 2, "")
	first, last := OptInt(L, 3, 1), t.Len()
	if L.Get(4) != lua.LNil {
		last = CheckInt(L, 4)
	}
	if first > last {
		L.Push(lua.LString(""))
		return 1
	}
	total := 0
	for i := first; ; i++ {
		Charge(L, 1)
		s, ok := text(at(t, i))
		if !ok {
			Raisef(L, "invalid value (%s) at index %d in table for 'concat'", at(t, i).Type(), i)
		}
		total += len(s) + len(sep)
		if total > maxString || i == last {
			break
		}
	}
	chargeBytes(L, total)
	b := make([]byte, 0, total)
	for i := first; ; i++ {
		s, _ := text(at(t, i))
		b = append(b, s...)
		if i == last {
			break
		}
		b = append(b, sep...)
	}
	L.Push(lua.LString(b))
	return 1
}

// at reads an element wherever gopher-lua keeps it.
func at(t *lua.LTable, i int) lua.LValue {
	if i < 1 || i >= lua.MaxArrayIndex {
		return t.RawGetH(lua.LNumber(i))
	}
	return t.RawGetInt(i)
}

func tableInsert(L *lua.LState) int {
	t := checkWritable(L, 1)
	n := t.Len()
	switch L.GetTop() {
	case 2:
		t.RawSetInt(n+1, L.Get(2))
	case 3:
		pos := CheckInt(L, 2)
		if pos < 1 || pos > n+1 {
			// Lua 5.1 takes any position; far outside of the list it can only be a mistake, and a costly one.
			ArgError(L, 2, "position out of bounds")
		}
		Charge(L, (n-pos+1)/8)
		if pos == n+1 {
			t.RawSetInt(pos, L.Get(3))
		} else {
			t.Insert(pos, L.Get(3))
		}
	default:
		Raisef(L, "wrong number of arguments")
	}
	return 0
}

func tableRemove(L *lua.LState) int {
	t := checkWritable(L, 1)
	n := t.Len()
	pos := OptInt(L, 2, n)
	if pos < 1 || pos > n {
		return 0
	}
	Charge(L, (n-pos)/8)
	removed := t.RawGetInt(pos)
	if pos == n {
		t.RawSetInt(pos, lua.LNil)
	} else {
		t.Remove(pos)
	}
	L.Push(removed)
	return 1
}

func tableMaxn(L *lua.LState) int {
	t := CheckTable(L, 1)
	most := lua.LNumber(0)
	t.ForEach(func(k, _ lua.LValue) {
		if n, ok := k.(lua.LNumber); ok && n > most {
			most = n
		}
	})
	Charge(L, t.Len()/8)
	L.Push(most)
	return 1
}
