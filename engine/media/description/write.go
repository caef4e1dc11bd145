package description

import (
	"bytes"
	"net/netip"
	"slices"
)

// Write yields the description for this peer, made from what the peer of another side sent last, and takes it as said to this peer. As an
// offer it has every m-line that was ever on this side; as an answer it has those of this peer's offer. The bytes must not be changed.
// After an error, an *Error or that of open, the side is as it was.
func (s *Side) Write(from *Side, role Role, open Open) ([]byte, error) {
	if from.received == nil || role == Answer && s.received == nil {
		return nil, refuse(ErrMismatch, "nothing to write from")
	}
	if err := s.name(); err != nil {
		return nil, err
	}
	w := writer{side: s, role: role, source: from.received, from: from, open: open, lines: slices.Clone(s.Lines)}
	if role == Offer {
		w.align()
	} else {
		w.follow()
	}
	text, err := w.write()
	if err != nil {
		return nil, err
	}
	s.partner = from.session
	return text, nil
}

// writer makes one description.
type writer struct {
	side   *Side
	role   Role
	from   *Side // who says what is to be written
	source *Description
	open   Open

	lines    []Line
	slots    []int      // for each of lines the m-line of the source, -1: none
	sections []section  // for each of lines what is to be written
	address  netip.Addr // of the session-level c=
	buf      []byte
}

// align finds a place for each m-line of an offer (RFC 3264 §8): the one it has had with the same partner; between sides that meet only now, the
// first of the same kind; then one that is dead and can be used again (§8.1); then a new one. Places that are left over are refused.
func (w *writer) align() {
	places := max(len(w.lines), len(w.source.Media))
	w.slots = make([]int, len(w.lines), places)
	for j := range w.slots {
		w.slots[j] = -1
	}
	partners := w.side.partner == w.from.session || w.from.partner == w.side.session
	for i := range w.source.Media {
		j := w.paired(i)
		if !partners {
			j = w.place(func(l *Line) bool { return l.Local.Kind == w.source.Media[i].Kind && !l.over() })
		}
		if j < 0 {
			j = w.place((*Line).over)
		}
		if j < 0 {
			j = len(w.lines)
			w.lines, w.slots = append(w.lines, Line{}), append(w.slots, -1)
		}
		w.slots[j] = i
		w.lines[j].Peer = i
	}
}

// over says whether a line was described and refused.
func (l *Line) over() bool {
	return l.Local.Kind != "" && l.Local.Port == 0 || l.Remote.Kind != "" && l.Remote.Port == 0
}

// paired returns the line that is paired with line i of the other side, by either's memory.
func (w *writer) paired(i int) int {
	j := w.from.Lines[i].Peer
	if j >= 0 && j < len(w.lines) && w.slots[j] < 0 {
		return j
	}
	for j := range w.lines {
		if w.lines[j].Peer == i && w.slots[j] < 0 {
			return j
		}
	}
	return -1
}

func (w *writer) place(fits func(*Line) bool) int {
	for j := range w.lines {
		if w.slots[j] < 0 && fits(&w.lines[j]) {
			return j
		}
	}
	return -1
}

// follow finds for each m-line of this peer's offer the one that answers it.
func (w *writer) follow() {
	w.slots = make([]int, len(w.lines))
	for i := range w.lines {
		w.slots[i] = -1
		for j := range w.source.Media {
			if w.from.Lines[j].Peer == i {
				w.slots[i] = j
				w.lines[i].Peer = j
			}
		}
	}
}

// write plans each m-line, and writes it.
func (w *writer) write() ([]byte, error) {
	w.sections = make([]section, len(w.lines))
	var u usability
	size := len(w.source.text) + 256
	for j := range w.lines {
		wanted, refusal, err := w.plan(j)
		if err != nil {
			return nil, err
		}
		if wanted {
			u.add(refusal)
		}
		if w.sections[j].kind == refused {
			w.lines[j].end()
		} else if w.sections[j].kind == relayed && !w.address.IsValid() {
			w.address = w.lines[j].Local.Address
		}
		size += 64 + 100*len(w.lines[j].Local.Crypto)
	}
	if err := u.err(); err != nil {
		return nil, err
	}
	return w.finish(size), nil
}

// spare is how much memory beyond its length a description may hold.
const spare = 32

// finish writes what was planned, and takes it as said.
func (w *writer) finish(size int) []byte {
	s := w.side
	origin := s.address
	if !origin.IsValid() {
		origin = w.address
	}
	if !w.address.IsValid() {
		w.address = origin
	}
	w.buf = make([]byte, 0, size)
	at := w.head(origin)
	for j := range w.lines {
		w.section(j)
		w.lines[j].bound = bind(w.lines[j].bound, w.lines[j].Local.Formats)
	}
	s.number(&w.buf, at)
	if cap(w.buf)-len(w.buf) > spare {
		w.buf = slices.Clone(w.buf) // it is kept for as long as the call
	}
	s.sent, s.offered, s.Lines, s.address = w.buf, w.role == Offer, w.lines, origin
	return w.buf
}

// number puts the version into o=, at the place that was left for it. It is that of the last description if nothing changes, and one more if
// anything does (RFC 3264 §8).
func (s *Side) number(b *[]byte, at int) {
	version := appendUint(nil, s.latest)
	if len(s.sent) == len(*b)+len(version) && bytes.HasPrefix((*b)[at:], s.sent[at+len(version):]) && bytes.Equal((*b)[:at], s.sent[:at]) {
		*b = s.sent
		return
	}
	s.version++
	s.latest = s.version
	*b = slices.Insert(*b, at, appendUint(version[:0], s.version)...)
}

// end makes a line one that is refused. Its keys are not used again: if it comes back it begins anew.
func (l *Line) end() {
	l.Local.Port, l.Local.Crypto = 0, nil
	l.Encrypt, l.Decrypt, l.offered, l.Mux = nil, nil, nil, false
}
