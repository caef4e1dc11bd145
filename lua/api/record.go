package api

import (
	"math"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"

	"github.com/sipscript/sipscript/engine/cdr"
	"github.com/sipscript/sipscript/lua/rt"
)

func limitMethod() rt.Function {
	return rt.Function{
		Name: "limit", Signature: "(key: string, max: integer) → boolean", Phases: rt.Handler | rt.Task,
		Doc: "Counts the call under `key`, unless `max` calls are up under it in the whole process: then false. The engine gives it back when the call is over, however it was routed and however it ends. A call counts once under a key.",
		Fn: func(L *lua.LState) int {
			o := checkRequest(L, 1)
			key, most := rt.CheckString(L, 2), rt.CheckInt(L, 3)
			ok, err := o.req.Limit(strings.Clone(key), most)
			if err != nil {
				rt.Raisef(L, "%s", err.Error())
			}
			L.Push(lua.LBool(ok))
			return 1
		},
	}
}

func sipCount(L *lua.LState) int {
	L.Push(lua.LNumber(scriptOf(L).Engine.Counts.Up(rt.CheckString(L, 1))))
	return 1
}

func sipOnEnd(L *lua.LState) int {
	s, fn := scriptOf(L), rt.CheckFunction(L, 1)
	once(L, s.onEnd == nil, "a handler")
	s.onEnd = fn
	s.names[fn] = "on_end"
	return 0
}

// CallEnded tells the script of a call that is over. On the shard.
func (s *Script) CallEnded(r *cdr.Record) {
	if s.onEnd != nil {
		s.vm.Start("on_end", s.onEnd, rt.Timer, nil, []lua.LValue{cdrTable(s.vm.State(), r)}, s.timerEnded)
	}
}

// cdrType documents cdrTable.
const cdrType = "{id: string, call_id: string, call_ids: string[], from: string, to: string, uri: string, user?: string, source: string, target?: string, " +
	"started: number, answered?: number, ended: number, duration: number, code: integer, cause: string, q850?: integer, ended_by?: string, " +
	"media: table[], vars: table<string, any>}"

// cdrTable is a record as a script gets it: plain data, its own copy. Times are those of time.now, durations seconds.
func cdrTable(L *lua.LState, r *cdr.Record) *lua.LTable {
	t := L.CreateTable(0, 20)
	text := func(name, value string) {
		if value != "" {
			t.RawSetString(name, lua.LString(value))
		}
	}
	text("id", r.ID)
	ids := L.CreateTable(len(r.CallIDs), 0)
	for i, id := range r.CallIDs {
		ids.RawSetInt(i+1, lua.LString(id))
		if i == 0 {
			text("call_id", id)
		}
	}
	t.RawSetString("call_ids", ids)
	for _, f := range [...]struct{ name, value string }{
		{"from", r.From}, {"to", r.To}, {"uri", r.URI}, {"user", r.User}, {"source", r.Source}, {"target", r.Target}, {"cause", r.Cause}, {"ended_by", r.EndedBy},
	} {
		text(f.name, f.value)
	}
	t.RawSetString("started", seconds(r.Started))
	if !r.Answered.IsZero() {
		t.RawSetString("answered", seconds(r.Answered))
	}
	t.RawSetString("ended", seconds(r.Ended))
	t.RawSetString("duration", lua.LNumber(r.Duration().Seconds()))
	t.RawSetString("code", lua.LNumber(r.Code))
	if r.Q850 != 0 {
		t.RawSetString("q850", lua.LNumber(r.Q850))
	}
	media := L.CreateTable(len(r.Media), 0)
	for i := range r.Media {
		media.RawSetInt(i+1, mediaTable(L, &r.Media[i]))
	}
	t.RawSetString("media", media)
	t.RawSetString("vars", fromGo(L, r.Vars()))
	if r.Vars() == nil {
		t.RawSetString("vars", L.NewTable())
	}
	return t
}

// seconds since 1970, as time.now gives them.
func seconds(t time.Time) lua.LNumber { return lua.LNumber(float64(t.UnixMicro()) / 1e6) }

// mediaTable is one leg's media: what was received from its peer, and under sent what was sent there.
func mediaTable(L *lua.LState, m *cdr.Media) *lua.LTable {
	t := streamTable(L, &m.Received)
	t.RawSetString("leg", lua.LString(m.Leg))
	t.RawSetString("mos", lua.LNumber(m.MOS))
	t.RawSetString("rtt", lua.LNumber(m.RTT.Seconds()))
	t.RawSetString("sent", streamTable(L, &m.Sent))
	return t
}

