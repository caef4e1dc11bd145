// Package lua keeps a script in force while it changes: it loads versions of it, puts the newest before the engine on
// every shard at once, lets the handlers of older ones finish, and gives their memory back.
package lua

import (
	"errors"
	"log/slog"
	"os"
	"runtime"
	"runtime/metrics"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sipscript/sipscript/engine"
	"github.com/sipscript/sipscript/engine/cdr"
	"github.com/sipscript/sipscript/engine/shard"
	"github.com/sipscript/sipscript/lua/api"
	"github.com/sipscript/sipscript/lua/rt"
)

// Config is what a Host is told.
type Config struct {
	Script string         // path of the script
	Engine *engine.Engine // not started yet
	Config map[string]any // what the script reads as config
	Files  rt.Files       // nil: the file system
	Log    *slog.Logger   // nil: discarded
}

// Host is a script in force. It implements engine.Script.
type Host struct {
	cfg   Config
	lanes []*lane

	orders  chan order // to the keeper, which alone changes versions
	quit    chan struct{}
	stop    sync.Once
	keeping sync.WaitGroup

	current   atomic.Pointer[version] // written by the keeper only
	lookEvery time.Duration           // tests have it longer or shorter

	// The keeper's own.
	configured bool     // cfg.Config is not the one that current has read
	last       int      // number of the newest version
	tried      *reading // of the last attempt to load, successful or not
	broken     bool     // it was not
	unwatched  string   // why not all folders are watched, so that it is said once
}

// version is one state of the script's files.
type version struct {
	number  int
	program *rt.Program
	read    *reading
	scripts []*api.Script // by shard
}

// order asks the keeper to load the script.
type order struct {
	config map[string]any // replaces the script's configuration when not nil
	done   chan error
}

// ErrUnchanged says that a reload found nothing new.
var ErrUnchanged = errors.New("the script has not changed")

