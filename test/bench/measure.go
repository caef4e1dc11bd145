//go:build linux

package main

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"github.com/sipscript/sipscript/test/load"
)

const (
	callUsers     = 1000
	registerUsers = 20_000
	window        = 64               // operations kept open in a closed loop: enough that the server never waits
	settle        = 6 * time.Second  // after a load, for the transactions that a server keeps for 5 s
	rest          = 40 * time.Second // before memory is read, for those that RFC 6026 makes a server keep for 32 s
)

// plan says how much is measured.
type plan struct {
	repetitions int
	seconds     int           // one measured run
	warmUp      time.Duration // the load before the first measured run: it touches memory once, which costs a page fault
	contacts    int64
	rest        time.Duration
}

var (
	fullPlan  = plan{repetitions: 5, seconds: 3, warmUp: 3 * time.Second, contacts: 100_000, rest: rest}
	quickPlan = plan{repetitions: 2, seconds: 2, warmUp: time.Second, contacts: 20_000, rest: settle}
)

// bench is one run of the program: the addresses that the generator uses and what has been said so far.
type bench struct {
	plan
	kinds          []kind
	program        string // of ours
	dir            string
	caller, callee netip.AddrPort
	say            func(format string, args ...any)
}

// sample is one measured run against one server.
type sample struct {
	loaded
	Server        string  `json:"server"`
	Offered       float64 `json:"offered,omitempty"` // operations a second in an open loop
	PerOperation  float64 `json:"us_per_operation"`  // CPU of the server during the run, for each that succeeded
	CleanUp       float64 `json:"us_clean_up"`       // CPU of the server since its run before, for each that succeeded: what it had put off
	ServerCore    float64 `json:"server_core"`       // share of its core that the server used
	GeneratorCore float64 `json:"generator_core"`
	OtherCores    float64 `json:"other_cores"` // what other processes of the machine used meanwhile, in cores
	Stolen        float64 `json:"stolen_s"`
}

// contender is a running server and what it had used at the end of its last run.
type contender struct {
	*server
	used float64
}

func (b *bench) config(c *contender, mode load.Mode) load.Config {
	cfg := load.Config{Mode: mode, Target: c.at, Caller: b.caller, Callee: b.callee, Users: callUsers, Duration: time.Duration(b.seconds) * time.Second}
	if mode == load.Register {
		cfg.Users = registerUsers
	}
	return cfg
}

// run loads a server and accounts for its CPU time.
func (b *bench) run(ctx context.Context, c *contender, cfg load.Config) (*sample, error) {
	usedBefore, begun := c.cpu(), time.Now()
	busyBefore, stolenBefore := machineBusy()
	wait, err := startGenerator(ctx, cfg)
	if err != nil {
		return nil, err
	}
	got, err := wait()
	if err != nil {
		return nil, err
	}
	took := time.Since(begun).Seconds()
	used := c.cpu()
	busy, stolen := machineBusy()
	if got.Succeeded == 0 {
		return nil, fmt.Errorf("%s: no %s succeeded: %+v", c.name, cfg.Mode, got.Result)
	}
	s := &sample{loaded: *got, Server: c.name, Offered: cfg.Rate, Stolen: stolen - stolenBefore}
	s.PerOperation = (used - usedBefore) / float64(got.Succeeded) * 1e6
	s.CleanUp = (usedBefore - c.used) / float64(got.Succeeded) * 1e6
	s.ServerCore, s.GeneratorCore = (used-usedBefore)/took, got.CPU/took
	s.OtherCores = max(0, (busy-busyBefore-got.CPU)/took-s.ServerCore)
	c.used = used
	return s, nil
}

// register makes n users known to the server, whose contact is the called side.
func (b *bench) register(ctx context.Context, c *contender, n int64) error {
	cfg := b.config(c, load.Register)
	cfg.Window, cfg.Count, cfg.Users, cfg.Duration = window, n, n, 0
	s, err := b.run(ctx, c, cfg)
	if err != nil {
		return err
	}
	if !s.Clean() {
		return fmt.Errorf("%s: registering %d users: %d failed, %v %s", c.name, n, s.Failed(), s.Codes, s.Example)
	}
	return nil
}

