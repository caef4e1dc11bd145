//go:build linux

package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// The server has a core of its own and the generator another, so that neither pays for the other.
const (
	serverCore    = 0
	generatorCore = 1
	urgent        = -20 // nice value: goes before whatever else this machine is doing
)

// startOn starts cmd on one core, ahead of other processes where that is allowed. A process inherits both from the thread that starts it,
// so this needs neither taskset nor nice, and what a server forks later is pinned as well.
func startOn(core int, cmd *exec.Cmd) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before, pinned unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return fmt.Errorf("reading the CPU affinity: %w", err)
	}
	if pinned.Set(core); before.IsSet(core) && before.Count() > 1 {
		if err := unix.SchedSetaffinity(0, &pinned); err != nil {
			return fmt.Errorf("pinning to core %d: %w", core, err)
		}
		defer func() { _ = unix.SchedSetaffinity(0, &before) }() // what was allowed before is allowed again
	}
	if unix.Setpriority(unix.PRIO_PROCESS, 0, urgent) == nil {
		defer func() { _ = unix.Setpriority(unix.PRIO_PROCESS, 0, 0) }() // lowering one's own priority cannot be refused
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return err
	}
	// Where the kernel groups processes by session, a nice value counts only within the session, and the session has one of its own.
	_ = os.WriteFile(fmt.Sprintf("/proc/%d/autogroup", cmd.Process.Pid), []byte(strconv.Itoa(urgent)), 0) // not there, or not allowed: nice must do
	return nil
}

// placement says what startOn cannot do here; empty when it can do all.
func placement() (shortcomings []string) {
	var cores unix.CPUSet
	if err := unix.SchedGetaffinity(0, &cores); err != nil || !cores.IsSet(serverCore) || !cores.IsSet(generatorCore) {
		shortcomings = append(shortcomings, "server and generator share their cores with everything else: cores 0 and 1 are not both granted to this process")
	}
	if unix.Geteuid() != 0 {
		shortcomings = append(shortcomings, "other processes get in between: only root may start server and generator with a nice value of -20")
	}
	return shortcomings
}
