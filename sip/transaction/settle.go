package transaction

import (
	"net/netip"
	"time"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/wheel"
)

// settle makes a remnant of a server transaction that has nothing to do any more but absorb, and nobody to tell of it.
func (s *Server) settle() {
	if s.user != nil || s.settled || s.old != nil {
		return
	}
	w := waitTimeout
	switch {
	case s.state == Completed && !s.invite(), s.state == Accepted:
	case s.state == Confirmed:
		w = waitT4
	default:
		return
	}
	m, ok := s.table.remnant(s.key, s.method, s.state, s.flow)
	if !ok {
		return
	}
	m.server, m.due = true, s.table.due(&s.wait)
	s.stopTimers()
	s.table.removeServer(s)
	s.settled = true
	s.table.remains.add(m, s.last, w)
	s.last = nil
}

// PassOn lets the user of an accepted INVITE go before Timer M: further 2xx need nothing of it, but are to be sent on by
// the flow up. Table.Response says so when one comes.
func (c *Client) PassOn(up sip.Flow) {
	if c.state != Accepted || c.settled {
		return
	}
	if m, ok := c.table.remnant(c.key, c.method, c.state, up); ok {
		c.user = nil
		c.bury(m, waitTimeout)
	}
}

// settle makes a remnant of a client transaction that has nothing to do any more but absorb, and nobody to tell of it.
func (c *Client) settle() {
	if c.user != nil || c.settled || c.state != Completed {
		return
	}
	m, ok := c.table.remnant(c.key, c.method, c.state, c.flow)
	switch {
	case !ok:
	case c.method == sip.INVITE:
		c.bury(m, waitD)
	default:
		c.bury(m, waitT4)
	}
}

func (c *Client) bury(m remnant, w wait) {
	m.due = c.table.due(&c.wait)
	c.resend.Stop()
	c.wait.Stop()
	c.table.removeClient(c)
	c.settled = true
	c.table.remains.add(m, c.bytes, w)
	c.bytes = nil
}

// remnant is false for what has to stay as it is: a method without a number, a stream.
func (t *Table) remnant(k key, name string, state State, flow sip.Flow) (remnant, bool) {
	n, known := methodOf(name)
	if !known {
		return remnant{}, false
	}
	packed, ok := pack(flow)
	return remnant{key: k.of(n), method: n, state: state, flow: packed}, ok
}

// Request takes a request to the transaction it belongs to, for an ACK that of its INVITE (RFC 3261 §17.2.3), as Server
// does. done is true when that has finished and told its user: then m was answered or absorbed, and nothing is left to
// do. The ACK of a 2xx is never done with: it is the core's (RFC 6026 §7.1).
func (t *Table) Request(m *sip.Message) (s *Server, done bool) {
	k, ok := t.hash.server(m, m.Method())
	if !ok {
		return nil, false
	}
	if s = t.servers[k]; s != nil {
		return s, false
	}
	return nil, t.settledRequest(m, k)
}

func (t *Table) settledRequest(m *sip.Message, k key) (done bool) {
	name := m.Method()
	ack := name == sip.ACK
	if ack {
		name = sip.INVITE
	}
	n, known := methodOf(name)
	if !known {
		return false
	}
	r := t.remains.find(k.of(n))
	if r == nil || ack && r.state == Accepted {
		return false
	}
	t.remains.again(r)
	return true
}

// Response takes a response to the client transaction it belongs to, by the branch of its top Via and the method of its
// CSeq (RFC 3261 §17.1.3). done is true when that has finished and told its user: then m was answered or absorbed, unless
// up is set. That is the flow by which a further 2xx has to go on (see Client.PassOn). What belongs to none is dropped
// (RFC 6026 §7.3). It does not allocate.
func (t *Table) Response(m *sip.Message) (c *Client, up sip.Flow, done bool) {
	via, err := m.Via()
	if err != nil {
		return nil, up, false
	}
	if c = t.ClientByBranch(via.Branch, m.Method()); c != nil {
		return c, up, false
	}
	n, known := methodOf(m.Method())
	if !known {
		return nil, up, false
	}
	r := t.remains.find(t.hash.client(via.Branch).of(n))
	switch {
	case r == nil:
		return nil, up, false
	case r.state == Accepted && m.Status() >= 200 && m.Status() < 300:
		return nil, r.flow.unpack(), true
	case r.size > 0 && m.Status() < 300: // Completed is left by a 300-699 alone
		t.trace(Event{Kind: Absorbed, Method: r.method.String(), From: r.state, To: r.state})
	default:
		t.remains.again(r)
	}
	return nil, up, true
}

// due is when a timer that is armed will fire, in the table's time.
func (t *Table) due(timer *wheel.Timer) time.Duration {
	at, _ := timer.Due()
	return at.Sub(t.made)
}

// settledEnd takes what remains of a transaction away.
func (t *Table) settledEnd(k key, name string) {
	if n, known := methodOf(name); known {
		t.remains.forget(k.of(n))
	}
}

// of is the key of what remains of a transaction of this method: an INVITE and its CANCEL have one branch.
func (k key) of(m method) key {
	k[0] ^= uint64(m) + 1
	return k
}

// packedFlow is a UDP flow without a pointer, as netip's addresses have one.
type packedFlow struct {
	local, remote         [16]byte
	localPort, remotePort uint16
	v4                    bool
}

// pack is false for a stream, and for an address that belongs to a zone.
func pack(f sip.Flow) (packedFlow, bool) {
	local, remote := f.Local.Addr(), f.Remote.Addr()
	if f.Transport != sip.UDP || f.Conn != 0 || local.Zone() != "" || remote.Zone() != "" || local.Is4() != remote.Is4() ||
		local.Is4In6() || remote.Is4In6() {
		return packedFlow{}, false
	}
	return packedFlow{local.As16(), remote.As16(), f.Local.Port(), f.Remote.Port(), local.Is4()}, true
}

func (p *packedFlow) unpack() sip.Flow {
	local, remote := netip.AddrFrom16(p.local), netip.AddrFrom16(p.remote)
	if p.v4 {
		local, remote = local.Unmap(), remote.Unmap()
	}
	return sip.Flow{
		Transport: sip.UDP,
		Local:     netip.AddrPortFrom(local, p.localPort), Remote: netip.AddrPortFrom(remote, p.remotePort),
	}
}
