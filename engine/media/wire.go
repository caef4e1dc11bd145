package media

import (
	"slices"

	"github.com/sipscript/sipscript/engine/media/description"
)

// Connect implements Backend.
func (r *Relay) Connect(a, b Terminal) {
	first, err := r.own(a)
	if err != nil {
		return
	}
	second, err := r.own(b)
	if err != nil || first == second {
		return
	}
	r.wiring.Lock()
	defer r.wiring.Unlock()
	if first.closed || second.closed {
		return
	}
	if first.peer != second {
		r.part(first)
		r.part(second)
		first.peer, second.peer = second, first
	}
	r.wire(first)
}

// Part implements Backend.
func (r *Relay) Part(t Terminal) {
	if own, err := r.own(t); err == nil {
		r.wiring.Lock()
		r.part(own)
		r.wiring.Unlock()
	}
}

// part is Part for who holds wiring.
func (r *Relay) part(t *terminal) {
	if t.peer == nil {
		return
	}
	for _, end := range []*terminal{t, t.peer} {
		if end.voice != nil {
			end.voice.part()
		}
		for _, s := range end.streams {
			if s != nil {
				s.route.Store(nil)
			}
		}
	}
	t.peer.peer, t.peer = nil, nil
}

// rewire makes the routes of t and its peer anew, as something else is described.
func (r *Relay) rewire(t *terminal) {
	r.wiring.Lock()
	defer r.wiring.Unlock()
	if t.peer != nil {
		r.wire(t)
	}
	if t.voice != nil {
		t.voice.settle(t.streams)
	}
}

// wire makes the routes between t and its peer: of each m-line to the one that it is described with; of what is left, to the one of the same number, and
// then to the first of the same kind, as two legs that come from different calls may have theirs in different orders.
func (r *Relay) wire(t *terminal) {
	left, right := slices.Clone(t.streams), slices.Clone(t.peer.streams)
	for _, fits := range []func(i, j int) bool{
		func(i, j int) bool { return left[i].described().peer == j || right[j].described().peer == i },
		func(i, j int) bool { return i == j },
		func(int, int) bool { return true },
	} {
		for i := range left {
			for j := range right {
				if match(left[i], right[j]) && fits(i, j) {
					r.lead(left[i], right[j])
					r.lead(right[j], left[i])
					left[i], right[j] = nil, nil
				}
			}
		}
	}
	for _, s := range append(left, right...) {
		if s != nil {
			s.route.Store(nil)
		}
	}
}

// undescribed stands for the rules of a stream that has none.
var undescribed = rules{peer: -1}

func (s *stream) described() *rules {
	if r := s.rules.Load(); r != nil {
		return r
	}
	return &undescribed
}

// match reports whether media can flow between two streams.
func match(a, b *stream) bool {
	if a == nil || b == nil {
		return false
	}
	of, to := a.described(), b.described()
	return of.kind != "" && of.plain == to.plain && of.kind == to.kind
}

// lead makes the route from one stream to another, unless it would be a circle.
func (r *Relay) lead(from, to *stream) {
	if r.circles(from, to, mostTurns) {
		from.route.Store(nil)
		return
	}
	of, at := from.rules.Load(), to.rules.Load()
	way := &route{to: to}
	if len(of.sent) > 0 && len(at.wanted) > 0 && !at.plain {
		way.renamed = description.Renumber(of.sent, at.wanted)
	}
	from.route.Store(way)
}

// BlockDigits implements Backend.
func (r *Relay) BlockDigits(t Terminal, on bool) {
	own, err := r.own(t)
	if err != nil {
		return
	}
	r.wiring.Lock()
	defer r.wiring.Unlock()
	own.mute = on
	for _, s := range own.streams {
		if s != nil {
			s.mute.Store(on)
		}
	}
}

// Close implements Backend.
func (r *Relay) Close(t Terminal) Stats {
	own, err := r.own(t)
	if err != nil {
		return Stats{}
	}
	return own.close()
}
