package description

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"strings"
)

// Packed is what sides are between two exchanges, in a tenth of the memory: there are thousands of them for each that is described anew. Formats, and
// what was sent, are kept as they are, since others keep them, too.
type Packed struct {
	bytes   []byte
	formats [][]Format
	sent    [][]byte
}

// Pack puts sides away. It is nil when one of them has keys: whoever sees the same pointer goes on with the same SRTP context.
func Pack(sides ...*Side) *Packed {
	p := packer{b: make([]byte, 0, 256)}
	p.count(len(sides))
	for _, s := range sides {
		p.side(s)
	}
	if p.failed {
		return nil
	}
	return &Packed{bytes: slices.Clone(p.b), formats: p.formats, sent: p.sent}
}

// Unpack returns the sides again, which have no Random. Of what they have received there are only the times.
func (p *Packed) Unpack() []*Side {
	u := unpacker{Packed: p, rest: p.bytes}
	sides := make([]*Side, u.count())
	for i := range sides {
		sides[i] = u.side()
	}
	return sides
}

// packer writes what an unpacker reads, member by member.
type packer struct {
	b       []byte
	formats [][]Format
	sent    [][]byte
	failed  bool
}

func (p *packer) number(n uint64) { p.b = binary.AppendUvarint(p.b, n) }
func (p *packer) count(n int)     { p.number(uint64(n)) }

func (p *packer) flags(all ...bool) {
	n := byte(0)
	for i, on := range all {
		if on {
			n |= 1 << i
		}
	}
	p.b = append(p.b, n)
}

func (p *packer) word(s string) {
	p.count(len(s))
	p.b = append(p.b, s...)
}

func (p *packer) words(list []string) {
	p.count(len(list))
	for _, s := range list {
		p.word(s)
	}
}

func (p *packer) address(a netip.Addr) {
	p.failed = p.failed || a.Zone() != ""
	p.word(string(a.AsSlice()))
}

// list is the number of a list of formats, 0 for an empty one. Those of an offer are those of its answer as a rule.
func (p *packer) list(f []Format) {
	if len(f) == 0 {
		p.count(0)
		return
	}
	i := slices.IndexFunc(p.formats, func(g []Format) bool { return slices.Equal(f, g) })
	if i < 0 {
		i, p.formats = len(p.formats), append(p.formats, f)
	}
	p.count(i + 1)
}

// text is the number of a description that was sent, 0 for none.
func (p *packer) text(b []byte) {
	if len(b) == 0 {
		p.count(0)
		return
	}
	i := slices.IndexFunc(p.sent, func(c []byte) bool { return &b[0] == &c[0] })
	if i < 0 {
		i, p.sent = len(p.sent), append(p.sent, b)
	}
	p.count(i + 1)
}

func (p *packer) side(s *Side) {
	p.count(len(s.Lines))
	for i := range s.Lines {
		p.line(&s.Lines[i])
	}
	o := &s.Options
	p.words(o.Audio)
	p.words(o.Video)
	p.count(len(o.Suites))
	for _, suite := range o.Suites {
		p.b = append(p.b, byte(suite))
	}
	p.b = append(p.b, byte(o.SRTP), byte(o.Mux), o.Events, byte(o.Limit))
	p.flags(o.Pass, s.offered, s.received != nil)
	if s.received != nil {
		p.word(s.received.times())
		p.count(len(s.received.Media))
	}
	p.text(s.sent)
	p.number(s.session)
	p.number(s.version)
	p.number(s.latest)
	p.address(s.address)
	p.number(s.partner)
}

func (p *packer) line(l *Line) {
	p.failed = p.failed || l.Encrypt != nil || l.Decrypt != nil || l.offered != nil
	p.media(&l.Remote)
	p.media(&l.Local)
	p.flags(l.Mux)
	p.count(l.Peer + 1)
	p.list(l.bound)
}

