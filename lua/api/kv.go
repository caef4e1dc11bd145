package api

import (
	"errors"

	lua "github.com/yuin/gopher-lua"

	"github.com/sipscript/sipscript/engine/kv"
	"github.com/sipscript/sipscript/lua/rt"
)

func kvModule() rt.Module {
	return rt.Module{
		Name: "kv",
		Doc:  "The memory that calls share, across shards and versions of the script. Values are strings, numbers, booleans and plain tables; tables are copied.",
		Functions: []rt.Function{
			{Name: "get", Signature: "(key: string) → value: any", Fn: kvGet, Doc: "The value of a key."},
			{Name: "set", Signature: "(key: string, value: any, ttl?: number)", Fn: kvSet, Doc: "Sets a key, for `ttl` seconds or for ever. nil deletes it."},
			{Name: "incr", Signature: "(key: string, delta?: number, ttl?: number) → number", Fn: kvIncr,
				Doc: "Adds `delta` (default 1) to a number in one step; a missing key counts as 0. The time to live starts when the key is made."},
			{Name: "cas", Signature: "(key: string, old: any, new: any, ttl?: number) → boolean", Fn: kvCAS,
				Doc: "Sets `new` if the key holds `old` (nil: does not exist), in one step."},
			{Name: "delete", Signature: "(key: string) → boolean", Fn: kvDelete, Doc: "Deletes a key; whether it was there."},
		},
	}
}

func kvGet(L *lua.LState) int {
	L.Push(luaValue(L, scriptOf(L).Engine.KV.Get(rt.CheckString(L, 1))))
	return 1
}

func kvSet(L *lua.LState) int {
	key, v := rt.CheckString(L, 1), checkValue(L, 2)
	if err := scriptOf(L).Engine.KV.Set(key, v, rt.OptSeconds(L, 3, 0)); err != nil {
		rt.ArgError(L, 2, "%s", err)
	}
	return 0
}

func kvIncr(L *lua.LState) int {
	delta := 1.0
	if L.Get(2) != lua.LNil {
		delta = rt.CheckNumber(L, 2)
	}
	sum, err := scriptOf(L).Engine.KV.Incr(rt.CheckString(L, 1), delta, rt.OptSeconds(L, 3, 0))
	if errors.Is(err, kv.ErrNotNumber) {
		rt.ArgError(L, 1, "%q holds no number", rt.CheckString(L, 1))
	}
	L.Push(lua.LNumber(sum))
	return 1
}

func kvCAS(L *lua.LState) int {
	done, err := scriptOf(L).Engine.KV.CAS(rt.CheckString(L, 1), checkValue(L, 2), checkValue(L, 3), rt.OptSeconds(L, 4, 0))
	if err != nil {
		rt.ArgError(L, 3, "%s", err)
	}
	L.Push(lua.LBool(done))
	return 1
}

func kvDelete(L *lua.LState) int {
	L.Push(lua.LBool(scriptOf(L).Engine.KV.Delete(rt.CheckString(L, 1))))
	return 1
}

// maxDepth bounds nested tables, so that one that holds itself is an error and no endless loop.
const maxDepth = 32

// checkValue copies argument n into a value that all shards may hold.
func checkValue(L *lua.LState, n int) kv.Value {
	v, err := kvValue(L, L.Get(n), 0)
	if err != nil {
		rt.ArgError(L, n, "%s", err)
	}
	return v
}

var (
	errDeep  = errors.New("the table is nested too deep, or holds itself")
	errPlain = errors.New("string, number, boolean or plain table expected")
)

func kvValue(L *lua.LState, v lua.LValue, depth int) (kv.Value, error) {
	rt.Charge(L, 1)
	switch v := rt.Plain(v).(type) {
	case *lua.LNilType:
		return kv.Value{}, nil
	case lua.LString:
		rt.Charge(L, len(v)/64)
		return kv.NewString(string(v)), nil
	case lua.LNumber:
		return kv.NewNumber(float64(v)), nil
	case lua.LBool:
		return kv.NewBool(bool(v)), nil
	case *lua.LUserData:
		if s, ok := objectText(v); ok {
			return kv.NewString(s), nil
		}
	case *lua.LTable:
		if depth >= maxDepth {
			return kv.Value{}, errDeep
		}
		var pairs []kv.Pair
		var failed error
		v.ForEach(func(k, value lua.LValue) {
			a, err := kvValue(L, k, depth+1)
			b, err2 := kvValue(L, value, depth+1)
			failed = errors.Join(failed, err, err2)
			pairs = append(pairs, kv.Pair{Key: a, Value: b})
		})
		if failed != nil {
			return kv.Value{}, failed
		}
		return kv.NewTable(pairs)
	}
	return kv.Value{}, errPlain
}

// luaValue copies a value into the VM.
func luaValue(L *lua.LState, v kv.Value) lua.LValue {
	switch v.Kind() {
	case kv.String:
		return lua.LString(v.Text())
	case kv.Number:
		return lua.LNumber(v.Number())
	case kv.Bool:
		return lua.LBool(v.Bool())
	case kv.Table:
		rt.Charge(L, v.Len())
		t := L.CreateTable(0, v.Len())
		for k, e := range v.Pairs() {
			t.RawSet(luaValue(L, k), luaValue(L, e))
		}
		return t
	}
	return lua.LNil
}