// compare loads the servers in turn, so that what else the machine does falls on all alike. A load after its warm-up begins when the
// servers have settled.
func (b *bench) compare(ctx context.Context, servers []*contender, cfg func(*contender) load.Config) (map[string][]*sample, error) {
	for _, c := range servers {
		warm := cfg(c)
		if warm.Mode != load.Options {
			if err := b.register(ctx, c, warm.Users); err != nil {
				return nil, err
			}
		}
		warm.Duration = b.warmUp
		if _, err := b.run(ctx, c, warm); err != nil {
			return nil, err
		}
	}
	if err := pause(ctx, settle); err != nil {
		return nil, err
	}
	for _, c := range servers {
		c.used = c.cpu() // what the warm-up left behind is nobody's
	}
	samples := map[string][]*sample{}
	for i := range b.repetitions {
		for j := range servers {
			c := servers[(i+j)%len(servers)] // who goes first changes, as the one after finds the caches cold
			s, err := b.run(ctx, c, cfg(c))
			if err != nil {
				return nil, err
			}
			samples[c.name] = append(samples[c.name], s)
			b.say("  %-9s %-8s %7.1f µs  %6.0f/s  p99 %6.0f µs  server %.2f, generator %.2f, others %.2f cores%s",
				c.name, s.Mode, s.PerOperation, s.PerSecond, s.Answer.P99, s.ServerCore, s.GeneratorCore, s.OtherCores, s.complaint())
		}
	}
	return samples, nil
}

// complaint says what was wrong with a run; empty when nothing was.
func (s *sample) complaint() string {
	if s.Clean() {
		return ""
	}
	return fmt.Sprintf("  NOT CLEAN: %d failed (%d timed out, %v), anomalies %v", s.Failed(), s.TimedOut, s.Codes, s.Anomalies)
}

// memory is what a server occupied before and under a load.
type memory struct {
	Server string `json:"server"`
	Before int64  `json:"before_bytes"`
	After  int64  `json:"after_bytes"`
	Per    int64  `json:"bytes_each"`
}

// contactMemory registers many users with fresh servers and reads their memory after a rest, in which the transactions end.
func (b *bench) contactMemory(ctx context.Context) (all []memory, err error) {
	servers, stop, err := b.start(ctx, b.kinds)
	if err != nil {
		return nil, err
	}
	defer stop()
	ready := make([]time.Time, len(servers))
	for i, c := range servers {
		m := memory{Server: c.name}
		if m.Before, err = c.memory(); err != nil {
			return nil, err
		}
		cfg := b.config(c, load.Register)
		cfg.Rate, cfg.Count, cfg.Users, cfg.Duration = 8000, b.contacts, b.contacts, 0
		s, err := b.run(ctx, c, cfg)
		if err != nil {
			return nil, err
		}
		b.say("  %-9s registered %d at %.0f/s, %.1f µs each%s", c.name, s.Succeeded, s.PerSecond, s.PerOperation, s.complaint())
		ready[i] = time.Now().Add(b.rest)
		all = append(all, m)
	}
	for i, c := range servers {
		if err := pause(ctx, time.Until(ready[i])); err != nil {
			return nil, err
		}
		if all[i].After, err = c.memory(); err != nil {
			return nil, err
		}
		all[i].Per = (all[i].After - all[i].Before) / b.contacts
	}
	return all, nil
}

// setupMemory answers calls and leaves them up; what 5 s of them cost is shared out among the calls of 5 s, although a server that keeps
// to RFC 6026 still holds the transactions of all.
func (b *bench) setupMemory(ctx context.Context) (all []memory, err error) {
	const (
		rate  = 1000
		until = 7500 * time.Millisecond
		kept  = 5 * rate
	)
	servers, stop, err := b.start(ctx, b.kinds)
	if err != nil {
		return nil, err
	}
	defer stop()
	for _, c := range servers {
		if err := b.register(ctx, c, callUsers); err != nil {
			return nil, err
		}
		if err := pause(ctx, settle); err != nil {
			return nil, err
		}
		m := memory{Server: c.name}
		if m.Before, err = c.memory(); err != nil {
			return nil, err
		}
		loading, cancel := context.WithCancel(ctx)
		cfg := b.config(c, load.Call)
		cfg.Rate, cfg.Duration, cfg.Hold = rate, 8*time.Second, 30*time.Second
		wait, err := startGenerator(loading, cfg)
		if err != nil {
			cancel()
			return nil, err
		}
		err = pause(ctx, until)
		if err == nil {
			m.After, err = c.memory()
		}
		cancel()
		got, waitErr := wait()
		if err != nil {
			return nil, err
		}
		if waitErr != nil {
			return nil, waitErr
		}
		if n := len(got.Codes) + len(got.Anomalies); n > 0 || got.Answer.Count < kept {
			return nil, fmt.Errorf("%s: calls in set-up: %d answered, failures %v, anomalies %v", c.name, got.Answer.Count, got.Codes, got.Anomalies)
		}
		m.Per = (m.After - m.Before) / kept
		all = append(all, m)
	}
	return all, nil
}

// start runs a server of each kind; the returned function stops them.
func (b *bench) start(ctx context.Context, kinds []kind) (servers []*contender, stop func(), err error) {
	stop = func() {
		for _, c := range servers {
			c.stop()
		}
	}
	for _, k := range kinds {
		s, err := start(ctx, k, b.dir)
		if err != nil {
			stop()
			return nil, nil, err
		}
		servers = append(servers, &contender{server: s})
	}
	return servers, stop, nil
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
