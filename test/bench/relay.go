//go:build linux

package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/sipscript/sipscript/engine/media"
	"github.com/sipscript/sipscript/engine/media/description"
	"github.com/sipscript/sipscript/engine/media/ng"
	"github.com/sipscript/sipscript/test/streams"
)

// relayCommand is the hidden first argument with which this program starts itself as our relay: the one of the server, in a process of its own.
const relayCommand = "relay"

// theirRelay is the peer among relays.
const theirRelay = "rtpengine"

// Both relays use ports of this range, one after the other.
const firstPort, lastPort = 30000, 60000

var loopback = netip.AddrFrom4([4]byte{127, 0, 0, 1})

// calls says what a relay is to set up.
type calls struct {
	N      int              `json:"n"`
	Ports  []netip.AddrPort `json:"ports"`  // of the generator: callers have the first half, callees the other
	Secure bool             `json:"secure"` // callers use SRTP
}

// setUp puts calls into a relay, and returns the packets' ways through it: of each call first the caller's.
func setUp(b media.Backend, c calls) ([]streams.Flow, error) {
	flows := make([]streams.Flow, 0, 2*c.N)
	half := len(c.Ports) / 2
	for i := range c.N {
		caller, callee := i%half, half+i%half
		there, back, err := setUpOne(b, fmt.Sprintf("call-%d", i), c.Ports[caller], c.Ports[callee], c.Secure)
		if err != nil {
			return nil, fmt.Errorf("call %d: %w", i, err)
		}
		there.From, there.Into, back.From, back.Into = caller, callee, callee, caller
		flows = append(flows, there, back)
	}
	return flows, nil
}

