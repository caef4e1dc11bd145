package observe

import (
	"bytes"
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

func (c *clock) after(d time.Duration, fn func()) (stop func()) {
	c.due, c.armed = c.now+d, fn
	return func() { c.armed = nil }
}

func (c *clock) advance(d time.Duration) {
	for c.now += d; c.armed != nil && c.due <= c.now; {
		fn := c.armed
		c.armed = nil
		fn()
	}
}

func malformed(detail string) Event {
	return Event{Kind: "transport.malformed", Source: netip.MustParseAddrPort("192.0.2.7:5060"), Detail: detail}
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
	o.Peer(Event{Kind: "transport.oversized", CallID: "a@b"})
	clock.advance(SummaryEvery - 1)
	if out.Len() != 0 {
		t.Fatalf("logged before the summary: %s", out)
	}
	clock.advance(1)
	want := `level=INFO msg="peer events" kind=transport.malformed count=1000 total=1000 source=192.0.2.7:5060 detail="no Via"` + "\n" +
		`level=INFO msg="peer events" kind=transport.oversized count=1 total=1 call_id=a@b` + "\n"
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
	want = `level=INFO msg="peer events" kind=transport.malformed count=1 total=1001 source=192.0.2.7:5060 detail="no CSeq"` + "\n"
	if out.String() != want {
		t.Fatalf("third summary %q, want %q", out, want)
	}
}

func TestStopEndsTheSummaries(t *testing.T) {
	t.Parallel()
	var clock clock
	log, out := textLog(slog.LevelInfo)
	o := New(log)
	stop := o.Start(clock.after)
	clock.advance(SummaryEvery) // stop must reach the timer armed last
	stop()
	o.Peer(malformed(""))
	clock.advance(3 * SummaryEvery)
	if out.Len() != 0 {
		t.Fatalf("a stopped observer logged %q", out)
	}
}

func TestPeerEventIsADebugLine(t *testing.T) {
	t.Parallel()
	log, out := textLog(slog.LevelDebug)
	New(log).Peer(malformed("no Via"))
	want := `level=DEBUG msg="peer event" kind=transport.malformed source=192.0.2.7:5060 detail="no Via"` + "\n"
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
	buffer := []byte("no Via")
	o.Peer(malformed(unsafe.String(&buffer[0], len(buffer))))
	copy(buffer, "POISON")
	o.Summarize()
	if !strings.Contains(out.String(), `detail="no Via"`) {
		t.Fatalf("the example kept a slice of a released buffer: %s", out)
	}
}
