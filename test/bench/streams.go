//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/sipscript/sipscript/test/streams"
)

// streamsCommand is the hidden first argument with which this program starts itself as the generator of media.
const streamsCommand = "streams"

// sockets is how many the generator has: shared by many calls, they cost it little, and the relay still has its own for each leg.
const sockets = 16

// streamed is what the generator of media writes when it has ended.
type streamed struct {
	streams.Result
	CPU float64 `json:"generator_cpu_s"`
}

// generateStreams writes the addresses of its sockets, reads what to send, and writes the outcome.
func generateStreams() error {
	runtime.GOMAXPROCS(1)
	runtime.LockOSThread()
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(4 << 30)
	g, err := streams.Open(loopback, sockets)
	if err != nil {
		return err
	}
	defer g.Close()
	out := json.NewEncoder(os.Stdout)
	if err := out.Encode(g.Addresses()); err != nil {
		return err
	}
	var c streams.Config
	if err := json.NewDecoder(os.Stdin).Decode(&c); err != nil {
		return fmt.Errorf("generator: reading what to send: %w", err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	before := ownCPU()
	result, err := g.Run(ctx, c)
	if err != nil {
		return err
	}
	return out.Encode(streamed{*result, ownCPU() - before})
}

// generator of media, in its own process.
type generator struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	out   *json.Decoder
	ports []netip.AddrPort
}

func startStreams(ctx context.Context) (*generator, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	g := &generator{cmd: exec.CommandContext(ctx, self, streamsCommand)}
	g.cmd.Cancel = func() error { return g.cmd.Process.Signal(syscall.SIGTERM) }
	g.cmd.WaitDelay = 10 * time.Second
	g.cmd.Stderr = os.Stderr
	if g.in, err = g.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := g.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	g.out = json.NewDecoder(out)
	if err := startOn(generatorCore, g.cmd); err != nil {
		return nil, err
	}
	if err := g.out.Decode(&g.ports); err != nil {
		return nil, fmt.Errorf("generator: %w", err)
	}
	return g, nil
}

// run sends, and calls counting when what counts begins and again when it ends.
func (g *generator) run(ctx context.Context, c streams.Config, counting func()) (*streamed, error) {
	if err := json.NewEncoder(g.in).Encode(c); err != nil {
		return nil, err
	}
	for _, d := range []time.Duration{c.WarmUp, c.Duration} {
		if err := pause(ctx, d); err != nil {
			return nil, err
		}
		counting()
	}
	got := new(streamed)
	if err := g.out.Decode(got); err != nil {
		return nil, fmt.Errorf("generator: %w", err)
	}
	return got, nil
}

// stop ends the process, which may have ended.
func (g *generator) stop() {
	_ = g.in.Close()
	_ = g.cmd.Process.Signal(syscall.SIGTERM)
	_ = g.cmd.Wait()
}