func setUpOne(b media.Backend, id string, caller, callee netip.AddrPort, secure bool) (there, back streams.Flow, err error) {
	from, err := b.Open(id, nil)
	if err != nil {
		return there, back, err
	}
	to, err := b.Open(id, nil)
	if err != nil {
		return there, back, err
	}
	offer := describe(caller, "RTP/AVP", "")
	if secure {
		there.Seal = make([]byte, 30)
		_, _ = rand.Read(there.Seal) // it does not fail
		offer = describe(caller, "RTP/SAVP", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:"+base64.StdEncoding.EncodeToString(there.Seal)+"\r\n")
	}
	offered, err := pass(b, from, to, media.RoleOffer, offer)
	if err != nil {
		return there, back, err
	}
	b.Connect(from, to)
	answered, err := pass(b, to, from, media.RoleAnswer, describe(callee, "RTP/AVP", ""))
	if err != nil {
		return there, back, err
	}
	if secure {
		if len(answered.Crypto) == 0 {
			return there, back, errors.New("SRTP is not answered")
		}
		back.Open = answered.Crypto[0].Key
	}
	there.To = netip.AddrPortFrom(answered.Address, answered.Port)
	back.To = netip.AddrPortFrom(offered.Address, offered.Port)
	return there, back, nil
}

func describe(at netip.AddrPort, proto, more string) []byte {
	return fmt.Appendf(nil, "v=0\r\no=- 1 1 IN IP4 %[1]s\r\ns=-\r\nc=IN IP4 %[1]s\r\nt=0 0\r\nm=audio %[2]d %[3]s 0\r\na=rtpmap:0 PCMU/8000\r\n%[4]s",
		at.Addr(), at.Port(), proto, more)
}

// pass takes a description to the other leg, and returns the one m-line that leaves there.
func pass(b media.Backend, from, to media.Terminal, role media.Role, sdp []byte) (*description.Media, error) {
	type outcome struct {
		sdp []byte
		err error
	}
	done := make(chan outcome, 1)
	o := media.Options{Suites: []description.Suite{description.AES128SHA80}}
	if role == media.RoleOffer {
		o.SRTP = description.SRTPOff // callees have RTP
	}
	b.Pass(from, to, role, sdp, o, func(sdp []byte, err error) { done <- outcome{sdp, err} })
	got := <-done
	if got.err != nil {
		return nil, got.err
	}
	d, err := description.Parse(got.sdp)
	if err != nil {
		return nil, err
	}
	if len(d.Media) != 1 {
		return nil, fmt.Errorf("%d m-lines", len(d.Media))
	}
	return &d.Media[0], nil
}

// relayCalls is our relay: it reads what to set up, writes the ways through it, and relays until its standard input ends.
func relayCalls() error {
	const threads = 1
	runtime.GOMAXPROCS(runtime.NumCPU() + threads) // as the server does it
	r, err := media.New(media.Config{Interfaces: []media.Interface{{Address: loopback}}, Ports: media.Ports{First: firstPort, Last: lastPort}, Threads: threads})
	if err != nil {
		return err
	}
	defer r.Stop()
	in := json.NewDecoder(os.Stdin)
	var c calls
	if err := in.Decode(&c); err != nil {
		return fmt.Errorf("relay: reading what to do: %w", err)
	}
	flows, err := setUp(r, c)
	if err != nil {
		return fmt.Errorf("relay: %w", err)
	}
	if err := json.NewEncoder(os.Stdout).Encode(flows); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// relay is one that runs.
type relay struct {
	name string
	cmd  *exec.Cmd
	in   io.WriteCloser // ours
	out  *json.Decoder  // ours
	farm *ng.Farm       // theirs
}

// startRelay runs the relay of that name.
func startRelay(ctx context.Context, name, dir string) (*relay, error) {
	if name == ours {
		return startOurs(ctx)
	}
	return startTheirs(ctx, dir)
}

func startOurs(ctx context.Context) (*relay, error) { return startSelf(ctx, relayCommand) }

// startTheirs runs rtpengine in user space, with one thread as ours.
func startTheirs(ctx context.Context, dir string) (*relay, error) {
	at, err := freeAddress()
	if err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(dir, "rtpengine.log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	r := &relay{name: theirRelay, cmd: exec.CommandContext(ctx, theirRelay, "--table=-1", "--interface="+loopback.String(), "--listen-ng="+at.String(), "--foreground",
		"--log-stderr", "--log-level=3", fmt.Sprintf("--port-min=%d", firstPort), fmt.Sprintf("--port-max=%d", lastPort), "--num-threads=1",
		"--pidfile="+filepath.Join(dir, "rtpengine.pid"))}
	r.cmd.Stdout, r.cmd.Stderr = log, log
	if err := startOn(serverCore, r.cmd); err != nil {
		return nil, err
	}
	// Its commands are sent again until it listens.
	if r.farm, err = ng.New(ng.Config{Nodes: []ng.Node{{Address: at}}, Tries: 6, Probe: time.Hour}); err != nil {
		r.stop()
		return nil, err
	}
	return r, pause(ctx, time.Second)
}

// setUp puts calls into the relay.
func (r *relay) setUp(c calls) (flows []streams.Flow, err error) {
	if r.farm != nil {
		return setUp(r.farm, c)
	}
	if err := json.NewEncoder(r.in).Encode(c); err != nil {
		return nil, err
	}
	if err := r.out.Decode(&flows); err != nil {
		return nil, fmt.Errorf("our relay: %w", err)
	}
	return flows, nil
}

func (r *relay) stop() {
	if r.farm != nil {
		r.farm.Shutdown()
	}
	if r.in != nil {
		_ = r.in.Close()
	} else {
		_ = r.cmd.Process.Signal(os.Interrupt)
	}
	_ = r.cmd.Wait() // how it ended is nobody's concern
}

func (r *relay) cpu() float64           { return cpuTime(family(r.cmd.Process.Pid)) }
func (r *relay) memory() (int64, error) { return proportionalMemory(family(r.cmd.Process.Pid)) }

// relayParts are the parts of the benchmark that load relays: how many calls, and whether their callers use SRTP.
var relayParts = map[string]calls{
	"relay": {N: 1000},
	"srtp":  {N: 600, Secure: true},
}

func (c calls) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d calls, ", c.N)
	if c.Secure {
		b.WriteString("SRTP to RTP")
	} else {
		b.WriteString("RTP")
	}
	return b.String()
}
