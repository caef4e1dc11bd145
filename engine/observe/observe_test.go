package observe

import (
	"bytes"
	"errors"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"
	"unsafe"
)

// textLog returns a logger at level and what it has written, without time stamps.
func textLog(level slog.Level) (*slog.Logger, *bytes.Buffer) {
	var out bytes.Buffer
	dropTime := func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}
	return slog.New(Redact(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: level, ReplaceAttr: dropTime}))), &out
}

// clock is a shard's timers in miniature: fn runs on the goroutine that advances the time.
type clock struct {
	now   time.Duration
	due   time.Duration
	armed func()
}

func (c *clock) after(d time.Duration, fn func()) { c.due, c.armed = c.now+d, fn }

func (c *clock) advance(d time.Duration) {
	for c.now += d; c.due <= c.now; {
		c.armed()
	}
}

func malformed(what string) Event {
	return Event{Kind: "malformed", Source: netip.MustParseAddrPort("192.0.2.7:5060"), Err: errors.New(what)}
}

func TestFloodIsOneLinePerKindAndInterval(t *testing.T) {
	t.Parallel()
	var clock clock
	log, out := textLog(slog.LevelInfo)
	o := New(log)
	o.Start(clock.after)

	for range 1000 {
		o.Peer(malformed("no Via"))
	}
	o.Peer(Event{Kind: "oversized", CallID: "a@b", Count: 2})
	clock.advance(SummaryEvery - 1)
	if out.Len() != 0 {
		t.Fatalf("logged before the summary: %s", out)
	}
	clock.advance(1)
	want := `level=INFO msg="peer events" kind=malformed count=1000 total=1000 source=192.0.2.7:5060 err="no Via"` + "\n" +
		`level=INFO msg="peer events" kind=oversized count=2 total=2 call_id=a@b` + "\n"
	if out.String() != want {
		t.Fatalf("summary:\n%swant:\n%s", out, want)
	}

	out.Reset()
	clock.advance(SummaryEvery)
	if out.Len() != 0 {
		t.Fatalf("a quiet interval logged: %s", out)
	}

	o.Peer(malformed("no CSeq"))
	clock.advance(SummaryEvery)
	want = `level=INFO msg="peer events" kind=malformed count=1 total=1001 source=192.0.2.7:5060 err="no CSeq"` + "\n"
	if out.String() != want {
		t.Fatalf("third summary %q, want %q", out, want)
	}
}

func TestEverydayLifeIsCountedAndNotLogged(t *testing.T) {
	t.Parallel()
	log, out := textLog(slog.LevelDebug)
	o := New(log)
	o.Counters().Counter("connected").Add(3)
	o.Summarize()
	if out.Len() != 0 || o.Counters().Total("connected") != 3 {
		t.Fatalf("counted %d, logged %q", o.Counters().Total("connected"), out)
	}
}

func TestPeerEventIsADebugLine(t *testing.T) {
	t.Parallel()
	log, out := textLog(slog.LevelDebug)
	New(log).Peer(malformed("no Via"))
	want := `level=DEBUG msg="peer event" kind=malformed source=192.0.2.7:5060 err="no Via"` + "\n"
	if out.String() != want {
		t.Fatalf("got %q, want %q", out, want)
	}
}

func TestCountersCountFromAllGoroutines(t *testing.T) {
	t.Parallel()
	o := New(nil)
	kinds := []string{"a", "b", "c", "d"}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for i := range 1000 {
				o.Peer(Event{Kind: kinds[i%len(kinds)]})
			}
		})
	}
	all.Wait()
	snapshot := o.Counters().Snapshot()
	for _, kind := range kinds {
		if snapshot[kind] != 2000 || o.Counters().Total(kind) != 2000 {
			t.Errorf("%s counted %d, want 2000", kind, snapshot[kind])
		}
	}
	if len(snapshot) != len(kinds) {
		t.Errorf("snapshot %v", snapshot)
	}
}

func TestUnknownKindCountsZero(t *testing.T) {
	t.Parallel()
	var c Counters
	if n := c.Total("never"); n != 0 || len(c.Snapshot()) != 0 {
		t.Fatalf("asking for a total made a counter: %d, %v", n, c.Snapshot())
	}
}

func TestCountingDoesNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	o := New(nil)
	e := malformed("no Via")
	o.Peer(e) // the first makes the counter and the example
	if n := testing.AllocsPerRun(1000, func() { o.Peer(e) }); n != 0 {
		t.Fatalf("%v allocations an event, want 0", n)
	}
}

func TestExampleOutlivesItsMessage(t *testing.T) {
	t.Parallel()
	log, out := textLog(slog.LevelInfo)
	o := New(log)
	buffer := []byte("a84b4c76e66710")
	o.Peer(Event{Kind: "malformed", CallID: unsafe.String(&buffer[0], len(buffer))})
	copy(buffer, "POISON POISON ")
	o.Summarize()
	if !strings.Contains(out.String(), "call_id=a84b4c76e66710") {
		t.Fatalf("the example kept a slice of a released buffer: %s", out)
	}
}