// NewHost loads the script and makes its first version. What is wrong with it comes back as *rt.LoadError or *rt.RunError.
func NewHost(cfg Config) (*Host, error) {
	if cfg.Files == nil {
		cfg.Files = files{}
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	h := &Host{cfg: cfg, lookEvery: lookEvery, orders: make(chan order), quit: make(chan struct{})}
	v, err := h.load()
	if err != nil {
		return nil, err
	}
	for i, loop := range cfg.Engine.Shards() {
		h.lanes = append(h.lanes, &lane{loop: loop, log: cfg.Log, current: v.scripts[i]})
	}
	h.current.Store(v)
	return h, nil
}

type files struct{}

func (files) ReadFile(path string) ([]byte, error) { return os.ReadFile(path) }

// Check loads the script exactly as a reload does and returns everything that is wrong with it.
func Check(cfg Config) error {
	h, err := NewHost(cfg)
	if err == nil {
		h.Close()
	}
	return err
}

// load compiles the script and makes a VM of it for every shard. It runs off the shards.
func (h *Host) load() (*version, error) {
	h.tried, h.broken = newReading(h.cfg.Files), true
	p, err := rt.Load(h.tried, h.cfg.Script, rt.Names(api.Modules())...)
	if err != nil {
		return nil, err
	}
	if h.inForce(p) {
		h.tried, h.broken = h.current.Load().read, false
		return nil, ErrUnchanged
	}
	v, err := h.provision(p)
	if err != nil {
		return nil, err
	}
	h.broken = false
	return v, nil
}

// inForce reports whether p is what the current version is already, its configuration and the modules that it has
// found only while it ran included.
func (h *Host) inForce(p *rt.Program) bool {
	c := h.current.Load()
	return c != nil && !h.configured && p.Hash() == c.program.Hash() && !c.program.Changed()
}

func (h *Host) provision(p *rt.Program) (*version, error) {
	v := &version{number: h.last + 1, program: p, read: h.tried}
	deps := api.Deps{Engine: h.cfg.Engine, Log: h.cfg.Log, Config: h.cfg.Config, Version: v.number}
	for _, loop := range h.cfg.Engine.Shards() {
		s, err := api.New(p, loop, deps)
		if err != nil {
			v.discard()
			return nil, err
		}
		v.scripts = append(v.scripts, s)
	}
	h.last = v.number
	return v, nil
}

// discard gives back a version that never went live.
func (v *version) discard() {
	for _, s := range v.scripts {
		s.Close()
	}
}

// Handle implements engine.Script. A request is handled by the version that is in force on its shard now, to its end.
func (h *Host) Handle(r *engine.Request) { h.lanes[r.Loop().Index()].current.Handle(r) }

// CallEnded implements engine.CallEnder: the version in force is told.
func (h *Host) CallEnded(loop *shard.Loop, r *cdr.Record) { h.lanes[loop.Index()].current.CallEnded(r) }

// Transfer implements engine.TransferDecider: the version in force decides.
func (h *Host) Transfer(t *engine.Transfer) bool { return h.lanes[t.Loop.Index()].current.Transfer(t) }

var (
	_ engine.CallEnder       = (*Host)(nil)
	_ engine.TransferDecider = (*Host)(nil)
)

// Start brings the first version to life and begins to obey Reload; with watch it also reloads by itself when a file
// of the script changes. The engine has been started.
func (h *Host) Start(watch bool) {
	h.lanes[0].loop.Post(h.lanes[0].current.GoLive)
	h.keeping.Go(func() { h.keep(watch) })
}

// Reload loads the script again and puts it in force if it is different and sound: ErrUnchanged says that it was not
// different; anything else that is wrong leaves the old version in force. config, if not nil, replaces what the script
// reads as config, and then it counts as different.
func (h *Host) Reload(config map[string]any) error {
	o := order{config: config, done: make(chan error, 1)}
	select {
	case h.orders <- o:
		return <-o.done
	case <-h.quit:
		return rt.ErrClosed
	}
}

// Stop ends reloading, while the engine still runs: a reload needs its shards to put a version in force.
func (h *Host) Stop() {
	h.stop.Do(func() { close(h.quit) })
	h.keeping.Wait()
}

// Close ends every version. The engine has been closed, or never started.
func (h *Host) Close() {
	h.Stop()
	for _, l := range h.lanes {
		for _, o := range l.old {
			o.script.Close()
		}
		l.current.Close()
	}
}

// reload is Reload in the keeper.
func (h *Host) reload(config map[string]any) error {
	if config != nil {
		h.cfg.Config, h.configured = config, true
	}
	start := time.Now()
	v, err := h.load()
	if err != nil {
		return err
	}
	h.swap(v)
	h.cfg.Log.Info("reloaded", "version", v.number, "versions", h.thin(), "hash", v.program.Hash()[:12],
		"took", time.Since(start).Round(time.Microsecond).String(), "goroutines", runtime.NumGoroutine(), "heap", heapBytes())
	return nil
}

func heapBytes() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// swap puts v in force on every shard and waits until it is. A request never sees half a version: on its shard the old
// one or the new one handles it.
func (h *Host) swap(v *version) {
	var swapped sync.WaitGroup
	for i, l := range h.lanes {
		swapped.Add(1)
		l.loop.Post(func() {
			l.supersede(v.scripts[i])
			if i == 0 {
				l.current.GoLive()
			}
			swapped.Done()
		})
	}
	h.current.Store(v)
	h.configured = false
	swapped.Wait()
}

// mostVersions may have runs for as long as they like, the newest included.
const mostVersions = 4

// thin retires the oldest versions that are too many, and returns how many there are.
func (h *Host) thin() int {
	held := h.held()
	for _, number := range held[:max(0, len(held)-mostVersions)] {
		for _, l := range h.lanes {
			l.loop.Post(func() { l.end(number) })
		}
	}
	return len(held)
}

// held are the numbers of the versions that hold memory on some shard, oldest first.
func (h *Host) held() []int {
	numbers := make(chan []int, len(h.lanes))
	for _, l := range h.lanes {
		l.loop.Post(func() { numbers <- l.versions() })
	}
	var all []int
	for range h.lanes {
		all = append(all, <-numbers...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}
