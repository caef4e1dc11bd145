//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"time"

	"github.com/sipscript/sipscript/engine/audio"
	"github.com/sipscript/sipscript/engine/media"
	"github.com/sipscript/sipscript/engine/media/description"
	"github.com/sipscript/sipscript/test/streams"
)

// ivrCommand is the hidden first argument with which this program starts itself as the media of an IVR.
const ivrCommand = "ivr"

// ivrPart is the part of the benchmark in which this server speaks itself.
const ivrPart = "ivr"

// scene is what the calls of an IVR are doing, all of them the same. The peer of each sends a packet each 20 ms, as phones do.
type scene struct {
	Name  string           `json:"name"`
	N     int              `json:"n"`
	Ports []netip.AddrPort `json:"ports"` // of the generator
}

// The scenes: a relayed call is what the others are held against.
var scenes = []scene{
	{Name: "relayed", N: 500},
	{Name: "play, gather", N: 500},
	{Name: "record", N: 500},
	{Name: "conference", N: 100},
}

// staged is one measured run of a scene.
type staged struct {
	Scene      string  `json:"scene"`
	Calls      int     `json:"calls"`
	PerCall    float64 `json:"us_per_call_second"` // CPU of the server for a second of a call
	Core       float64 `json:"server_core"`
	Bytes      int64   `json:"bytes_per_call"`
	Frames     uint64  `json:"frames"`
	P50        float64 `json:"late_p50_ms"` // how much later than on their grid frames have left
	P99        float64 `json:"late_p99_ms"`
	P999       float64 `json:"late_p999_ms"`
	OtherCores float64 `json:"other_cores"`
}

// punctual is what the server tells of its frames since it was last asked.
type punctual struct {
	Frames         uint64
	P50, P99, P999 time.Duration
}

// ivrCalls is the server: it reads the scene, writes where its peers send, and then for each line that it reads how punctual its frames were.
func ivrCalls() error {
	const threads = 1
	runtime.GOMAXPROCS(runtime.NumCPU() + threads) // as the server does it
	r, err := media.New(media.Config{Interfaces: []media.Interface{{Address: loopback}}, Ports: media.Ports{First: firstPort, Last: lastPort}, Threads: threads})
	if err != nil {
		return err
	}
	defer r.Stop()
	in, out := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	var s scene
	if err := in.Decode(&s); err != nil {
		return fmt.Errorf("ivr: reading what to do: %w", err)
	}
	flows, err := s.stage(r)
	if err != nil {
		return fmt.Errorf("ivr: %w", err)
	}
	if err := out.Encode(flows); err != nil {
		return err
	}
	for last := r.Punctuality(); ; {
		var ask string
		if err := in.Decode(&ask); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		now := r.Punctuality()
		since := now.Since(last)
		if err := out.Encode(punctual{since.Frames, since.Quantile(0.5), since.Quantile(0.99), since.Quantile(0.999)}); err != nil {
			return err
		}
		last = now
	}
}

// stage sets the calls of the scene up.
func (s *scene) stage(r *media.Relay) ([]streams.Flow, error) {
	if s.Name == "relayed" {
		return setUp(r, calls{N: s.N, Ports: s.Ports})
	}
	prompt := &audio.Clip{Rate: 8000, Samples: make([]int16, 10*8000)}
	for i := range prompt.Samples {
		prompt.Samples[i] = int16(8000 * math.Sin(float64(i)/3))
	}
	room := media.NewRoom("room")
	flows := make([]streams.Flow, s.N)
	for i := range flows {
		t, err := r.Open(fmt.Sprintf("call-%d", i), nil)
		if err != nil {
			return nil, err
		}
		at := i % len(s.Ports)
		if flows[i], err = answered(r, t, s.Ports[at]); err != nil {
			return nil, err
		}
		flows[i].From, flows[i].Into = at, at
		v, err := r.Voice(t)
		if err != nil {
			return nil, err
		}
		switch s.Name {
		case "play, gather":
			v.Digits(func(media.Digit) {})
			v.Play(&again{clip: prompt, at: 160 * i}, nil)
		case "record":
			v.Listen(&tape{})
		case "conference":
			if _, err := room.Join(v); err != nil {
				return nil, err
			}
		}
	}
	return flows, nil
}

// answered has a peer call, who sends from and to a port of the generator.
func answered(r *media.Relay, t media.Terminal, at netip.AddrPort) (f streams.Flow, err error) {
	events := "a=rtpmap:101 telephone-event/8000\r\n"
	offer := fmt.Appendf(nil, "v=0\r\no=- 1 1 IN IP4 %[1]s\r\ns=-\r\nc=IN IP4 %[1]s\r\nt=0 0\r\nm=audio %[2]d RTP/AVP 0 101\r\n%[3]s", at.Addr(), at.Port(), events)
	r.Answer(t, offer, media.Options{}, func(sdp []byte, e error) {
		if err = e; err != nil {
			return
		}
		d, e := description.Parse(sdp)
		if err = e; err == nil {
			f.To = netip.AddrPortFrom(d.Media[0].Address, d.Media[0].Port)
		}
	})
	return f, err
}

// again is a prompt that is played for ever, one clip shared by all.
type again struct {
	clip *audio.Clip
	at   int
}

func (a *again) Read(frame []int16, _ int) int {
	for i := range frame {
		frame[i] = a.clip.Samples[(a.at+i)%len(a.clip.Samples)]
	}
	a.at += len(frame)
	return len(frame)
}

// tape is what a recording keeps between two writes of its file.
type tape struct {
	samples [8000]int16
	at      int
}

