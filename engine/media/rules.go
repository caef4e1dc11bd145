package media

import (
	"net/netip"
	"strings"

	"github.com/sipscript/sipscript/engine/media/description"
)

// rules are what is described of one m-line, as its packets need it. They are never changed: a new description publishes new ones.
type rules struct {
	// What each packet asks for stands first, in as few lines of the processor's cache as can be: with thousands of streams none of them is there before.
	plain  bool   // not RTP: datagrams pass as they are
	secure bool   // SRTP, or nothing
	mux    bool   // RTCP shares the port of RTP
	sends  bool   // the peer ought to send
	hears  bool   // the peer wants to hear something
	usual  format // the first one of those that the peer may use
	others []format

	rtp, rtcp netip.AddrPort // where the peer wants them; zero: nowhere
	signalled netip.Addr     // where the signalling of the leg comes from; zero if not known
	since     int64          // when this was described

	peer  int        // index of the m-line of the other leg that this one was described with; -1: none
	kind  string     // of media: audio, video, …
	codec impairment // of the first format

	relay  *Relay
	sent   []description.Format // what was written to the peer
	wanted []description.Format // what the peer wrote
}

// format is one payload type.
type format struct {
	payload uint8
	event   bool // telephone-event
	clock   uint32
}

// allows reports whether a source that nothing is known of may be heard: the address described, whatever the port, since a phone behind a NAT sees
// another one than its packets come from; or the address of its signalling. The authentication of SRTP vouches for any. A port of this relay is heard
// only where it was described itself.
func (r *rules) allows(from netip.AddrPort) bool {
	if r.relay.isPort(from) {
		return r.relay.same(from, r.rtp) || r.relay.same(from, r.rtcp)
	}
	ip := from.Addr()
	return r.secure || ip == r.rtp.Addr() || ip == r.rtcp.Addr() || ip == r.signalled
}

// find is the format of a payload type; nil if nobody has described it.
func (r *rules) find(payload uint8) *format {
	if r.usual.payload == payload {
		return &r.usual
	}
	for i := range r.others {
		if r.others[i].payload == payload {
			return &r.others[i]
		}
	}
	return nil
}

// clock is that of what is sent to the peer, as far as its reports are concerned.
func (r *rules) clock() uint32 {
	if len(r.wanted) == 0 {
		return 0
	}
	return uint32(max(0, r.wanted[0].Clock))
}

// newRules reads what is described of one m-line.
func newRules(now int64, line *description.Line, signalled netip.Addr) *rules {
	r := &rules{
		signalled: signalled, secure: encrypted(line), mux: line.Mux, plain: !strings.Contains(proto(line), "RTP/"),
		sends: sends(line.Remote.Direction) && receives(line.Local.Direction) && line.Remote.Port != 0 && line.Local.Port != 0,
		hears: receives(line.Remote.Direction) && sends(line.Local.Direction) && line.Remote.Port != 0 && line.Local.Port != 0,
		since: now, kind: kind(line), peer: line.Peer, sent: line.Local.Formats, wanted: line.Remote.Formats,
	}
	if m := &line.Remote; m.Port != 0 && m.Address.IsValid() && !m.Address.IsUnspecified() {
		r.rtp = netip.AddrPortFrom(m.Address.Unmap(), m.Port)
		r.rtcp = netip.AddrPortFrom(m.RTCP.Addr().Unmap(), m.RTCP.Port())
		if r.mux {
			r.rtcp = r.rtp
		}
	}
	r.usual.payload = description.NoPayload
	for i, f := range line.Local.Formats {
		if i == 0 {
			r.codec = impaired(f.Name)
		}
		if f.Payload == description.NoPayload {
			continue
		}
		next := format{payload: f.Payload, event: strings.EqualFold(f.Name, "telephone-event"), clock: uint32(max(0, f.Clock))}
		if r.usual.payload == description.NoPayload {
			r.usual = next
		} else {
			r.others = append(r.others, next)
		}
	}
	return r
}

// confine takes out of a description where media must not go from the interface own, whoever names it: a peer says what is sent, so that it could
// speak through this server with what trusts this machine, or with everybody at once. Media goes nowhere then until the peer is heard.
func (r *rules) confine(relay *Relay, own netip.Addr) {
	r.relay = relay
	if r.forbids(own, r.rtp) {
		r.rtp = netip.AddrPort{}
	}
	if r.forbids(own, r.rtcp) {
		r.rtcp = netip.AddrPort{}
	}
}

// forbids reports whether to is no place for media: everybody, or this machine itself for a peer that is not on it. What is sent to a port of this
// relay comes in as any other media, and may leave again. Multicast is refused where it is described.
func (r *rules) forbids(own netip.Addr, to netip.AddrPort) bool {
	ip := to.Addr()
	switch {
	case ip == broadcast():
		return true
	case ip.IsLoopback():
		return !own.IsLoopback() && !r.here()
	}
	return r.relay.isOwn(ip) && !r.relay.isPort(to) && r.signalled.IsValid() && !r.here()
}

// here reports whether the peer is on this machine: its signalling comes from there.
func (r *rules) here() bool { return r.signalled.IsLoopback() || r.relay.isOwn(r.signalled) }

// broadcast is the address of all hosts on a network (RFC 919 §7).
func broadcast() netip.Addr { return netip.AddrFrom4([4]byte{255, 255, 255, 255}) }

// encrypted reports whether media is encrypted or will be: between an offer of SRTP and its answer there is no key, and no packet must pass in the
// clear.
func encrypted(line *description.Line) bool {
	return line.Decrypt != nil || line.Encrypt != nil || strings.Contains(proto(line), "RTP/SAVP")
}

// proto is the transport of what was offered, and agreed or not yet answered.
func proto(line *description.Line) string {
	if line.Local.Kind == "" {
		return line.Remote.Proto
	}
	return line.Local.Proto
}

// kind is that of the m-line.
func kind(line *description.Line) string {
	if line.Local.Kind == "" {
		return line.Remote.Kind
	}
	return line.Local.Kind
}

func sends(d description.Direction) bool {
	return d == description.SendRecv || d == description.SendOnly
}

func receives(d description.Direction) bool {
	return d == description.SendRecv || d == description.RecvOnly
}
