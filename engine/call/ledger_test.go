package call_test

import (
	"fmt"
	"hash/fnv"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/sipscript/sipscript/engine/media"
)

// ledger is a media.Backend that keeps account of what is open, and is done at once or later, as the size of what it is
// given decides.
type ledger struct {
	mu   sync.Mutex
	open map[*entry]bool
}

type entry struct {
	id    string
	mu    sync.Mutex
	local []byte
}

func (e *entry) ID() string         { return e.id }
func (e *entry) Stats() media.Stats { return media.Stats{} }

func newLedger() *ledger { return &ledger{open: map[*entry]bool{}} }

func (l *ledger) left() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var list []string
	for e := range l.open {
		list = append(list, "terminal of "+e.id)
	}
	slices.Sort(list)
	return list
}

func (l *ledger) Open(id string, _ func(media.Event)) (media.Terminal, error) {
	e := &entry{id: id}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open[e] = true
	return e, nil
}

func (l *ledger) finish(of []byte, fn func()) {
	h := fnv.New32a()
	_, _ = h.Write(of)
	switch h.Sum32() % 3 {
	case 0:
		time.AfterFunc(time.Duration(1+h.Sum32()%7)*time.Millisecond, fn)
	default:
		fn()
	}
}

func (e *entry) say(sdp []byte) []byte {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.local = sdp
	return sdp
}

func (e *entry) last() []byte {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.local == nil {
		return []byte(sdp("server"))
	}
	return e.local
}

func (l *ledger) Signalled(media.Terminal, netip.Addr, netip.Addr) {}

func (l *ledger) Pass(from, to media.Terminal, _ media.Role, sdp []byte, _ media.Options, done func([]byte, error)) {
	if from == nil || to == nil || sdp == nil {
		panic(fmt.Sprintf("pass %q from %v to %v", sdp, from, to))
	}
	l.finish(sdp, func() { done(to.(*entry).say(sdp), nil) })
}

func (l *ledger) Answer(t media.Terminal, offer []byte, _ media.Options, done func([]byte, error)) {
	l.finish(offer, func() { done(t.(*entry).say([]byte(sdp("server"))), nil) })
}

func (l *ledger) Offer(t media.Terminal, _ media.Options, done func([]byte, error)) {
	e := t.(*entry)
	l.finish(e.last(), func() { done(e.last(), nil) })
}

func (l *ledger) Accept(_ media.Terminal, answer []byte, _ media.Options, done func(error)) {
	l.finish(answer, func() { done(nil) })
}

func (l *ledger) Hold(t media.Terminal, _ bool, done func([]byte, error)) {
	done(t.(*entry).last(), nil)
}

func (l *ledger) Rollback(t media.Terminal)            { _ = t.(*entry) }
func (l *ledger) Connect(a, b media.Terminal)          { _, _ = a.(*entry), b.(*entry) }
func (l *ledger) Part(t media.Terminal)                { _ = t.(*entry) }
func (l *ledger) BlockDigits(t media.Terminal, _ bool) { _ = t.(*entry) }
func (l *ledger) Voice(media.Terminal) (media.Voice, error) {
	return nil, media.ErrUnsupported
}

func (l *ledger) Close(t media.Terminal) media.Stats {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.open, t.(*entry))
	return media.Stats{}
}

var _ media.Backend = (*ledger)(nil)
