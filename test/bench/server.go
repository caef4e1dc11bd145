//go:build linux

package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

//go:embed route.lua b2bua.lua ivr.lua peer
var scripts embed.FS

// kind is a server that can be measured: its name, and the command that runs it in the foreground on a UDP address of loopback.
type kind struct {
	name    string
	command func(dir string, at netip.AddrPort) *exec.Cmd
}

const (
	ours    = "sipscript"
	theirs  = "kamailio"
	twoLegs = "b2bua"
)

// sipscript is this project's server, given by its program file, with one of the scripts here.
func sipscript(name, program, script string) kind {
	return kind{name, func(dir string, at netip.AddrPort) *exec.Cmd {
		return exec.Command(program, "run", "--listen", "udp:"+at.String(), filepath.Join(dir, script))
	}}
}

// kamailio is the peer: Lua on every request as well, and with the tlsf allocator, as the one it has by default triples the cost of a call.
func kamailio(program string) kind {
	return kind{theirs, func(dir string, at netip.AddrPort) *exec.Cmd {
		const workers, sharedMB, privateMB = "2", "6144", "16"
		return exec.Command(program, "-f", filepath.Join(dir, "peer/kamailio.cfg"), "-A", "ROUTE_LUA="+strconv.Quote(filepath.Join(dir, "peer/route.lua")),
			"-l", "udp:"+at.String(), "-n", workers, "-x", "tlsf", "-X", "tlsf", "-m", sharedMB, "-M", privateMB,
			"-DD", "-E", "-P", filepath.Join(dir, "pid"), "-Y", dir, "-w", dir)
	}}
}

// server is one that runs.
type server struct {
	kind
	at   netip.AddrPort
	dir  string
	cmd  *exec.Cmd
	done chan struct{} // closed when the process has ended
}

// start runs a server in a folder of its own below dir and waits until it answers an OPTIONS.
func start(ctx context.Context, k kind, dir string) (*server, error) {
	s := &server{kind: k, done: make(chan struct{})}
	var err error
	if s.dir, err = os.MkdirTemp(dir, k.name+"-"); err != nil {
		return nil, err
	}
	if err := os.CopyFS(s.dir, scripts); err != nil {
		return nil, err
	}
	if s.at, err = freeAddress(); err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(s.dir, "log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	s.cmd = k.command(s.dir, s.at)
	s.cmd.Stdout, s.cmd.Stderr = log, log
	if err := startOn(serverCore, s.cmd); err != nil {
		return nil, fmt.Errorf("starting %s: %w", k.name, err)
	}
	go func() {
		_ = s.cmd.Wait() // how it ended is in its log
		close(s.done)
	}()
	if err := s.awaitReady(ctx); err != nil {
		s.stop()
		tail, _ := os.ReadFile(log.Name())
		return nil, fmt.Errorf("%s: %w\n%s", k.name, err, tail[max(0, len(tail)-2000):])
	}
	return s, nil
}

func (s *server) awaitReady(ctx context.Context) error {
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
		switch ready, err := answersOptions(s.at); {
		case err != nil:
			return err
		case ready:
			return nil
		}
		select {
		case <-s.done:
			return errors.New("ended before it answered an OPTIONS")
		case <-ctx.Done():
			return ctx.Err()
		default:
		}
	}
	return errors.New("did not answer an OPTIONS with 200 within 20 s")
}

// stop ends the process that start began, and what that has forked.
func (s *server) stop() {
	pids := family(s.cmd.Process.Pid)
	_ = s.cmd.Process.Signal(syscall.SIGTERM) // it may have ended already
	select {
	case <-s.done:
	case <-time.After(10 * time.Second):
		for _, pid := range pids {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		<-s.done
	}
}

func (s *server) cpu() float64 { return cpuTime(family(s.cmd.Process.Pid)) }

func (s *server) memory() (int64, error) { return proportionalMemory(family(s.cmd.Process.Pid)) }

// freeAddress names a UDP port of loopback that was free a moment ago.
func freeAddress() (netip.AddrPort, error) {
	c, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		return netip.AddrPort{}, err
	}
	defer func() { _ = c.Close() }() // nothing is left in it
	return netip.MustParseAddrPort(c.LocalAddr().String()), nil
}

// answersOptions sends one OPTIONS and waits a moment for its 200.
func answersOptions(at netip.AddrPort) (bool, error) {
	c, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(at))
	if err != nil {
		return false, err
	}
	defer func() { _ = c.Close() }() // nothing is left in it
	id := strconv.FormatInt(time.Now().UnixNano(), 36)
	fmt.Fprintf(c, "OPTIONS sip:%s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bK%s;rport\r\nMax-Forwards: 70\r\nFrom: <sip:bench@%[1]s>;tag=%[3]s\r\n"+
		"To: <sip:%[1]s>\r\nCall-ID: %[3]s\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n", at, c.LocalAddr(), id)
	if err := c.SetReadDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
		return false, err
	}
	answer := make([]byte, 4096)
	n, err := c.Read(answer)
	if err != nil {
		time.Sleep(10 * time.Millisecond) // refused at once while nobody listens
		return false, nil
	}
	return string(answer[:min(n, 11)]) == "SIP/2.0 200", nil
}
