//go:build integration && linux

package integration

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A thousand versions of the script come and go under load. What a version occupied must go with it: afterwards there are as many goroutines
// as after the first ten, and as much memory.
func TestThousandReloadsUnderLoadLeaveNothingBehind(t *testing.T) {
	if testing.Short() {
		loudSkip(t, "two minutes, left out by -short")
	}
	set := office(t)
	s := start(t, set)
	r := &reloader{server: s, text: set.script}

	calls := sippLoad{scenario: "call", rate: 50, seconds: 5, caller: "alice", callee: "bob"}.begin(t, &s.site)
	for range 10 {
		r.reload(t)
	}
	calls.flawless()
	before := r.atRest(t)

	calls = sippLoad{scenario: "call", rate: 50, seconds: 45, caller: "alice", callee: "bob"}.begin(t, &s.site)
	pace := time.NewTicker(40 * time.Millisecond) // so that the load lasts as long as the reloads
	defer pace.Stop()
	begun := time.Now()
	for range 1000 {
		r.reload(t)
		<-pace.C
	}
	t.Logf("1000 reloads in %s, the load took 45 s", time.Since(begun).Round(time.Second))
	calls.flawless()
	after := r.atRest(t)

	t.Logf("before %+v, after %+v", before, after)
	if after.versions > 2 {
		t.Errorf("%.0f versions of the script are still there, want at most 2", after.versions)
	}
	if after.goroutines > before.goroutines {
		t.Errorf("%.0f goroutines, after ten reloads %.0f", after.goroutines, before.goroutines)
	}
	if after.heap > 1.1*before.heap {
		t.Errorf("heap of %.0f bytes, after ten reloads %.0f", after.heap, before.heap)
	}
	noTrouble(t, s)
}

type reloader struct {
	*server
	text string
	n    int
}

// occupied is what a reloaded line says that the process occupies.
type occupied struct{ versions, goroutines, heap float64 }

// reload puts in a script that differs in a comment and waits until it is live.
func (r *reloader) reload(t *testing.T) occupied {
	t.Helper()
	r.n++
	seen := r.log.len()
	r.replaceScript(t, fmt.Sprintf("%s\n-- version %d\n", r.text, r.n))
	r.signal(t, syscall.SIGHUP) // sooner than the watch of the file, which waits whether more is written
	l := r.log.awaitAfter(t, seen, 10*time.Second, "reloaded line", isReloaded)
	o := occupied{l.number("versions"), l.number("goroutines"), l.number("heap")}
	if o.versions < 0 || o.goroutines < 0 || o.heap < 0 {
		t.Fatalf("the reloaded line lacks versions, goroutines or heap: %s", l.text)
	}
	return o
}

// atRest waits until the transactions of the load are over (RFC 3261 §17: 32 s) and returns the least that is occupied after some more
// reloads, in which the garbage of the load is collected.
func (r *reloader) atRest(t *testing.T) occupied {
	t.Helper()
	time.Sleep(33 * time.Second)
	least := r.reload(t)
	for range 100 { // enough for a collection of the garbage in between
		o := r.reload(t)
		least = occupied{min(least.versions, o.versions), min(least.goroutines, o.goroutines), min(least.heap, o.heap)}
	}
	return least
}

// SIGHUP takes up what has changed in the config as well, which nobody watches.
func TestHangupSignalReloadsScriptAndConfig(t *testing.T) {
	set := setting{
		script: `sip.on("OPTIONS", function(req) req:reply(200, config.greeting) end)`,
		config: "script: {greeting: Hello}\n",
	}
	s := start(t, set)
	p := newPhone(t, &s.site, "udp")
	greeting := func() string {
		return p.exchange(p.request("OPTIONS", "sip:user@"+s.udp, "probe@"+s.udp)).start
	}
	if got := greeting(); got != "SIP/2.0 200 Hello" {
		t.Fatalf("got %q", got)
	}
	writeFile(t, s.config, strings.Replace(readFile(t, s.config), "Hello", "Goodbye", 1))
	s.replaceScript(t, set.script+" -- changed")
	s.signal(t, syscall.SIGHUP)
	if !eventually(t.Context(), 5*time.Second, func() bool { return greeting() == "SIP/2.0 200 Goodbye" }) {
		t.Errorf("after SIGHUP still %q", greeting())
	}
	noTrouble(t, s)
}

// mentionsLine says whether a log line names that line of the file, in its text or by the end of its field at.
func mentionsLine(l line, file string, number int) bool {
	place := fmt.Sprintf("%s:%d", file, number)
	i := strings.Index(l.text, place)
	return i >= 0 && (i+len(place) == len(l.text) || l.text[i+len(place)] < '0' || l.text[i+len(place)] > '9')
}
