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
	"strings"
	"time"
)

// SummaryEvery is the time between two summaries of what peers caused.
const SummaryEvery = 10 * time.Second

// Event is something a peer caused: a malformed message, a refused connection, a request over its share.
type Event struct {
	Kind   string         // what happened, "malformed"; a fixed word, never text from the network: it becomes a counter
	Count  int            // how often; 0 is once
	Source netip.AddrPort // the peer, if known
	CallID string         // the call, if known
	Err    error          // what exactly, if known
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
	c.addCaused(uint64(max(e.Count, 1)))
	c.keepExample(&e)
	if !o.log.Enabled(context.Background(), slog.LevelDebug) {
		return
	}
	attrs := append(make([]slog.Attr, 0, 4), slog.String("kind", e.Kind))
	o.log.LogAttrs(context.Background(), slog.LevelDebug, "peer event", e.example().append(attrs)...)
}

// Start begins the summaries, one every SummaryEvery. after arms a timer that calls fn once; everything runs where its timers run, which keeps time
// virtual in tests and needs no goroutine of its own. What ends the timers ends the summaries.
func (o *Observer) Start(after func(d time.Duration, fn func())) {
	after(SummaryEvery, func() {
		o.Summarize()
		o.Start(after)
	})
}

// Summarize logs one line for each kind that peers caused since the last time, in the order of their names: how often, how often in all, and the
// first event as an example. A kind that rests is silent. One goroutine at a time.
func (o *Observer) Summarize() {
	for _, s := range o.counters.drain() {
		attrs := append(make([]slog.Attr, 0, 6), slog.String("kind", s.kind), slog.Uint64("count", s.count), slog.Uint64("total", s.total))
		o.log.LogAttrs(context.Background(), slog.LevelInfo, "peer events", s.example.append(attrs)...)
	}
}

// example is what the log tells of one event. It holds no part of the message that caused it.
type example struct {
	source       netip.AddrPort
	callID, text string
}

func (e *Event) example() *example {
	// A Call-ID is a slice of a pooled message buffer that is used again as soon as the message has been handled.
	x := &example{source: e.Source, callID: strings.Clone(e.CallID)}
	if e.Err != nil {
		x.text = e.Err.Error()
	}
	return x
}

func (x *example) append(attrs []slog.Attr) []slog.Attr {
	if x == nil {
		return attrs
	}
	if x.source.IsValid() {
		attrs = append(attrs, slog.String("source", x.source.String()))
	}
	if x.callID != "" {
		attrs = append(attrs, CallID(x.callID))
	}
	if x.text != "" {
		attrs = append(attrs, slog.String("err", x.text))
	}
	return attrs
}
