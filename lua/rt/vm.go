package rt

import (
	"log/slog"
	"math/rand/v2"
	"time"

	lua "github.com/yuin/gopher-lua"
)

// Loop is what a VM needs of the event loop that owns it.
type Loop interface {
	// Post runs fn on the loop, after what runs there now. It may be called from any goroutine.
	Post(fn func())
	// After runs fn on the loop after d. Once stop has been called, on the loop, fn never runs.
	After(d time.Duration, fn func()) (stop func())
}

// VMConfig configures a VM. Only Loop is required.
type VMConfig struct {
	Loop       Loop
	Modules    []Module
	Budget     int // instructions a slice; 0 is DefaultBudget
	InitBudget int // instructions of all main chunks together; 0 is DefaultInitBudget
	MaxIdle    int // finished coroutines kept for the next run; 0 is 512
	// Log takes what print writes and what this package has to say, with alternating keys and values. The run is nil
	// while the script loads. The default discards.
	Log func(r *Run, level slog.Level, msg string, attrs ...any)
	// Failed takes the errors for which nobody else waits: of a deferred function, or of a task whose handler is over.
	// The default logs them.
	Failed func(r *Run, err *RunError)
	// Idle, when set, is called when the last run has ended.
	Idle func()
	// Getenv answers os.getenv; it should know only what scripts may see. The default knows nothing.
	Getenv func(name string) (string, bool)
	// Seed seeds math.random. When it is zero the operating system does.
	Seed [2]uint64
	// Env is what VM.Env returns: the state that the bindings keep for this VM.
	Env any
}

// VM is one instance of a program. All methods must be called on the goroutine of its loop.
type VM struct {
	program   *Program
	cfg       VMConfig
	sliceTime time.Duration // of real time, for one slice
	base      *lua.LState   // never runs anything: threads are made from it because it has no context
	root      *lua.LState   // for making values outside of runs
	meter     *meter
	now       scene
	started   time.Time

	idle    []*fiber
	threads []*lua.LState // idle threads of protected calls
	first   *Run          // live runs, oldest first
	last    *Run
	live    int
	closed  bool

	globals    *lua.LTable
	loaded     map[string]lua.LValue // results of require
	errorMeta  *lua.LTable
	types      map[*Type]*lua.LTable
	names      map[*lua.LFunction]string // of bindings, for error messages
	patterns   patternCache
	coroutines brood   // made by the main chunk: live as long as the VM
	passing    passing // an error that comes out of a coroutine
	handling   string  // in the handler of xpcall: the stack of the error

	concat   *lua.LFunction      // the .. operator
	declared map[lua.LValue]bool // globals that may be written
	frozen   bool                // the script has loaded
	random   *rand.PCG           // for math.random
}

// scene is what of the VM belongs to the code that executes at the moment.
type scene struct {
	run     *Run
	fiber   *fiber     // what suspends when the run waits; nil where nothing may wait
	co      *coroutine // the script's coroutine that executes; nil outside of any
	owner   *brood     // of coroutines made now
	phase   Phase
	depth   int // nested protected calls and coroutines
	handler string
}

// gopher-lua keeps an element with a numeric key below this in an array that it fills up to it. Its own limit lets
// t[tonumber(user)] = x allocate a gigabyte for a telephone number of eight digits. Lists longer than this do not work.
const maxArray = 1 << 18

var _ = func() bool {
	lua.MaxArrayIndex = maxArray
	return true
}()

// Threads start small and grow: a default thread is 104 KB, one of these about 4 KB.
var threadOptions = lua.Options{
	RegistrySize:        128,
	RegistryMaxSize:     64 * 1024,
	RegistryGrowStep:    128,
	CallStackSize:       200,
	MinimizeStackMemory: true,
	SkipOpenLibs:        true,
	IncludeGoStackTrace: true,
}

