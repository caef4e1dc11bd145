package api

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	lua "github.com/yuin/gopher-lua"

	"github.com/sipscript/sipscript/engine"
	"github.com/sipscript/sipscript/engine/shard"
	"github.com/sipscript/sipscript/lua/rt"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/wheel"
)

// Deps is what the modules work with.
type Deps struct {
	Engine  *engine.Engine
	Log     *slog.Logger
	Config  map[string]any // the script: part of the configuration
	Version int
}

// Script is one version of a script on one shard: a VM and what its main chunk has registered. It belongs to the
// shard's goroutine, except for New, which may run anywhere before that.
type Script struct {
	Deps
	loop          *shard.Loop
	vm            *rt.VM
	types         types
	targetOptions *rt.OptionSet

	handlers   map[string]*lua.LFunction
	names      map[*lua.LFunction]string
	other      *lua.LFunction // "*"
	inDialog   *lua.LFunction
	onEnd      *lua.LFunction
	onTransfer *lua.LFunction
	starts     []*lua.LFunction
	ticks      []tick

	timers []*wheel.Timer            // of every and after in the main chunk
	later  map[*wheel.Timer]struct{} // of after in handlers, until they fire
	idle   func()                    // what to do when the last run ends, once superseded
}

// tick is a timer that the main chunk has asked for.
type tick struct {
	period time.Duration
	fn     *lua.LFunction
	once   bool
}

// New instantiates program for the shard of loop: the main chunk runs, and what it registers is kept.
func New(program *rt.Program, loop *shard.Loop, deps Deps) (*Script, error) {
	s := &Script{Deps: deps, loop: loop, types: newTypes(), targetOptions: targetOptions(), handlers: map[string]*lua.LFunction{}, names: map[*lua.LFunction]string{}, later: map[*wheel.Timer]struct{}{}}
	vm, err := rt.NewVM(program, rt.VMConfig{Loop: vmLoop{loop}, Modules: modules(&s.types), Log: s.log, Failed: s.runFailed, Idle: s.allEnded, Env: s, Seed: s.seed()})
	if err != nil {
		return nil, err
	}
	s.vm = vm
	return s, nil
}

// seed is of math.random: another one for each shard and version, and the same again when the engine is given the same.
func (s *Script) seed() [2]uint64 {
	draw := func(which string) uint64 {
		return s.Engine.Derive(fmt.Sprintf("math.random %s %d %d", which, s.Version, s.loop.Index()))
	}
	return [2]uint64{draw("a"), draw("b")}
}

// Close ends what still runs. On the shard.
func (s *Script) Close() {
	s.stopTimers()
	s.StopLater()
	s.vm.Close()
}

// VM is the version's virtual machine on this shard.
func (s *Script) VM() *rt.VM { return s.vm }

// scriptOf is the script that L belongs to.
func scriptOf(L *lua.LState) *Script { return rt.VMOf(L).Env().(*Script) }

// vmLoop lets a shard drive a VM.
type vmLoop struct{ *shard.Loop }

func (l vmLoop) After(d time.Duration, fn func()) (stop func()) {
	t := l.Loop.After(d, fn)
	return func() { t.Stop() }
}

// Handle implements engine.Script: it finds the handler of a request and runs it.
func (s *Script) Handle(req *engine.Request) {
	method := req.Message.Method()
	if s.onEnd != nil && method == sip.INVITE && !req.InDialog() {
		req.Record() // it is told of its end
	}
	switch fn := s.handlers[method]; {
	case method == sip.CANCEL && fn == nil:
		req.RelayCancel()
	case method == sip.CANCEL || method == sip.ACK && fn != nil && !req.Routable():
		s.run(fn, req)
	case req.InDialog() && (s.inDialog == nil || !req.Routable()):
		req.FollowRoutes()
	case req.InDialog():
		s.run(s.inDialog, req)
	case fn != nil:
		s.run(fn, req)
	case method == sip.ACK:
		_ = req.Drop() // an ACK outside a dialog acknowledges nothing
	case method == sip.OPTIONS && req.ForServer():
		req.AnswerOptions(s.methods())
		_ = req.End()
	case s.other != nil:
		s.run(s.other, req)
	default:
		req.MethodNotAllowed(s.methods())
		_ = req.End()
	}
}

// run starts the handler of a request and sees to it that the request gets its answer.
func (s *Script) run(fn *lua.LFunction, req *engine.Request) {
	phase := rt.Handler
	if !req.Transaction() {
		phase = rt.Ack
	}
	o := &request{script: s, req: req}
	r := s.vm.Start(s.names[fn], fn, phase, o, []lua.LValue{s.vm.NewObject(s.types.request, o)}, s.ended)
	if r.Parked() {
		o.run = r
		req.OnUnwind(o)
		req.Park()
	}
}

// ended is called when a handler has returned or failed.
func (s *Script) ended(r *rt.Run, _ []lua.LValue, err error) {
	o := r.Owner().(*request)
	o.end()
	if o.call != nil {
		o.call.handlerEnded(r, err != nil && !unwound(err))
	}
	switch {
	case err == nil:
		if err := o.req.End(); err != nil {
			s.log(r, slog.LevelWarn, err.Error(), "at", s.definedAt(r.Name()))
			s.Engine.Counters.Counter("no_answer").Add(1)
		}
	case unwound(err):
		_ = o.req.End() // the engine has answered already, or the best response goes
	default:
		s.failed(r, err)
		o.req.Fail()
	}
}

// definedAt is the file and line where a handler begins; "" when it is not written in Lua.
func (s *Script) definedAt(name string) string {
	fn := s.handlers[name]
	switch name {
	case "*":
		fn = s.other
	case "on_indialog":
		fn = s.inDialog
	}
	if fn.IsG {
		return ""
	}
	return fmt.Sprintf("%s:%d", fn.Proto.SourceName, fn.Proto.LineDefined)
}

// unwound reports whether a run ended because its caller went or its time was over, which is no error of the script.
func unwound(err error) bool {
	e := new(rt.RunError)
	return errors.As(err, &e) && e.Unwound
}

// methods are those a request outside a dialog may have, for Allow.
func (s *Script) methods() []string {
	all := []string{sip.ACK, sip.BYE, sip.CANCEL}
	for _, m := range knownMethods {
		if m == sip.ACK || m == sip.BYE || m == sip.CANCEL {
			continue
		}
		if s.handlers[m] != nil || s.other != nil && m != sip.REGISTER || m == sip.OPTIONS {
			all = append(all, m)
		}
	}
	for m := range s.handlers {
		if !slices.Contains(knownMethods[:], m) {
			all = append(all, m)
		}
	}
	slices.Sort(all)
	return all
}