func (p *packer) media(m *Media) {
	p.failed = p.failed || m.Crypto != nil
	p.flags(m.Mux, m.Held, m.ICE, m.DTLS)
	p.b = append(p.b, byte(m.Direction))
	p.word(m.Kind)
	p.word(m.Proto)
	p.count(int(m.Port))
	p.list(m.Formats)
	p.address(m.Address)
	p.word(m.Host)
	p.address(m.RTCP.Addr())
	p.count(int(m.RTCP.Port()))
	p.count(m.first)
	p.count(m.end)
}

type unpacker struct {
	*Packed
	rest []byte
}

func (u *unpacker) number() uint64 {
	n, length := binary.Uvarint(u.rest)
	u.rest = u.rest[length:]
	return n
}

func (u *unpacker) count() int { return int(u.number()) }

func (u *unpacker) byte() byte {
	b := u.rest[0]
	u.rest = u.rest[1:]
	return b
}

func (u *unpacker) flags(all ...*bool) {
	n := u.byte()
	for i, on := range all {
		*on = n&(1<<i) != 0
	}
}

func (u *unpacker) bytes(n int) []byte {
	b := u.rest[:n]
	u.rest = u.rest[n:]
	return b
}

func (u *unpacker) word() string { return intern(string(u.bytes(u.count()))) }

func (u *unpacker) words() []string {
	n := u.count()
	if n == 0 {
		return nil
	}
	list := make([]string, n)
	for i := range list {
		list[i] = u.word()
	}
	return list
}

func (u *unpacker) address() netip.Addr {
	a, _ := netip.AddrFromSlice(u.bytes(u.count()))
	return a
}

func (u *unpacker) list() []Format {
	if i := u.count(); i > 0 {
		return u.formats[i-1]
	}
	return nil
}

func (u *unpacker) text() []byte {
	if i := u.count(); i > 0 {
		return u.sent[i-1]
	}
	return nil
}

func (u *unpacker) side() *Side {
	s := new(Side)
	if n := u.count(); n > 0 {
		s.Lines = make([]Line, n)
	}
	for i := range s.Lines {
		u.line(&s.Lines[i])
	}
	o := &s.Options
	o.Audio, o.Video = u.words(), u.words()
	for range u.count() {
		o.Suites = append(o.Suites, Suite(u.byte()))
	}
	o.SRTP, o.Mux, o.Events, o.Limit = SRTP(u.byte()), Mux(u.byte()), u.byte(), Direction(u.byte())
	var received bool
	u.flags(&o.Pass, &s.offered, &received)
	if received {
		s.received = timed(u.word())
		s.received.Media = make([]Media, u.count())
	}
	s.sent = u.text()
	s.session, s.version, s.latest = u.number(), u.number(), u.number()
	s.address = u.address()
	s.partner = u.number()
	return s
}

func (u *unpacker) line(l *Line) {
	u.media(&l.Remote)
	u.media(&l.Local)
	u.flags(&l.Mux)
	l.Peer = u.count() - 1
	l.bound = u.list()
}

func (u *unpacker) media(m *Media) {
	u.flags(&m.Mux, &m.Held, &m.ICE, &m.DTLS)
	m.Direction = Direction(u.byte())
	m.Kind, m.Proto = u.word(), u.word()
	m.Port = uint16(u.number())
	m.Formats = u.list()
	m.Address = u.address()
	m.Host = u.word()
	rtcp := u.address()
	m.RTCP = netip.AddrPortFrom(rtcp, uint16(u.number()))
	m.first, m.end = u.count(), u.count()
}

// times are the lines of a description that say when the session is.
func (d *Description) times() string {
	var b strings.Builder
	for _, l := range d.lines[:d.head] {
		if text := d.line(l); text[0] == 't' || text[0] == 'r' || text[0] == 'z' {
			b.WriteString(text)
			b.WriteString("\r\n")
		}
	}
	return b.String()
}

// timed is a description that says nothing but times.
func timed(times string) *Description {
	d := &Description{text: "v=0\r\n" + times}
	_, _, _ = d.split() // its lines were read before
	return d
}
