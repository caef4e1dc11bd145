package media

import "github.com/sipscript/sipscript/engine/media/description"

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
	wire(first)
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
		wire(t)
	}
}

// wire makes the routes between t and its peer: m-line to m-line by number where they are of one kind, and else to the first one of its kind that has no
// counterpart yet, as two legs that come from different calls may have them in different orders.
func wire(t *terminal) {
	free := append([]*stream(nil), t.peer.streams...)
	pair := func(s *stream, i int) {
		other := free[i]
		free[i] = nil
		lead(s, other)
		lead(other, s)
	}
	var rest []*stream
	for i, s := range t.streams {
		switch {
		case s == nil:
		case i < len(free) && match(s, free[i]):
			pair(s, i)
		default:
			rest = append(rest, s)
		}
	}
	for _, s := range rest {
		s.route.Store(nil)
		for i := range free {
			if match(s, free[i]) {
				pair(s, i)
				break
			}
		}
	}
	for _, s := range free {
		if s != nil {
			s.route.Store(nil)
		}
	}
}

// match reports whether media can flow between two streams.
func match(a, b *stream) bool {
	if a == nil || b == nil {
		return false
	}
	of, to := a.rules.Load(), b.rules.Load()
	return of != nil && to != nil && of.plain == to.plain && of.kind == to.kind
}

// lead makes the route from one stream to another.
func lead(from, to *stream) {
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
