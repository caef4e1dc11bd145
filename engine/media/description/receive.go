package description

import (
	"errors"
	"net/netip"
)

// Receive takes in what the peer sent, as the offer or as the answer to what was written last, and holds it against what stood before: m-lines,
// encryption (which never falls back), directions. A second answer to the same offer replaces the first, since an INVITE may fork.
// After an error, which is an *Error, the side is as it was.
func (s *Side) Receive(d *Description, role Role) error {
	if err := s.name(); err != nil {
		return err
	}
	receive := s.receiveOffer
	if role == Answer {
		receive = s.receiveAnswer
	}
	lines, err := receive(d)
	if err != nil {
		return err
	}
	for i := range lines {
		lines[i].bound = bind(lines[i].bound, lines[i].Remote.Formats)
	}
	s.Lines, s.received = lines, d
	if role == Offer {
		s.offered = false
	}
	return nil
}

// receiveOffer takes each m-line for what it is. An offer may have more m-lines than before, and should not have fewer (RFC 3264 §8); where it does,
// as phones have that switch to fax, those that are missing are over.
func (s *Side) receiveOffer(d *Description) ([]Line, error) {
	lines := make([]Line, len(d.Media))
	for i := copy(lines, s.Lines); i < len(lines); i++ {
		lines[i].Peer = -1
	}
	var u usability
	for i := range lines {
		l, m := &lines[i], &d.Media[i]
		if l.Remote.Kind != "" && l.Remote.Kind != m.Kind || l.Local.Kind != "" && l.Local.Kind != m.Kind {
			*l = Line{Peer: l.Peer} // another medium in its place (RFC 3264 §8.3.3): nothing of the old one holds
		}
		l.Remote = *m
		if m.Port != 0 {
			u.add(s.acceptable(l, m))
		}
	}
	return lines, u.err()
}

// acceptable says what is wrong with an m-line that the peer offers, for this side alone.
func (s *Side) acceptable(l *Line, m *Media) *Error {
	if !m.Relayable() {
		if s.Options.Pass {
			return nil
		}
		return unusable(m)
	}
	if m.Address.IsMulticast() {
		return refuse(ErrNoMedia, "multicast")
	}
	if _, ok := l.choose(m, &s.Options); !ok {
		return refuse(ErrCrypto, "%s over %s with %d usable keys", m.Kind, m.Proto, len(m.Crypto))
	}
	if m.RTP() && !leaves(m.Formats, s.Options.codecs(m.Kind)) {
		return refuse(ErrNoCodec, "no %s codec that may be used", m.Kind)
	}
	return nil
}

// receiveAnswer holds the answer against the offer. m-lines missing at its end count as refused; too many of them, or others than were
// offered, cannot be understood.
func (s *Side) receiveAnswer(d *Description) ([]Line, error) {
	if !s.offered || len(d.Media) > len(s.Lines) {
		return nil, refuse(ErrMismatch, "answer with %d m-lines to %d", len(d.Media), len(s.Lines))
	}
	lines := make([]Line, len(s.Lines))
	copy(lines, s.Lines)
	var u usability
	for i := range lines {
		l := &lines[i]
		m := Media{Kind: l.Local.Kind, Proto: l.Local.Proto}
		if i < len(d.Media) {
			m = d.Media[i]
		}
		if m.Kind != l.Local.Kind {
			return nil, refuse(ErrMismatch, "%s in answer to %s", m.Kind, l.Local.Kind)
		}
		if m.Port == 0 || l.Local.Port == 0 {
			l.refused(m)
			continue
		}
		err := l.settle(m)
		u.add(err)
		if err != nil && !errors.Is(err, ErrNoCodec) {
			return nil, err
		}
		if err != nil {
			l.refused(m)
		}
	}
	return lines, u.err()
}

// settle makes the line what offer and answer together say.
func (l *Line) settle(m Media) *Error {
	if m.Encrypted() != l.Local.Encrypted() {
		return refuse(ErrCrypto, "%s in answer to %s", m.Proto, l.Local.Proto)
	}
	if !l.Local.Relayable() {
		if m.Proto != l.Local.Proto {
			return refuse(ErrMismatch, "%s in answer to %s", m.Proto, l.Local.Proto)
		}
		l.Remote = m
		return nil
	}
	if m.RTP() != l.Local.RTP() || !m.Relayable() {
		return refuse(ErrMismatch, "%s in answer to %s", m.Proto, l.Local.Proto)
	}
	m.Formats = complete(m.Formats, l.Local.Formats)
	if m.RTP() && !common(m.Formats, l.Local.Formats) {
		return refuse(ErrNoCodec, "no %s codec of the offer in the answer", m.Kind)
	}
	var err *Error
	if l.Encrypt, l.Decrypt, err = l.accepted(&m); err != nil {
		return err
	}
	m.Direction = m.Direction.And(l.Local.Direction.Reverse())
	if l.Mux = m.Mux && l.Local.Mux; l.Mux {
		m.RTCP = netip.AddrPortFrom(m.Address, m.Port)
	}
	l.Remote = m
	return nil
}

// refused ends a line. What was offered stays: another answer to the same offer may accept it.
func (l *Line) refused(m Media) {
	m.Port = 0
	l.Remote = m
	l.Encrypt, l.Decrypt, l.Mux = nil, nil, false
}

// complete gives those formats their names whose a=rtpmap the answer leaves out, although it must not, from the offer.
func complete(formats, offered []Format) []Format {
	copied := false
	for i := range formats {
		if formats[i].Name != "" || formats[i].Payload == NoPayload {
			continue
		}
		for j := range offered {
			if offered[j].Payload == formats[i].Payload && offered[j].Name != "" {
				if !copied {
					formats, copied = append([]Format(nil), formats...), true
				}
				formats[i].Name, formats[i].Clock, formats[i].Channels = offered[j].Name, offered[j].Clock, offered[j].Channels
			}
		}
	}
	return formats
}

// common says whether an answer has something of the offer that can be used.
func common(answer, offered []Format) bool {
	codecs := hasCodec(offered)
	for i := range answer {
		if codecs && !answer[i].codec() {
			continue
		}
		if find(offered, &answer[i], &payloads{}) >= 0 {
			return true
		}
	}
	return false
}

// usability tells whether a description has any m-line that can be used, of those it wants used; if not, why the first cannot.
type usability struct {
	usable bool
	why    *Error
}

func (u *usability) add(err *Error) {
	if err == nil {
		u.usable = true
	} else if u.why == nil {
		u.why = err
	}
}

func (u *usability) err() error {
	if u.usable || u.why == nil {
		return nil
	}
	return u.why
}

// unusable is why media that is not relayable is refused.
func unusable(m *Media) *Error {
	err := refuse(ErrNoMedia, "%s over %s", m.Kind, m.Proto)
	if m.RTP() {
		err.Warning = warnTransport
	}
	return err
}
