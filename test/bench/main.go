//go:build linux

// Command bench measures what the server costs: CPU of an operation at a fixed rate and saturated, response times, memory; beside Kamailio with
// the same logic in Lua where that is installed, what its media relay costs beside rtpengine, and calls that it
// answers itself. Server and generator have a core each, the servers are loaded in turn, figures are medians.
//
//	go run ./test/bench            everything, about twelve minutes
//	go run ./test/bench -quick -only call
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/sipscript/sipscript/test/load"
)

func main() {
	if len(os.Args) == 2 {
		switch os.Args[1] {
		case generateCommand:
			exit(generate())
		case relayCommand:
			exit(relayCalls())
		case streamsCommand:
			exit(generateStreams())
		case ivrCommand:
			exit(ivrCalls())
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	exit(run(ctx))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// compared are the modes in which the peer is loaded, too.
var compared = [...]load.Mode{load.Options, load.Register, load.Message, load.Call}

// memoryPart is the part of the benchmark that is no load.Mode.
const memoryPart = "memory"

func run(ctx context.Context) error {
	quick := flag.Bool("quick", false, "shorter and less exact: 2 repetitions of 2 s, 20,000 contacts read after 6 s")
	only := flag.String("only", "options,register,message,call,b2bua,memory,relay,srtp,ivr", "parts to measure, separated by commas")
	repetitions := flag.Int("reps", 0, "measured runs of each server and part (default 5, with -quick 2)")
	program := flag.String("server", "bin/sipscript", "program file of the server")
	peer := flag.String("peer", "kamailio", "program of the peer; empty: measure ours alone")
	asJSON := flag.Bool("json", false, "print every run as JSON instead of the table")
	flag.Parse()
	b := &bench{plan: fullPlan, say: func(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }}
	if *quick {
		b.plan = quickPlan
	}
	if *repetitions > 0 {
		b.repetitions = *repetitions
	}
	parts := strings.Split(*only, ",")
	for _, p := range parts {
		if _, ok := relayParts[p]; !ok && p != memoryPart && p != ivrPart && !slices.Contains(load.Modes[:], load.Mode(p)) {
			return fmt.Errorf("-only %s: there is options, register, message, call, b2bua, memory, relay, srtp and ivr", p)
		}
	}
	if _, err := os.Stat(*program); err != nil {
		return fmt.Errorf("%w (make build makes it, -server names another)", err)
	}
	r := &report{Notes: placement()}
	b.kinds = []kind{sipscript(ours, *program, "route.lua")}
	b.program = *program
	if path, err := exec.LookPath(*peer); err == nil {
		b.kinds = append(b.kinds, kamailio(path))
	} else {
		r.Notes = append(r.Notes, "no peer, so these figures have nothing to be held against: "+err.Error()+" (apt-get install kamailio kamailio-lua-modules)")
	}
	unlock, err := lock()
	if err != nil {
		return err
	}
	defer unlock()
	if b.dir, err = os.MkdirTemp("", "sipscript-bench-"); err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(b.dir) }() // what cannot be removed is in the way of nobody
	if b.caller, err = freeAddress(); err != nil {
		return err
	}
	if b.callee, err = freeAddress(); err != nil {
		return err
	}
	if err := b.measure(ctx, parts, r); err != nil {
		return err
	}
	if *asJSON {
		err = r.writeJSON(os.Stdout)
	} else {
		r.writeTable(os.Stdout)
	}
	if err == nil && !r.sound() {
		err = errors.New("more than one operation of a thousand failed, or a message was wrong: these figures mean nothing")
	}
	return err
}

func (b *bench) measure(ctx context.Context, parts []string, r *report) error {
	if slices.ContainsFunc(parts, func(p string) bool { return slices.Contains(compared[:], load.Mode(p)) }) {
		if err := b.measureLoads(ctx, parts, r); err != nil {
			return err
		}
	}
	if slices.Contains(parts, string(load.B2BUA)) {
		if err := b.measureB2BUA(ctx, r); err != nil {
			return err
		}
	}
	if err := b.measureMedia(ctx, parts, r); err != nil {
		return err
	}
	var err error
	if slices.Contains(parts, ivrPart) {
		b.say("calls that this server speaks on")
		if r.IVR, err = b.measureIVR(ctx); err != nil {
			return err
		}
		b.say("memory of calls that this server answers itself")
		if r.PerIVR, err = b.ivrMemory(ctx); err != nil {
			return err
		}
	}
	if !slices.Contains(parts, memoryPart) {
		return nil
	}
	b.say("memory of %d contacts", b.contacts)
	if r.PerContact, err = b.contactMemory(ctx); err != nil {
		return err
	}
	b.say("memory of calls in set-up")
	r.PerCall, err = b.setupMemory(ctx)
	return err
}

// measureMedia loads the relays, beside rtpengine where that is installed.
func (b *bench) measureMedia(ctx context.Context, parts []string, r *report) error {
	names := []string{ours}
	for _, part := range parts {
		c, ok := relayParts[part]
		if !ok {
			continue
		}
		if r.Relays == nil {
			r.Relays = map[string]map[string][]*relayed{}
			if _, err := exec.LookPath(theirRelay); err == nil {
				names = append(names, theirRelay)
			} else {
				r.Notes = append(r.Notes, "no rtpengine, so the figures of the relay have nothing to be held against: "+err.Error()+" (apt-get install rtpengine-daemon)")
			}
		}
		b.say("relaying %v", c)
		var err error
		if r.Relays[part], err = b.measureRelays(ctx, c, names); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) measureLoads(ctx context.Context, parts []string, r *report) error {
	servers, stop, err := b.start(ctx, b.kinds)
	if err != nil {
		return err
	}
	defer stop()
	if slices.Contains(parts, string(load.Call)) {
		b.say("calls at 1,000 a second")
		r.AtRate, err = b.compare(ctx, servers, func(c *contender) load.Config {
			cfg := b.config(c, load.Call)
			cfg.Rate = 1000
			return cfg
		})
		if err != nil {
			return err
		}
	}
	r.Saturated = map[load.Mode]map[string][]*sample{}
	for _, mode := range compared {
		if !slices.Contains(parts, string(mode)) {
			continue
		}
		b.say("%s saturated", mode)
		r.Saturated[mode], err = b.compare(ctx, servers, func(c *contender) load.Config {
			cfg := b.config(c, mode)
			cfg.Window = window
			return cfg
		})
		if err != nil {
			return err
		}
	}
	calls := median(r.Saturated[load.Call][ours], perSecond)
	if calls == 0 {
		return nil
	}
	b.say("calls at 60 %% of our own saturated rate")
	sixty, err := b.compare(ctx, servers[:1], func(c *contender) load.Config {
		cfg := b.config(c, load.Call)
		cfg.Rate = 0.6 * calls
		return cfg
	})
	r.AtSixty = sixty[ours]
	return err
}

// lock waits until no other benchmark runs on this machine: two at once would measure each other.
func lock() (unlock func(), err error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		dir = os.TempDir()
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(dir, "sip-bench.lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) != nil {
		fmt.Fprintf(os.Stderr, "waiting for another benchmark, which holds %s\n", f.Name())
		if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
			f.Close()
			return nil, fmt.Errorf("locking %s: %w", f.Name(), err)
		}
	}
	return func() { f.Close() }, nil
}
