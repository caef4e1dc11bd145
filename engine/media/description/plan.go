package description

import (
	"net/netip"
)

// section says what becomes of one m-line.
type section struct {
	kind      treatment
	source    int       // m-line of the source
	direction Direction // as written
	names     *names    // what payload types become; nil: all stay what they are
}

// treatment is what becomes of an m-line.
type treatment uint8

const (
	refused treatment = iota // written with port 0
	relayed                  // through a port of ours
	passed                   // as it came: its packets do not touch us
)

// plan decides what becomes of line j, and writes down in it what this server says. Wanted is whether the source wants media there; the
// refusal is then why there is none.
func (w *writer) plan(j int) (wanted bool, refusal *Error, err error) {
	l, i := &w.lines[j], w.slots[j]
	p := &w.sections[j]
	p.source = i
	if i < 0 || w.from.Lines[i].Remote.Port == 0 || w.role == Answer && l.Remote.Port == 0 {
		if w.role == Offer && i >= 0 && l.Local.Kind == "" {
			l.Local = w.from.Lines[i].Remote
		}
		return false, nil, nil
	}
	m := &w.from.Lines[i].Remote
	if w.role == Offer {
		refusal, err = w.planOffer(j, l, m, p)
	} else {
		refusal, err = w.planAnswer(j, l, m, p)
	}
	return true, refusal, err
}

func (w *writer) planOffer(j int, l *Line, m *Media, p *section) (*Error, error) {
	s := w.side
	if l.Local.Kind != "" && l.Local.Kind != m.Kind || l.over() {
		*l = Line{Peer: l.Peer} // another medium in its place, or the place of one that is over
	}
	fresh := l.Local.Kind == ""
	if fresh {
		l.Local = Media{Kind: m.Kind, Proto: m.Proto, Formats: m.Formats} // of which port 0 is written, if it comes to that
	}
	if !m.Relayable() {
		return w.pass(l, m, p)
	}
	if s.Options.SRTP == SRTPRequired && !m.RTP() {
		return refuse(ErrCrypto, "%s cannot be encrypted", m.Proto), nil
	}
	local := Media{Kind: m.Kind, Proto: m.Proto, Direction: m.Direction.And(s.Options.Limit)}
	keyed := false
	if m.RTP() {
		local.Proto, keyed = l.protection(&s.Options, m)
		var ok bool
		if local.Formats, ok = w.choose(l, m, p); !ok {
			return refuse(ErrNoCodec, "no %s codec that may be offered", m.Kind), nil
		}
		local.Mux = s.Options.Mux == MuxOffer || s.Options.Mux == MuxFollow && m.Mux
	} else {
		local.Formats = m.Formats
	}
	if err := w.ports(j, m, &local); err != nil {
		return nil, err
	}
	if keyed {
		var err error
		if local.Crypto, err = l.offer(s); err != nil {
			return nil, err
		}
	}
	l.offered = local.Crypto
	l.Local = local
	p.kind, p.direction = relayed, local.Direction
	return nil, nil
}

// protection returns the profile of an offer, and whether keys stand in it. What a line has once been stays: neither does encryption fall away
// (unless this server says so before anything was agreed), nor does a phone that has been plain have to learn it in a call.
func (l *Line) protection(o *Options, m *Media) (proto string, keyed bool) {
	switch {
	case l.Encrypt != nil:
		return Profile(m.Proto, l.Local.Encrypted()), true
	case o.SRTP == SRTPRequired:
		return Profile(m.Proto, true), true
	case o.SRTP == SRTPOff || l.Remote.Kind != "":
		return Profile(m.Proto, false), false
	}
	return m.Proto, m.Encrypted() || len(m.Crypto) > 0
}

func (w *writer) planAnswer(j int, l *Line, m *Media, p *section) (*Error, error) {
	s, offer := w.side, &l.Remote
	if l.Local.Kind != offer.Kind {
		l.Local = Media{}
	}
	if !offer.Relayable() && m.Kind == offer.Kind {
		return w.pass(l, m, p)
	}
	if m.Kind != offer.Kind || m.RTP() != offer.RTP() || !m.Relayable() || !offer.Relayable() {
		return unusable(offer), nil
	}
	chosen, ok := l.choose(offer, &s.Options)
	if !ok {
		return refuse(ErrCrypto, "%s over %s with %d usable keys", offer.Kind, offer.Proto, len(offer.Crypto)), nil
	}
	local := Media{Kind: offer.Kind, Proto: offer.Proto, Direction: m.Direction.And(s.Options.Limit).And(offer.Direction.Reverse())}
	if m.RTP() {
		if local.Formats, ok = w.choose(l, m, p); !ok {
			return refuse(ErrNoCodec, "no %s codec in common", m.Kind), nil
		}
		local.Mux = offer.Mux && s.Options.Mux != MuxOff
	} else {
		local.Formats = m.Formats
	}
	if err := w.ports(j, m, &local); err != nil {
		return nil, err
	}
	if l.Mux = local.Mux; l.Mux {
		l.Remote.RTCP = netip.AddrPortFrom(offer.Address, offer.Port)
	}
	l.Decrypt, l.offered = nil, nil
	if chosen == nil {
		l.Encrypt = nil
	} else {
		ours, err := l.answer(s, chosen)
		if err != nil {
			return nil, err
		}
		l.Encrypt, l.Decrypt = keep(l.Encrypt, &ours), keep(w.side.Lines[j].Decrypt, chosen)
		local.Crypto = []SDES{ours}
	}
	l.Local = local
	p.kind, p.direction = relayed, local.Direction
	return nil, nil
}

// pass lets media go by that this server cannot relay, if it may.
func (w *writer) pass(l *Line, m *Media, p *section) (*Error, error) {
	if !w.side.Options.Pass || w.role == Answer && m.Proto != l.Remote.Proto {
		return unusable(m), nil
	}
	l.Local = *m
	p.kind = passed
	return nil, nil
}

// ports asks for the ports of a line that is relayed.
func (w *writer) ports(j int, m *Media, local *Media) error {
	at, err := w.open(j, m)
	if err != nil {
		return err
	}
	local.Address, local.Port = at.Address, at.Port
	local.RTCP = netip.AddrPortFrom(at.Address, at.RTCP)
	return nil
}

// choose chooses the formats of a line and numbers them. It is not ok if no codec is left.
func (w *writer) choose(l *Line, m *Media, p *section) ([]Format, bool) {
	formats := filter(filter(m.Formats, w.from.Options.codecs(m.Kind)), w.side.Options.codecs(m.Kind))
	n := numbering{bound: l.bound}
	if w.role == Answer {
		n.bound = l.Remote.Formats
	}
	var numbered []Format
	numbered, p.names = n.all(formats, len(formats) != len(m.Formats), w.role, w.side.Options.Events)
	return numbered, suffices(numbered, m.Formats)
}
