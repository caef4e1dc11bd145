package description

import "slices"

// Adopt takes a description that another media server has written for this peer, and makes it one of this side's: origin and version are ours, the
// directions those that Options.Limit leaves, all else as that server wrote it, ports and keys included. The bytes returned must not be changed.
// After an error, an *Error, the side is as it was.
func (s *Side) Adopt(b []byte, role Role) ([]byte, error) { return s.adopt(b, role, false) }

// Repeat yields an offer of what was written last, in the directions that Options.Limit leaves, as Adopt would: to hold, to take up again, to refresh.
func (s *Side) Repeat() ([]byte, error) {
	if s.sent == nil {
		return nil, refuse(ErrMismatch, "nothing to offer again")
	}
	return s.adopt(s.sent, Offer, true)
}

func (s *Side) adopt(b []byte, role Role, afresh bool) ([]byte, error) {
	d, err := Parse(b)
	if err != nil {
		return nil, err
	}
	if err := s.name(); err != nil {
		return nil, err
	}
	if role == Answer && (s.received == nil || len(d.Media) != len(s.received.Media)) || role == Offer && len(d.Media) < len(s.Lines) {
		return nil, refuse(ErrMismatch, "%d m-lines where %d stood", len(d.Media), len(s.Lines))
	}
	w := writer{side: s, role: role, source: d, lines: slices.Clone(s.Lines), sections: make([]section, len(d.Media))}
	for j := range d.Media {
		if j == len(w.lines) {
			w.lines = append(w.lines, Line{Peer: j})
		}
		l, m := &w.lines[j], d.Media[j]
		p := &w.sections[j]
		p.source = j
		if afresh {
			m.Direction = SendRecv
		}
		m.Direction = m.Direction.And(s.Options.Limit)
		if err := l.adopt(m, role); err != nil {
			return nil, err
		}
		if keyed := len(m.Crypto) > 0; m.Port != 0 && (keyed && s.Options.SRTP == SRTPOff || !keyed && s.Options.SRTP == SRTPRequired) {
			return nil, refuse(ErrCrypto, "%s over %s with %d keys", m.Kind, m.Proto, len(m.Crypto))
		}
		if m.Port == 0 {
			l.Encrypt, l.Decrypt, l.offered, l.Mux = nil, nil, nil, false
			continue
		}
		p.kind, p.direction = relayed, m.Direction
		if !m.Relayable() {
			p.kind = passed
		} else if !w.address.IsValid() {
			w.address = m.Address
		}
	}
	return w.finish(len(d.text) + 64), nil
}

// adopt takes what was written for the line. It must not be less encrypted than what was agreed, or what the peer wants.
func (l *Line) adopt(m Media, role Role) *Error {
	if role == Answer {
		if m.Kind != l.Remote.Kind || m.Port != 0 && m.Proto != l.Remote.Proto {
			return refuse(ErrMismatch, "%s over %s in answer to %s over %s", m.Kind, m.Proto, l.Remote.Kind, l.Remote.Proto)
		}
		m.Direction = m.Direction.And(l.Remote.Direction.Reverse())
	}
	if m.Port != 0 && (m.Encrypted() && len(m.Crypto) == 0 || l.Encrypt != nil && len(m.Crypto) == 0) {
		return refuse(ErrCrypto, "%s over %s without a key", m.Kind, m.Proto)
	}
	l.Local = m
	if role == Offer {
		l.offered = m.Crypto
		return nil
	}
	l.Mux = m.Mux && l.Remote.Mux
	l.Encrypt, l.Decrypt = nil, nil
	for i := range l.Remote.Crypto {
		if len(m.Crypto) == 1 && l.Remote.Crypto[i].Tag == m.Crypto[0].Tag {
			l.Encrypt, l.Decrypt = &m.Crypto[0], &l.Remote.Crypto[i]
		}
	}
	return nil
}
