//go:build integration && linux

package integration

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// mediaPorts are those of one server. They lie below the ports that the system gives to whoever asks for any. Another server may have some of them: a relay
// tries another pair then.
type mediaPorts struct{ first, last int }

// pickMediaPorts picks a block of them at random, in which two pairs are enough for each of the calls that are up or were over a moment ago.
func pickMediaPorts() mediaPorts {
	const size, lowest, highest = 2000, 12000, 32000
	first := lowest + size*rand.IntN((highest-lowest)/size)
	return mediaPorts{first, first + size - 1}
}

// openPorts is how many media ports the server holds: the sockets of its process, by their inodes, that the kernel lists at these ports.
func (h *house) openPorts(t *testing.T) (n int) {
	t.Helper()
	own := map[string]bool{}
	folder := fmt.Sprintf("/proc/%d/fd", h.cmd.Process.Pid)
	files, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if target, err := os.Readlink(filepath.Join(folder, file.Name())); err == nil && strings.HasPrefix(target, "socket:[") {
			own[strings.Trim(target, "socket:[]")] = true
		}
	}
	for _, row := range strings.Split(readFile(t, "/proc/net/udp"), "\n") {
		fields := strings.Fields(row)
		if len(fields) < 10 || !own[fields[9]] {
			continue
		}
		_, port, _ := strings.Cut(fields[1], ":")
		if number, err := strconv.ParseInt(port, 16, 32); err == nil && int(number) >= h.ports.first && int(number) <= h.ports.last {
			n++
		}
	}
	return n
}

// house is a server that is a B2BUA and relays media.
type house struct {
	*server
	ports mediaPorts
	calls string // file of call records
}

// startHouse starts a house with a script, whose settings are lines of the part `script` of the config.
func startHouse(t *testing.T, script string, settings ...string) *house {
	t.Helper()
	h := &house{ports: pickMediaPorts(), calls: filepath.Join(t.TempDir(), "calls.json")}
	h.server = start(t, setting{script: script, listen: []string{"udp", "tcp", "tls"}, config: fmt.Sprintf(
		"domains: [example.org]\nmedia: {interfaces: [{address: 127.0.0.1}], ports: %d-%d}\ncdr: {file: %q}\nscript: {%s}\n",
		h.ports.first, h.ports.last, h.calls, strings.Join(settings, ", "))})
	return h
}

// quiet fails the test unless the server holds neither calls nor ports in a moment, and has not complained.
func (h *house) quiet(t *testing.T) {
	t.Helper()
	p := newPhone(t, &h.site, "udp")
	var calls string
	if !eventually(t.Context(), 10*time.Second, func() bool {
		calls = p.exchange(p.request("OPTIONS", "sip:calls@"+h.domain, "probe@"+h.domain)).start
		return calls == "SIP/2.0 200 Calls 0" && h.openPorts(t) == 0
	}) {
		t.Errorf("when all calls are over: %q, and %d ports in use", calls, h.openPorts(t))
	}
	noTrouble(t, h.server)
}

// callRecord is a line of the file of call records.
type callRecord struct {
	ID, From, To, User, Target, Source, Answered, Cause string
	CallIDs                                             []string `json:"call_ids"`
	Duration                                            float64
	Code                                                int
	EndedBy                                             string `json:"ended_by"`
	Media                                               []struct {
		Leg            string
		Received, Sent struct{ Packets, Bytes, Lost uint64 }
		MOS            float64
	}
}

// records returns the first n call records, and fails the test unless there are just so many.
func (h *house) records(t *testing.T, n int) (all []callRecord) {
	t.Helper()
	var lines []string
	eventually(t.Context(), 5*time.Second, func() bool {
		text, err := os.ReadFile(h.calls)
		lines = strings.SplitAfter(string(text), "\n")
		lines = lines[:len(lines)-1] // what follows the last end of a line is not written whole yet
		return err == nil && len(lines) >= n
	})
	if len(lines) != n {
		t.Fatalf("%d call records, want %d:\n%s", len(lines), n, strings.Join(lines, ""))
	}
	for _, line := range lines {
		var r callRecord
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatalf("call record %s: %v", line, err)
		}
		all = append(all, r)
	}
	return all
}

// Hundreds of calls, a hundred a second: each is set up, talks for a moment and ends, has one record, and nothing is left of it.
func TestManyCallsThroughTwoDialogs(t *testing.T) {
	h := startHouse(t, houseScript(t), "at_once: 1000")
	load := sippLoad{scenario: "call", rate: 100, seconds: 4, caller: "alice", callee: "bob"}
	load.begin(t, &h.site).flawless()
	ids := map[string]bool{}
	for _, r := range h.records(t, load.count()) {
		if ids[r.ID] || r.Code != 200 || r.Cause != "answered" || r.EndedBy != "caller" || r.User != "alice" || r.Duration <= 0 || len(r.Media) != 2 {
			t.Fatalf("wrong call record %+v", r)
		}
		ids[r.ID] = true
	}
	h.quiet(t)
}

// The file of call records may be moved away; after SIGHUP the next records go into a new one.
func TestCallRecordsGoOnInANewFile(t *testing.T) {
	h := startHouse(t, houseScript(t))
	p := newPhone(t, &h.site, "udp")
	refused := func() {
		t.Helper()
		if answer := p.exchange(p.request("INVITE", "sip:nobody@"+h.domain, "alice@"+h.domain)); answer.status() != 404 {
			t.Fatalf("a call to nobody got %q", answer.start)
		}
		if r := h.records(t, 1)[0]; r.Code != 404 || r.Cause != "not_found" || r.EndedBy != "" || r.Duration != 0 {
			t.Errorf("call record %+v", r)
		}
	}
	refused()
	if err := os.Rename(h.calls, h.calls+".1"); err != nil {
		t.Fatal(err)
	}
	(&reloader{server: h.server, text: houseScript(t)}).reload(t) // by SIGHUP
	refused()
	noTrouble(t, h.server)
}
