//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/sipscript/sipscript/test/load"
)

// generateCommand is the hidden first argument with which this program starts itself as the generator. A process of its own can be pinned
// as a whole, has no garbage collection running, and its CPU time is known.
const generateCommand = "generate"

// loaded is what the generator process writes to its standard output.
type loaded struct {
	load.Result
	CPU float64 `json:"generator_cpu_s"`
}

// generate reads a load.Config from standard input, runs it and writes the outcome.
func generate() error {
	var cfg load.Config
	if err := json.NewDecoder(os.Stdin).Decode(&cfg); err != nil {
		return fmt.Errorf("generator: reading what to do: %w", err)
	}
	runtime.GOMAXPROCS(1)
	runtime.LockOSThread()
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(4 << 30)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	before := ownCPU()
	result, err := load.Run(ctx, cfg)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(loaded{*result, ownCPU() - before})
}

func ownCPU() float64 {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
}

// startGenerator begins a load; the returned function waits for its end.
func startGenerator(ctx context.Context, cfg load.Config) (wait func() (*loaded, error), err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	todo, err := json.Marshal(cfg)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self, generateCommand)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := startOn(generatorCore, cmd); err != nil {
		return nil, err
	}
	if _, err := in.Write(todo); err != nil {
		return nil, err
	}
	if err := in.Close(); err != nil {
		return nil, err
	}
	return func() (*loaded, error) {
		got := new(loaded)
		decodeErr := json.NewDecoder(out).Decode(got)
		if err := cmd.Wait(); err != nil && decodeErr != nil {
			return nil, fmt.Errorf("generator: %w", err)
		}
		return got, decodeErr
	}, nil
}
