// Package observe is where everything that happens is counted and logged.
//
// Lower packages have one trace hook each and know nothing of logs or metrics; engine/wire.go connects their hooks to an Observer. What a peer
// can cause is never a log line of its own above debug level: whoever floods the server must not be able to flood its log. Such events are
// counted by kind and summed up in one line a kind every SummaryEvery.
package observe

import (
	"context"
	"log/slog"
	"net/netip"
	"time"
)

// SummaryEvery is the time between two summaries of what peers caused.
const SummaryEvery = 10 * time.Second

// Event is one thing a peer caused: a malformed message, a refused connection, a request over its share.
type Event struct {
	Kind   string         // what happened, "transport.malformed"; a fixed word, never text from the network: it becomes a counter
	Source netip.AddrPort // the peer, if known
	CallID string         // the call, if known
	Detail string         // what exactly, for the debug log and the summary's example
}

// Observer counts events and writes the log. New makes one; its methods may be called from any goroutine.
type Observer struct {
	log      *slog.Logger
	counters Counters
}

// New returns an Observer that logs to log; nil discards.
func New(log *slog.Logger) *Observer {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Observer{log: log}
}

// Log is the logger everything in the server writes to.
func (o *Observer) Log() *slog.Logger { return o.log }

// Counters are the counts by kind, for metrics and tests.
func (o *Observer) Counters() *Counters { return &o.counters }

// Peer counts e and logs it at debug level. With debug logging off it allocates only for the first event of a kind in a summary's interval,
// which is kept as the example.
func (o *Observer) Peer(e Event) {
	c := o.counters.Counter(e.Kind)
	c.Add(1)
	c.keepExample(&e)
	if !o.log.Enabled(context.Background(), slog.LevelDebug) {
		return
	}
	attrs := make([]slog.Attr, 0, 4)
	attrs = append(attrs, slog.String("kind", e.Kind))
	o.log.LogAttrs(context.Background(), slog.LevelDebug, "peer event", appendDetail(attrs, &e)...)
}

// Start begins the summaries, one every SummaryEvery, and returns what ends them. after arms a timer that calls fn once and returns what stops
// it; Start and every fn run where after's timers run, which keeps time virtual in tests and needs no goroutine of its own.
func (o *Observer) Start(after func(d time.Duration, fn func()) (stop func())) (stop func()) {
	var tick, disarm func()
	tick = func() {
		o.Summarize()
		disarm = after(SummaryEvery, tick)
	}
	disarm = after(SummaryEvery, tick)
	return func() { disarm() }
}

// Summarize logs one line for each kind counted since the last time, in the order of their names: how often, how often in all, and the first
// event as an example. A kind that rests is silent.
func (o *Observer) Summarize() {
	for _, s := range o.counters.drain() {
		attrs := make([]slog.Attr, 0, 6)
		attrs = append(attrs, slog.String("kind", s.kind), slog.Uint64("count", s.count), slog.Uint64("total", s.total))
		if s.example != nil {
			attrs = appendDetail(attrs, s.example)
		}
		o.log.LogAttrs(context.Background(), slog.LevelInfo, "peer events", attrs...)
	}
}

func appendDetail(attrs []slog.Attr, e *Event) []slog.Attr {
	if e.Source.IsValid() {
		attrs = append(attrs, slog.String("source", e.Source.String()))
	}
	if e.CallID != "" {
		attrs = append(attrs, CallID(e.CallID))
	}
	if e.Detail != "" {
		attrs = append(attrs, slog.String("detail", e.Detail))
	}
	return attrs
}
