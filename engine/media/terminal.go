package media

import (
	"fmt"
	"net/netip"
	"strings"
	"sync"

	"github.com/sipscript/sipscript/engine/media/description"
)

// terminal is the media of one leg. Its description stands in one of three states:
//
//	state    event                      → state    actions
//	fresh    offer, given or received   offered    ports; packets flow, as media may come before the answer
//	offered  answer                     agreed     packets flow as agreed
//	agreed   offer                      offered    new ports, nothing else
//	agreed   another answer             agreed     taken in the place of the one before (early dialogs)
//	offered  rollback                   agreed     as it was before; ports of the offer alone are given back
//
// A fresh terminal has no agreed session to go back to: before is nil, and stays so until an answer.
type terminal struct {
	relay  *Relay
	id     string
	events func(Event)

	mu            sync.Mutex // orders changes; taken before that of a terminal with a higher number
	number        uint64
	side          *description.Side   // nil while packed stands for it
	packed        *description.Packed // side, and offered if there is one, while nothing is described
	offered       *description.Side   // side as it was when the last offer was given or received: where each answer begins
	before        *description.Side   // side as it was before the offer that stands; nil: none stands, or it is the first
	agreed        bool
	held          bool       // by this server
	wasHeld       bool       // before the offer that stands
	local, remote netip.Addr // of the leg's signalling

	// Guarded by relay.wiring.
	streams []*stream // by m-line, nil where none
	peer    *terminal
	voice   *voice // nil: nobody has asked for it

	mute   bool
	closed bool  // written under mu, too
	past   *past // nil: no stream is gone
	told   int64 // when a timeout was told last
}

// past are the figures of streams that are gone.
type past struct {
	sum   Stats
	worst quality
}

func (t *terminal) ID() string { return t.id }

func (t *terminal) Stats() Stats {
	t.relay.wiring.Lock()
	defer t.relay.wiring.Unlock()
	return t.sum()
}

// sum is Stats for who holds wiring.
func (t *terminal) sum() Stats {
	var sum Stats
	var worst quality
	if t.past != nil {
		sum, worst = t.past.sum, t.past.worst
	}
	for _, s := range t.streams {
		if s != nil {
			s.add(&sum, &worst)
		}
	}
	sum.MOS = worst.mos
	return sum
}

// wake takes out what rest has put away. Whoever describes holds mu, and wakes the terminal first.
func (t *terminal) wake() {
	if t.packed == nil {
		return
	}
	sides := t.packed.Unpack()
	for _, s := range sides {
		s.Random = t.relay.config.Random
	}
	t.side, t.packed = sides[0], nil
	if len(sides) > 1 {
		t.offered = sides[1]
	}
}

// rest puts away what is described, once it is agreed: as a rule nothing else comes until the call is over.
func (t *terminal) rest() {
	if !t.agreed || t.before != nil {
		return
	}
	if t.offered == nil {
		t.packed = description.Pack(t.side)
	} else {
		t.packed = description.Pack(t.side, t.offered)
	}
	if t.packed != nil {
		t.side, t.offered = nil, nil
	}
}

// begin prepares for an offer, given or received.
func (t *terminal) begin(o *Options) error {
	if t.closed {
		return ErrClosed
	}
	t.set(o)
	t.trim()
	if t.agreed && t.before == nil {
		t.before, t.wasHeld = t.side.Clone(), t.held
	}
	return nil
}

// set takes the options of a description that is about to be written or was received. This server's own hold outlasts them.
func (t *terminal) set(o *Options) {
	if o == nil {
		return
	}
	limit := o.Limit
	if t.held && limit == description.SendRecv {
		limit = description.SendOnly
	}
	t.side.Options = *o
	t.side.Options.Limit = limit
}

// stands is told that an offer was given or received.
func (t *terminal) stands() error {
	t.offered = t.side.Clone()
	if t.agreed {
		return nil
	}
	return t.apply()
}

// again goes back to where the offer was given or received, for an answer to it.
func (t *terminal) again() error {
	switch {
	case t.closed:
		return ErrClosed
	case t.offered == nil:
		return ErrNoOffer
	}
	t.side.Rollback(t.offered)
	return nil
}

// agree is told that the answer was given or received.
func (t *terminal) agree() error {
	t.before, t.agreed = nil, true
	return t.apply()
}