// NewVM makes an instance of p: it runs the main chunk in the Init phase and then freezes the globals. The error is a
// *RunError when the script raised.
func NewVM(p *Program, cfg VMConfig) (*VM, error) {
	if cfg.Budget == 0 {
		cfg.Budget = DefaultBudget
	}
	if cfg.InitBudget == 0 {
		cfg.InitBudget = DefaultInitBudget
	}
	if cfg.MaxIdle == 0 {
		cfg.MaxIdle = 512
	}
	if cfg.Log == nil {
		cfg.Log = func(*Run, slog.Level, string, ...any) {}
	}
	if cfg.Getenv == nil {
		cfg.Getenv = func(string) (string, bool) { return "", false }
	}
	if cfg.Seed == [2]uint64{} {
		cfg.Seed = [2]uint64{rand.Uint64(), rand.Uint64()}
	}
	vm := &VM{
		program:   p,
		cfg:       cfg,
		started:   time.Now(),
		sliceTime: sliceTime,
		loaded:    map[string]lua.LValue{},
		types:     map[*Type]*lua.LTable{},
		names:     map[*lua.LFunction]string{},
		declared:  map[lua.LValue]bool{},
		random:    rand.NewPCG(cfg.Seed[0], cfg.Seed[1]),
	}
	vm.meter = newMeter(vm)
	vm.base = lua.NewState(threadOptions)
	vm.root = vm.newThread()
	vm.globals = vm.root.G.Global
	vm.openSandbox()
	for i := range cfg.Modules {
		vm.openModule(&cfg.Modules[i])
	}

	vm.meter.begin(cfg.InitBudget, 0)
	_, err := vm.call(scene{phase: Init, handler: "main chunk", owner: &vm.coroutines}, vm.chunk(p.main), nil)
	if err != nil {
		vm.Close()
		return nil, err
	}
	vm.freezeGlobals()
	return vm, nil
}

// Program returns what the VM is an instance of.
func (vm *VM) Program() *Program { return vm.program }

// Env returns VMConfig.Env.
func (vm *VM) Env() any { return vm.cfg.Env }

// Loop returns VMConfig.Loop.
func (vm *VM) Loop() Loop { return vm.cfg.Loop }

// State returns a Lua state for making tables, functions and other values outside of a run. Nothing may be called on it.
func (vm *VM) State() *lua.LState { return vm.root }

// Phase returns the phase of the code that executes at the moment, 0 when none does.
func (vm *VM) Phase() Phase { return vm.now.phase }

// Live returns the number of runs that have not ended.
func (vm *VM) Live() int { return vm.live }

// Idle returns the number of coroutines that wait for work.
func (vm *VM) Idle() int { return len(vm.idle) }

// Runs calls fn with each live run, oldest first, until it returns false. fn may unwind or kill the run it gets.
func (vm *VM) Runs(fn func(*Run) bool) {
	for r := vm.first; r != nil; {
		next := r.next // keeps its place in the list when it ends with r
		if !r.over() && !fn(r) {
			return
		}
		r = next
	}
}

// Close kills what still runs and gives back all coroutines; called from within a run, when that has come to its next
// wait or its end.
func (vm *VM) Close() {
	if vm.closed {
		return
	}
	if vm.busy() {
		vm.cfg.Loop.Post(vm.Close)
		return
	}
	vm.closed = true
	for vm.first != nil {
		vm.first.Kill("")
	}
	vm.coroutines.close(vm)
	for _, f := range vm.idle {
		f.stop()
	}
	vm.idle, vm.threads = nil, nil
}

// VMOf returns the VM that L belongs to.
func VMOf(L *lua.LState) *VM {
	return L.Context().(*meter).vm
}

// Current returns the run that executes, or on whose behalf VM.Call was made; nil in the Init phase.
func Current(L *lua.LState) *Run {
	return VMOf(L).now.run
}

func (vm *VM) newThread() *lua.LState {
	// The context is set on the thread and not on its parent: with a context on the parent each new thread would
	// register a child context there.
	thread, _ := vm.base.NewThread()
	thread.SetContext(vm.meter)
	return thread
}

func (vm *VM) log(level slog.Level, msg string, attrs ...any) {
	vm.cfg.Log(vm.now.run, level, msg, attrs...)
}