func (t *tape) Write(frame []int16, _ int) {
	if t.at+len(frame) > len(t.samples) {
		t.at = 0
	}
	t.at += copy(t.samples[t.at:], frame)
}

// measureIVR runs each scene as often as everything else is run, each time in a fresh server.
func (b *bench) measureIVR(ctx context.Context) (map[string][]*staged, error) {
	all := map[string][]*staged{}
	for range b.repetitions {
		for _, s := range scenes {
			got, err := b.stageOnce(ctx, s)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", s.Name, err)
			}
			all[s.Name] = append(all[s.Name], got)
			b.say("  %-13s %4d calls  %6.0f µs a second of a call  %.2f cores, others %.2f  %6d bytes a call  late p99 %.2f, p99.9 %.2f ms of %d frames",
				s.Name, s.N, got.PerCall, got.Core, got.OtherCores, got.Bytes, got.P99, got.P999, got.Frames)
		}
	}
	return all, nil
}

func (b *bench) stageOnce(ctx context.Context, s scene) (*staged, error) {
	g, err := startStreams(ctx)
	if err != nil {
		return nil, err
	}
	defer g.stop()
	r, err := startSelf(ctx, ivrCommand)
	if err != nil {
		return nil, err
	}
	defer r.stop()
	before, err := r.memory()
	if err != nil {
		return nil, err
	}
	s.Ports = g.ports
	flows, err := r.perform(s)
	if err != nil {
		return nil, err
	}
	var used, busy [2]float64
	at := 0
	var late punctual
	var asked error
	ran, err := g.run(ctx, streams.Config{Flows: flows, WarmUp: b.warmUp, Duration: time.Duration(b.seconds) * time.Second}, func() {
		used[at] = r.cpu()
		busy[at], _ = machineBusy()
		at++
		asked = errors.Join(asked, json.NewEncoder(r.in).Encode("now"), r.out.Decode(&late))
	})
	if err = errors.Join(err, asked); err != nil {
		return nil, err
	}
	after, err := r.memory()
	if err != nil {
		return nil, err
	}
	cpu := used[1] - used[0]
	ms := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
	return &staged{
		Scene: s.Name, Calls: s.N, PerCall: cpu / ran.Seconds / float64(s.N) * 1e6, Core: cpu / ran.Seconds, Bytes: (after - before) / int64(s.N),
		Frames: late.Frames, P50: ms(late.P50), P99: ms(late.P99), P999: ms(late.P999),
		OtherCores: max(0, (busy[1]-busy[0]-cpu)/ran.Seconds-ran.CPU/(ran.Seconds+b.warmUp.Seconds())),
	}, nil
}

// startSelf runs this program as a server.
func startSelf(ctx context.Context, command string) (*relay, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	r := &relay{name: ours, cmd: exec.CommandContext(ctx, self, command)}
	r.cmd.Stderr = os.Stderr
	if r.in, err = r.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := r.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	r.out = json.NewDecoder(out)
	return r, startOn(serverCore, r.cmd)
}

// perform has the server set a scene up.
func (r *relay) perform(s scene) (flows []streams.Flow, err error) {
	if err := json.NewEncoder(r.in).Encode(s); err != nil {
		return nil, err
	}
	if err := r.out.Decode(&flows); err != nil {
		return nil, fmt.Errorf("the server: %w", err)
	}
	return flows, nil
}

// writeIVR prints the medians of each scene, and what a whole call takes.
func writeIVR(w io.Writer, all map[string][]*staged, whole memory) {
	if len(all) == 0 {
		return
	}
	fmt.Fprintf(w, "\nMedia of calls on one core, medians (late: behind the grid of 20 ms)\n\n%-14s %6s %16s %8s %14s %10s %10s %10s\n",
		"", "calls", "µs a call and s", "core", "bytes a call", "late p50", "p99", "p99.9 ms")
	for _, s := range scenes {
		runs := all[s.Name]
		of := func(of func(*staged) float64) float64 { return medianOf(runs, of) }
		if len(runs) == 0 {
			continue
		}
		fmt.Fprintf(w, "%-14s %6d %16.0f %8.2f %14.0f %10.2f %10.2f %10.2f\n", s.Name, s.N, of(func(s *staged) float64 { return s.PerCall }),
			of(func(s *staged) float64 { return s.Core }), of(func(s *staged) float64 { return float64(s.Bytes) }),
			of(func(s *staged) float64 { return s.P50 }), of(func(s *staged) float64 { return s.P99 }), of(func(s *staged) float64 { return s.P999 }))
	}
	fmt.Fprintf(w, "\nMemory (PSS) of a call that is played to, with its signalling and the parked run of its script: %.1f KB\n", float64(whole.Per)/1024)
}

// medianOf is the middle value, the lower one of two.
func medianOf(runs []*staged, of func(*staged) float64) float64 {
	values := make([]float64, len(runs))
	for i, r := range runs {
		values[i] = of(r)
	}
	slices.Sort(values)
	return values[(len(values)-1)/2]
}

// ivrSound says that frames were as punctual as a call needs them, in most runs: what else the machine does may spoil one.
func ivrSound(all map[string][]*staged) bool {
	for _, runs := range all {
		if runs[0].Frames < 1000 { // reports, and no frames
			continue
		}
		if medianOf(runs, func(s *staged) float64 { return s.P99 }) > 5 || medianOf(runs, func(s *staged) float64 { return s.P999 }) > 20 {
			return false
		}
	}
	return true
}
