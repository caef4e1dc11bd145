package api

import (
	"bytes"
	"encoding/json"
	"math"
	"sort"

	lua "github.com/yuin/gopher-lua"

	"github.com/sipscript/sipscript/lua/rt"
)

func jsonModule() rt.Module {
	return rt.Module{
		Name: "json",
		Doc:  "JSON (RFC 8259).",
		Functions: []rt.Function{
			{Name: "encode", Signature: "(value: any) → string", Fn: jsonEncode,
				Doc: "A table whose keys are the numbers from 1 on is an array, with `null` where one is missing as long as most are there; any other is an object, its keys sorted. An empty table is an object. URIs and addresses are written as text."},
			{Name: "decode", Signature: "(text: string) → value: any, err: error?", Fn: jsonDecode, Doc: "`null` becomes nil: a key with it is not there, an array has a hole in its place."},
		},
	}
}

func jsonEncode(L *lua.LState) int {
	if L.GetTop() == 0 {
		rt.ArgError(L, 1, "value expected")
	}
	var b bytes.Buffer
	writeJSON(L, &b, L.Get(1), 0)
	L.Push(lua.LString(b.String()))
	return 1
}

func writeJSON(L *lua.LState, b *bytes.Buffer, v lua.LValue, depth int) {
	rt.Charge(L, 1)
	if depth > maxDepth {
		rt.ArgError(L, 1, "%s", errDeep)
	}
	switch v := rt.Plain(v).(type) {
	case *lua.LNilType:
		b.WriteString("null")
	case lua.LBool:
		writeScalar(b, goValue(v))
	case lua.LString:
		rt.Charge(L, len(v)/8)
		writeScalar(b, string(v))
	case lua.LNumber:
		if f := float64(v); math.IsNaN(f) || math.IsInf(f, 0) {
			rt.ArgError(L, 1, "%v is no JSON number", f)
		}
		writeScalar(b, goValue(v))
	case *lua.LTable:
		writeTable(L, b, v, depth)
	case *lua.LUserData:
		if s, ok := objectText(v); ok {
			writeScalar(b, s)
			return
		}
		rt.ArgError(L, 1, "%s cannot be written as JSON", v.Type())
	default:
		rt.ArgError(L, 1, "%s cannot be written as JSON", v.Type())
	}
}

func writeScalar(b *bytes.Buffer, v any) {
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err) // of a string, a boolean or a finite number there is none
	}
	b.Truncate(b.Len() - 1) // the line end
}

func writeTable(L *lua.LState, b *bytes.Buffer, t *lua.LTable, depth int) {
	n, numbered := t.Len(), 0
	keys := []string{}
	values := map[string]lua.LValue{}
	t.ForEach(func(k, v lua.LValue) {
		if i, ok := k.(lua.LNumber); ok && float64(i) == math.Trunc(float64(i)) && i >= 1 && int(i) <= n {
			numbered++
		}
		keys = append(keys, k.String())
		values[k.String()] = v
	})
	if n > 0 && numbered == len(keys) && n <= 2*numbered {
		b.WriteByte('[')
		for i := 1; i <= n; i++ {
			if i > 1 {
				b.WriteByte(',')
			}
			writeJSON(L, b, t.RawGetInt(i), depth+1)
		}
		b.WriteByte(']')
		return
	}
	if t.RawGetInt(1) != lua.LNil {
		rt.ArgError(L, 1, "a table with both list and named entries is neither a JSON array nor an object")
	}
	sort.Strings(keys)
	b.WriteByte('{')
	for i, k := range keys {
		if i > 0 {
			b.WriteByte(',')
		}
		writeScalar(b, k)
		b.WriteByte(':')
		writeJSON(L, b, values[k], depth+1)
	}
	b.WriteByte('}')
}

func jsonDecode(L *lua.LState) int {
	return decodeJSON(L, []byte(rt.CheckString(L, 1)))
}

// decodeJSON pushes what text says.
func decodeJSON(L *lua.LState, text []byte) int {
	rt.Charge(L, len(text)/8)
	d := json.NewDecoder(bytes.NewReader(text))
	var v any
	if err := d.Decode(&v); err != nil {
		return rt.Fail(L, "invalid", err.Error(), 0)
	}
	if d.More() {
		return rt.Fail(L, "invalid", "more than one value", 0)
	}
	L.Push(fromGo(L, v))
	return 1
}

// fromGo makes a Lua value of decoded JSON or YAML.
func fromGo(L *lua.LState, v any) lua.LValue {
	switch v := v.(type) {
	case bool:
		return lua.LBool(v)
	case string:
		return lua.LString(v)
	case float64:
		return lua.LNumber(v)
	case int:
		return lua.LNumber(v)
	case int64:
		return lua.LNumber(v)
	case uint64:
		return lua.LNumber(v)
	case []any:
		t := L.CreateTable(len(v), 0)
		for i, e := range v {
			t.RawSetInt(i+1, fromGo(L, e)) // a null leaves its place empty
		}
		return t
	case map[string]any:
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		sort.Strings(keys) // so that pairs visits them in the same order in every VM
		t := L.CreateTable(0, len(v))
		for _, k := range keys {
			t.RawSetString(k, fromGo(L, v[k]))
		}
		return t
	}
	return lua.LNil
}
