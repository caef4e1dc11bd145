//go:build linux

package main

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/sipscript/sipscript/test/load"
)

// costing makes samples that differ in their cost.
func costing(server string, us ...float64) (all []*sample) {
	for _, v := range us {
		s := &sample{Server: server, PerOperation: v, CleanUp: 10}
		s.Mode, s.Started, s.Succeeded, s.PerSecond, s.Answer.P99 = load.Call, 1000, 1000, 1e6/v, 4*v
		all = append(all, s)
	}
	return all
}

func TestTableHoldsMediansAgainstEachOther(t *testing.T) {
	t.Parallel()
	r := &report{
		AtRate:     map[string][]*sample{ours: costing(ours, 120, 90, 100, 80, 500), theirs: costing(theirs, 210, 200, 190)},
		Saturated:  map[load.Mode]map[string][]*sample{load.Call: {ours: costing(ours, 50), theirs: costing(theirs, 100)}},
		PerContact: []memory{{Server: ours, Per: 1500}, {Server: theirs, Per: 1000}},
	}
	var table bytes.Buffer
	r.writeTable(&table)
	var rows []string
	for line := range strings.Lines(table.String()) {
		rows = append(rows, strings.Join(strings.Fields(line), " "))
	}
	for _, want := range []string{
		"call at 1,000/s 100.0 (80.0 to 500.0) 200.0 (190.0 to 210.0) 0.50 0.52",
		"call saturated 50.0 (50.0 to 50.0) 100.0 (100.0 to 100.0) 0.50 0.55",
		"call 20000 10000 2.00",
		"registered contact 1500 1000 1.50",
	} {
		if !slices.Contains(rows, want) {
			t.Errorf("no row %q in\n%s", want, table.String())
		}
	}
}

func TestTableOfOursAloneHasNoRatio(t *testing.T) {
	t.Parallel()
	r := &report{Notes: []string{"no peer"}, AtRate: map[string][]*sample{ours: costing(ours, 100)}}
	var table bytes.Buffer
	r.writeTable(&table)
	if text := strings.Join(strings.Fields(table.String()), " "); !strings.Contains(text, "NOTE: no peer") || !strings.Contains(text, "call at 1,000/s 100.0 (100.0 to 100.0) - - -") {
		t.Errorf("table\n%s", table.String())
	}
}

func TestFailuresSpoilAReport(t *testing.T) {
	t.Parallel()
	r := &report{AtRate: map[string][]*sample{ours: costing(ours, 100, 100)}}
	if !r.sound() {
		t.Error("a clean report is not sound")
	}
	r.AtRate[ours][1].Succeeded -= 2
	if r.sound() {
		t.Error("2 failures of 1,000 are sound")
	}
	r.AtRate[ours][1].Succeeded += 2
	r.AtRate[ours][0].Anomalies = map[string]int64{"callee: Route left in": 1}
	if r.sound() {
		t.Error("a wrong message is sound")
	}
}

func TestOwnProcessIsAccountedFor(t *testing.T) {
	t.Parallel()
	self := os.Getpid()
	if pids := family(self); pids[0] != self {
		t.Errorf("family %v does not begin with %d", pids, self)
	}
	before := cpuTime([]int{self})
	sum := 0
	for i := range 50_000_000 {
		sum += i
	}
	if after := cpuTime([]int{self}); after <= before || sum == 0 {
		t.Errorf("CPU time %v, later %v", before, after)
	}
	if bytes, err := proportionalMemory([]int{self}); err != nil || bytes < 1<<20 {
		t.Errorf("memory %d, %v", bytes, err)
	}
	if busy, _ := machineBusy(); busy <= 0 {
		t.Errorf("the machine has worked %v s", busy)
	}
}

func TestRelaysAreHeldAgainstEachOther(t *testing.T) {
	t.Parallel()
	costing := func(us ...float64) (all []*relayed) {
		for _, v := range us {
			s := &relayed{PerPacket: v, PerCall: int64(1000 * v)}
			s.Sent, s.Received, s.Latency.P99 = 1000, 1000, 100*v
			all = append(all, s)
		}
		return all
	}
	r := &report{Relays: map[string]map[string][]*relayed{"relay": {ours: costing(5, 4, 9), theirRelay: costing(10, 8, 30)}}}
	var table bytes.Buffer
	r.writeTable(&table)
	for _, want := range []string{"CPU, µs a packet 5.00 10.00 0.50", "latency p99, µs 500 1000 0.50", "memory, bytes a call 5000 10000 0.50"} {
		if !strings.Contains(strings.Join(strings.Fields(table.String()), " "), want) {
			t.Errorf("no %q in\n%s", want, table.String())
		}
	}
	if !r.sound() {
		t.Error("sound runs are not sound")
	}
	r.Relays["relay"][ours][1].Lost = 2
	if r.sound() {
		t.Error("two of a thousand lost are sound")
	}
}