func streamTable(L *lua.LState, s *cdr.Stream) *lua.LTable {
	t := L.CreateTable(0, 8)
	t.RawSetString("packets", lua.LNumber(s.Packets))
	t.RawSetString("bytes", lua.LNumber(s.Bytes))
	t.RawSetString("lost", lua.LNumber(s.Lost))
	t.RawSetString("jitter", lua.LNumber(s.Jitter.Seconds()))
	return t
}

// varsView is the table that stands for a record's vars in one VM.
type varsView struct {
	vm     *rt.VM
	behind *lua.LTable // what is read
	front  *lua.LTable // what the script holds
	writes uint64      // of the record, when behind was as the record
}

// varsOf is the table of a call's vars: the same one in all handlers of the call. What is written there is copied into the record, where another
// version of the script finds it.
func varsOf(L *lua.LState, r *cdr.Record) *lua.LTable {
	vm := rt.VMOf(L)
	v, _ := r.View.(*varsView)
	if v == nil || v.vm != vm {
		v = &varsView{vm: vm, behind: L.NewTable()}
		v.front = vm.Watched(v.behind, func(L *lua.LState, key, value lua.LValue) { v.write(L, r, key, value) })
		v.read(L, r)
		r.View = v
	} else if v.writes != r.Writes() {
		v.read(L, r)
	}
	return v.front
}

func (v *varsView) read(L *lua.LState, r *cdr.Record) {
	fresh := fromGo(L, r.Vars())
	var old []lua.LValue
	v.behind.ForEach(func(k, _ lua.LValue) { old = append(old, k) })
	for _, k := range old {
		v.behind.RawSet(k, lua.LNil)
	}
	if t, ok := fresh.(*lua.LTable); ok {
		t.ForEach(func(k, value lua.LValue) { v.behind.RawSet(k, v.readable(value)) })
	}
	v.writes = r.Writes()
}

// readable is a value as it may be read: a table in the vars is a copy, which nobody would see changes of.
func (v *varsView) readable(value lua.LValue) lua.LValue {
	if t, ok := value.(*lua.LTable); ok {
		return v.vm.ReadOnly(t)
	}
	return value
}

func (v *varsView) write(L *lua.LState, r *cdr.Record, key, value lua.LValue) {
	name, ok := key.(lua.LString)
	if !ok {
		rt.Raisef(L, "vars have names, got a %s as key", key.Type())
	}
	plain := plainValue(L, value, 0)
	r.SetVar(strings.Clone(string(name)), plain)
	v.behind.RawSetString(string(name), v.readable(fromGo(L, plain)))
	v.writes = r.Writes()
}

// plainValue copies a Lua value into what JSON has.
func plainValue(L *lua.LState, v lua.LValue, depth int) any {
	rt.Charge(L, 1)
	switch v := rt.Plain(v).(type) {
	case *lua.LNilType:
		return nil
	case lua.LBool:
		return bool(v)
	case lua.LString:
		rt.Charge(L, len(v)/64)
		return strings.Clone(string(v))
	case lua.LNumber:
		if f := float64(v); !math.IsNaN(f) && !math.IsInf(f, 0) {
			return f
		}
		rt.Raisef(L, "vars: %v is no number that can be written down", float64(v))
	case *lua.LUserData:
		if s, ok := objectText(v); ok {
			return strings.Clone(s)
		}
	case *lua.LTable:
		if depth >= maxDepth {
			rt.Raisef(L, "vars: %s", errDeep)
		}
		return plainTable(L, v, depth)
	}
	rt.Raisef(L, "vars: %s, got %s", errPlain, v.Type())
	return nil
}

// plainTable is a list where the keys are the numbers from 1 on, else a table by names.
func plainTable(L *lua.LState, t *lua.LTable, depth int) any {
	n, entries := t.Len(), 0
	named := map[string]any{}
	t.ForEach(func(k, v lua.LValue) {
		entries++
		if name, ok := k.(lua.LString); ok {
			named[strings.Clone(string(name))] = plainValue(L, v, depth+1)
		}
	})
	switch {
	case len(named) == entries:
		return named
	case n != entries:
		rt.Raisef(L, "vars: a table is a list or has names, not both, and a list has no holes")
	}
	list := make([]any, n)
	for i := range list {
		list[i] = plainValue(L, t.RawGetInt(i+1), depth+1)
	}
	return list
}
