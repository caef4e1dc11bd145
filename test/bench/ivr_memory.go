//go:build linux

package main

import (
	"context"
	"fmt"
	"net/netip"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/sipscript/sipscript/test/load"
)

// ivrServer answers calls itself: everything of a call is in its memory, from the INVITE to the parked run of its script.
func ivrServer(program string) kind {
	return kind{ours, func(dir string, at netip.AddrPort) *exec.Cmd {
		return exec.Command(program, "run", "--listen", "udp:"+at.String(), "--media", loopback.String(), filepath.Join(dir, "ivr.lua"))
	}}
}

// ivrMemory holds calls with prompts and digits, and reads the server's memory when the garbage of their set-up is no more and that of their
// prompts has come to its usual height.
func (b *bench) ivrMemory(ctx context.Context) (m memory, err error) {
	const (
		callers = 500
		rate    = 100
		until   = 38 * time.Second
		hold    = 40 * time.Second
	)
	servers, stop, err := b.start(ctx, []kind{ivrServer(b.program)})
	if err != nil {
		return m, err
	}
	defer stop()
	c := servers[0]
	m.Server = c.name
	if m.Before, err = c.memory(); err != nil {
		return m, err
	}
	loading, cancel := context.WithCancel(ctx)
	defer cancel()
	cfg := b.config(c, load.B2BUA)
	cfg.Rate, cfg.Count, cfg.Hold = rate, callers, hold
	cfg.Duration = callers / rate * time.Second
	wait, err := startGenerator(loading, cfg)
	if err != nil {
		return m, err
	}
	if err = pause(ctx, until); err == nil {
		m.After, err = c.memory()
	}
	cancel()
	got, waitErr := wait()
	switch {
	case err != nil:
		return m, err
	case waitErr != nil:
		return m, waitErr
	case len(got.Codes)+len(got.Anomalies) > 0 || got.Answer.Count != callers:
		return m, fmt.Errorf("calls held: %d answered, failures %v, anomalies %v", got.Answer.Count, got.Codes, got.Anomalies)
	}
	m.Per = (m.After - m.Before) / callers
	return m, nil
}
