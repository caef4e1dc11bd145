package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sort"

	lua "github.com/yuin/gopher-lua"

	"github.com/sipscript/sipscript/lua/rt"
)

func logModule() rt.Module {
	level := func(name string, l slog.Level, doc string) rt.Function {
		return rt.Function{Name: name, Signature: "(message: string, fields?: table<string, any>)", Doc: doc, Fn: func(L *lua.LState) int {
			return logAt(L, l)
		}}
	}
	return rt.Module{
		Name: "log",
		Doc:  "Writes to the server's log. The Call-ID of the request, the version and the position come along by themselves.",
		Functions: []rt.Function{
			level("debug", slog.LevelDebug, "For whoever looks for a fault."),
			level("info", slog.LevelInfo, "What happened in the normal course of things."),
			level("warn", slog.LevelWarn, "Something is wrong, and calls go on."),
			level("error", slog.LevelError, "Someone must act."),
		},
	}
}

func logAt(L *lua.LState, level slog.Level) int {
	s := scriptOf(L)
	message := rt.CheckString(L, 1)
	attrs := []any{"at", rt.Where(L, 0)}
	if L.Get(2) != lua.LNil {
		fields := rt.CheckTable(L, 2)
		start := len(attrs)
		fields.ForEach(func(k, v lua.LValue) { attrs = append(attrs, slog.Any(k.String(), goValue(v))) })
		extra := attrs[start:]
		sort.Slice(extra, func(i, j int) bool { return extra[i].(slog.Attr).Key < extra[j].(slog.Attr).Key })
	}
	s.log(rt.Current(L), level, message, attrs...)
	return 0
}

// goValue is a Lua value as the log writes it.
func goValue(v lua.LValue) any {
	switch v := v.(type) {
	case lua.LBool:
		return bool(v)
	case lua.LNumber:
		if f := float64(v); f == float64(int64(f)) {
			return int64(f)
		}
		return float64(v)
	case lua.LString:
		return string(v)
	case *lua.LUserData:
		if s, ok := objectText(v); ok {
			return s
		}
	case *lua.LTable:
		if e, ok := rt.AsError(v); ok {
			return e.Error()
		}
	}
	return v.String()
}

// log writes a line that says which call, version and handler it is about.
func (s *Script) log(r *rt.Run, level slog.Level, message string, attrs ...any) {
	if !s.Log.Enabled(context.Background(), level) || r == nil && s.loop.Index() != 0 {
		return // the main chunk runs on every shard and is heard once
	}
	attrs = append(attrs, "version", s.Version)
	if r != nil {
		attrs = append(attrs, "handler", r.Name())
		switch o := r.Owner().(type) {
		case *request:
			attrs = append(attrs, "call_id", o.peek().CallID())
		case *leg:
			attrs = append(attrs, "call", o.c.ID())
		}
	}
	s.Log.Log(context.Background(), level, message, attrs...) //nolint:sloglint // the message is the script's own
}

// runFailed takes the error of what nobody waits for: a deferred function, or a task whose handler is over.
func (s *Script) runFailed(r *rt.Run, err *rt.RunError) { s.failed(r, err) }

// failed logs the error a script function has ended with: what, where, and by which way.
func (s *Script) failed(r *rt.Run, err error) {
	attrs, where := []any{"error", err.Error()}, r.Name()
	if e := new(rt.RunError); errors.As(err, &e) {
		attrs, where = []any{"error", e.Message, "at", e.At, "cause", e.Cause, "traceback", e.Traceback}, e.Handler
	}
	s.log(r, slog.LevelWarn, fmt.Sprintf("script error in %s", where), attrs...)
	s.Engine.Counters.Counter("script_error").Add(1)
}