// rollback forgets the offer that stands.
func (t *terminal) rollback() {
	if t.before != nil {
		t.side.Rollback(t.before)
		t.before, t.offered, t.held = nil, nil, t.wasHeld
		t.trim()
	}
}

// apply publishes what is described to the streams.
func (t *terminal) apply() error {
	now := t.relay.now()
	for i := range t.side.Lines {
		if s := t.stream(i); s != nil {
			if err := s.describe(now, &t.side.Lines[i], t.remote); err != nil {
				return err
			}
		}
	}
	t.relay.rewire(t)
	return nil
}

func (t *terminal) stream(i int) *stream {
	t.relay.wiring.Lock()
	defer t.relay.wiring.Unlock()
	if i < len(t.streams) {
		return t.streams[i]
	}
	return nil
}

// open is where m-line i is received: description.Open of this terminal's side. m is what the peer of the other side has written.
func (t *terminal) open(i int, m *description.Media) (description.Local, error) {
	s := t.stream(i)
	want := t.family(i, m)
	if s != nil && want.IsValid() && s.rtp.addr.Addr().Is4() != want.Is4() {
		t.replace(i, nil)
		s = nil
	}
	if s == nil {
		var err error
		if s, err = t.relay.openStream(t, i, want, strings.Contains(m.Proto, "RTP/")); err != nil {
			return description.Local{}, fmt.Errorf("m-line %d: %w", i, err)
		}
		t.replace(i, s)
	}
	return s.local(), nil
}

// local is where the stream receives, as it is advertised.
func (s *stream) local() description.Local {
	l := description.Local{Address: s.pool.advertised, Port: s.rtp.addr.Port()}
	if s.rtcp != nil {
		l.RTCP = s.rtcp.addr.Port()
	}
	return l
}

// family is an address of the IP version to be used: that of this leg's peer, if it has said so; else that of its signalling; else that of the other leg.
func (t *terminal) family(i int, m *description.Media) netip.Addr {
	if i < len(t.side.Lines) {
		if a := t.side.Lines[i].Remote.Address; a.IsValid() && !a.IsUnspecified() {
			return a.Unmap()
		}
	}
	switch {
	case t.remote.IsValid():
		return t.remote
	case t.local.IsValid():
		return t.local
	}
	return m.Address.Unmap()
}

// replace puts s, or nothing, in the place of the stream of m-line i.
func (t *terminal) replace(i int, s *stream) {
	t.relay.wiring.Lock()
	for len(t.streams) <= i {
		t.streams = append(t.streams, nil)
	}
	old := t.streams[i]
	t.streams[i] = s
	if s != nil {
		s.hold(s)
	}
	if old != nil {
		t.retire(old)
	}
	t.relay.wiring.Unlock()
	if old != nil {
		t.relay.closeStream(old)
	}
}

// retire takes a stream out of its route, and keeps its figures. It is for who holds wiring.
func (t *terminal) retire(s *stream) {
	s.hold(nil)
	s.route.Store(nil)
	if t.voice != nil {
		t.voice.lose(s)
	}
	if t.peer != nil {
		for _, other := range t.peer.streams {
			if other != nil && leadsTo(other, s) {
				other.route.Store(nil)
			}
		}
	}
	if t.past == nil {
		t.past = new(past)
	}
	s.add(&t.past.sum, &t.past.worst)
}

func leadsTo(from, to *stream) bool {
	way := from.route.Load()
	return way != nil && way.to == to
}

// trim gives back the ports of m-lines that no longer are in use. It is called between two exchanges: while answers may still come, a later one can take up
// what an earlier one has refused.
func (t *terminal) trim() {
	t.relay.wiring.Lock()
	n := len(t.streams)
	t.relay.wiring.Unlock()
	for i := range n {
		if i >= len(t.side.Lines) || t.side.Lines[i].Local.Port == 0 || t.agreed && t.side.Lines[i].Remote.Port == 0 {
			t.replace(i, nil)
		}
	}
}

// close gives everything back.
func (t *terminal) close() Stats {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.relay.wiring.Lock()
	if t.closed {
		defer t.relay.wiring.Unlock()
		return t.sum()
	}
	t.closed = true
	t.relay.part(t)
	if t.voice != nil {
		t.voice.close()
	}
	n := len(t.streams)
	delete(t.relay.terminals, t)
	t.relay.wiring.Unlock()
	for i := range n {
		t.replace(i, nil)
	}
	return t.Stats()
}
