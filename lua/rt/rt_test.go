package rt

import (
	"fmt"
	"io/fs"
	"log/slog"
	"strings"
	"testing"
	"time"

	lua "github.com/yuin/gopher-lua"
)

// memory is a folder /s of files.
type memory map[string]string

func (m memory) ReadFile(path string) ([]byte, error) {
	source, ok := m[strings.TrimPrefix(path, "/s/")]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
	return []byte(source), nil
}

// loop is an event loop that the test itself turns.
type loop chan func()

func newLoop() loop { return make(loop, 1<<16) }

func (l loop) Post(fn func()) { l <- fn }

func (l loop) After(d time.Duration, fn func()) func() {
	stopped := false
	t := time.AfterFunc(d, func() {
		l <- func() {
			if !stopped {
				fn()
			}
		}
	})
	return func() {
		stopped = true
		t.Stop()
	}
}

// settle turns the loop until no run is left.
func (l loop) settle(vm *VM) {
	for vm.Live() > 0 {
		(<-l)()
	}
}

// drain runs what is posted now.
func (l loop) drain() {
	for {
		select {
		case fn := <-l:
			fn()
		default:
			return
		}
	}
}

// testModule is what scripts in tests can call.
func testModule() Module {
	sleep := func(L *lua.LState) int {
		d := CheckSeconds(L, 1)
		v := L.Get(2)
		_, err := Await(L, func(resume func(struct{})) func() {
			return VMOf(L).Loop().After(d, func() { resume(struct{}{}) })
		})
		if err != nil {
			return Raise(L, err)
		}
		L.Push(v)
		return 1
	}
	return Module{Functions: []Function{
		{Name: "sleep", Signature: "(seconds [, v]) → v", Waits: true, Fn: sleep},
		{Name: "explode", Fn: func(*lua.LState) int { panic("boom") }},
		{Name: "declare", Phases: Init, Fn: func(*lua.LState) int { return 0 }},
	}}
}

// world is a VM with its loop and its log.
type world struct {
	*VM
	t    testing.TB
	loop loop
	logs []string
}

// load loads a script, as main.lua, and closes its VM when the test ends.
func load(t testing.TB, source string, change ...func(*VMConfig)) *world {
	t.Helper()
	return loadFiles(t, memory{"main.lua": source}, change...)
}

func loadFiles(t testing.TB, files memory, change ...func(*VMConfig)) *world {
	t.Helper()
	w, err := tryLoad(t, files, change...)
	if err != nil {
		t.Fatalf("NewVM: %v", err)
	}
	return w
}

func tryLoad(t testing.TB, files memory, change ...func(*VMConfig)) (*world, error) {
	t.Helper()
	p, err := Load(files, "/s/main.lua")
	if err != nil {
		return nil, err
	}
	w := &world{t: t, loop: newLoop()}
	cfg := VMConfig{Loop: w.loop, Modules: []Module{testModule()}, Seed: [2]uint64{1, 2}}
	cfg.Log = func(_ *Run, level slog.Level, msg string, attrs ...any) {
		if level > slog.LevelInfo {
			msg = level.String() + " " + msg + fmt.Sprintln(attrs...)
		}
		w.logs = append(w.logs, msg)
	}
	for _, fn := range change {
		fn(&cfg)
	}
	w.VM, err = NewVM(p, cfg)
	if err != nil {
		return nil, err
	}
	w.sliceTime = 0 // the machine may be busy
	t.Cleanup(w.Close)
	return w, nil
}

// fn returns a global function of the script.
func (w *world) fn(name string) *lua.LFunction {
	w.t.Helper()
	fn, ok := w.globals.RawGetString(name).(*lua.LFunction)
	if !ok {
		w.t.Fatalf("the script has no function %s", name)
	}
	return fn
}

// start starts a global function as a run.
func (w *world) start(name string, args ...lua.LValue) *outcome {
	w.t.Helper()
	o := &outcome{}
	o.Run = w.Start(name, w.fn(name), Handler, nil, args, o.done)
	return o
}

// run starts a global function and turns the loop until it has ended.
func (w *world) run(name string, args ...lua.LValue) *outcome {
	w.t.Helper()
	o := w.start(name, args...)
	for o.ends == 0 {
		(<-w.loop)()
	}
	return o
}

// outcome is how a run ended.
type outcome struct {
	*Run
	results []string
	err     *RunError
	ends    int
}

func (o *outcome) done(_ *Run, results []lua.LValue, err error) {
	o.ends++
	for _, v := range results {
		s, ok := text(v)
		if !ok {
			s = v.String()
		}
		o.results = append(o.results, s)
	}
	if err != nil {
		o.err = err.(*RunError)
	}
}

// want checks the results of a run that must have succeeded.
func (o *outcome) want(t testing.TB, results ...string) {
	t.Helper()
	if o.ends != 1 {
		t.Fatalf("ended %d times, want once", o.ends)
	}
	if o.err != nil {
		t.Fatalf("failed: %v\n%s", o.err, o.err.Traceback)
	}
	if got, want := strings.Join(o.results, " "), strings.Join(results, " "); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// fails checks the cause of a run that must have failed.
func (o *outcome) fails(t testing.TB, cause string) *RunError {
	t.Helper()
	if o.ends != 1 {
		t.Fatalf("ended %d times, want once", o.ends)
	}
	if o.err == nil {
		t.Fatalf("succeeded with %v, want cause %s", o.results, cause)
	}
	if o.err.Cause != cause {
		t.Fatalf("cause %q (%v), want %q", o.err.Cause, o.err, cause)
	}
	return o.err
}
