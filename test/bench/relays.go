//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/sipscript/sipscript/test/streams"
)

// relayed is one measured run of a relay.
type relayed struct {
	streamed
	Server     string  `json:"server"`
	PerPacket  float64 `json:"us_per_packet"` // CPU of the relay for each packet that came through
	PerCall    int64   `json:"bytes_per_call"`
	ServerCore float64 `json:"server_core"`
	OtherCores float64 `json:"other_cores"`
	Stolen     float64 `json:"stolen_s"`
}

// measureRelays loads the relays in turn, each time a fresh one.
func (b *bench) measureRelays(ctx context.Context, c calls, names []string) (map[string][]*relayed, error) {
	all := map[string][]*relayed{}
	for i := range b.repetitions {
		for j := range names {
			name := names[(i+j)%len(names)]
			s, err := b.relayOnce(ctx, name, c)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			all[name] = append(all[name], s)
			b.say("  %-9s %7.2f µs a packet  %6.0f/s  p50 %4.0f, p99 %5.0f µs  lost %d, wrong %d  relay %.2f, generator %.2f, others %.2f cores",
				name, s.PerPacket, s.PerSecond, s.Latency.P50, s.Latency.P99, s.Lost, s.Wrong, s.ServerCore, s.CPU/(s.Seconds+b.warmUp.Seconds()), s.OtherCores)
		}
	}
	return all, nil
}

func (b *bench) relayOnce(ctx context.Context, name string, c calls) (*relayed, error) {
	g, err := startStreams(ctx)
	if err != nil {
		return nil, err
	}
	defer g.stop()
	r, err := startRelay(ctx, name, b.dir)
	if err != nil {
		return nil, err
	}
	defer r.stop()
	before, err := r.memory()
	if err != nil {
		return nil, err
	}
	c.Ports = g.ports
	flows, err := r.setUp(c)
	if err != nil {
		return nil, err
	}
	s := &relayed{Server: name}
	var used, busy, stolen [2]float64
	at := 0
	got, err := g.run(ctx, streams.Config{Flows: flows, WarmUp: b.warmUp, Duration: time.Duration(b.seconds) * time.Second}, func() {
		used[at] = r.cpu()
		busy[at], stolen[at] = machineBusy()
		at++
	})
	if err != nil {
		return nil, err
	}
	after, err := r.memory()
	if err != nil {
		return nil, err
	}
	if got.Received == 0 {
		return nil, fmt.Errorf("nothing came through: %+v", got.Result)
	}
	s.streamed = *got
	s.PerPacket = (used[1] - used[0]) / float64(got.Received) * 1e6
	s.PerCall = (after - before) / int64(c.N)
	s.ServerCore = (used[1] - used[0]) / got.Seconds
	s.OtherCores = max(0, (busy[1]-busy[0])/got.Seconds-s.ServerCore-got.CPU/(got.Seconds+b.warmUp.Seconds()))
	s.Stolen = stolen[1] - stolen[0]
	return s, nil
}

func middle(samples []*relayed, of func(*relayed) float64) float64 {
	values := make([]float64, len(samples))
	for i, s := range samples {
		values[i] = of(s)
	}
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	return values[(len(values)-1)/2]
}

// relayRows are the lines of the table, each the median of the runs.
var relayRows = []struct {
	name, format string
	of           func(*relayed) float64
}{
	{"CPU, µs a packet", "%.2f", func(s *relayed) float64 { return s.PerPacket }},
	{"latency p50, µs", "%.0f", func(s *relayed) float64 { return s.Latency.P50 }},
	{"latency p99, µs", "%.0f", func(s *relayed) float64 { return s.Latency.P99 }},
	{"packets lost", "%.0f", func(s *relayed) float64 { return float64(s.Lost) }},
	{"memory, bytes a call", "%.0f", func(s *relayed) float64 { return float64(s.PerCall) }},
}

func writeRelays(w io.Writer, part string, servers map[string][]*relayed) {
	fmt.Fprintf(w, "\nRelaying %v: medians\n\n%-24s %24s %24s %7s\n", relayParts[part], "", ours, theirRelay, "ratio")
	for _, row := range relayRows {
		a, b := middle(servers[ours], row.of), middle(servers[theirRelay], row.of)
		theirs := "-"
		if len(servers[theirRelay]) > 0 {
			theirs = fmt.Sprintf(row.format, b)
		}
		fmt.Fprintf(w, "%-24s %24s %24s %7s\n", row.name, fmt.Sprintf(row.format, a), theirs, ratio(a, b))
	}
}

// relaysSound says that of what our relay was sent nothing was wrong, and no more than one of a thousand was lost.
func relaysSound(parts map[string]map[string][]*relayed) bool {
	for _, servers := range parts {
		if slices.ContainsFunc(servers[ours], func(s *relayed) bool { return s.Wrong > 0 || s.Lost*1000 > s.Sent }) {
			return false
		}
	}
	return true
}
