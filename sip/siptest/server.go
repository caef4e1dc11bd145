package siptest

import (
	"fmt"
	"net/netip"

	"github.com/sipscript/sipscript/sip"
)

// served is a request that came. With Reliable it is a server transaction.
type served struct {
	path  path
	tag   string // the To tag of the answers, "" when the request has one
	last  *outgoing
	ack   ackKey // of the ACK for a 2xx to an INVITE
	acked bool   // an ACK was shown
	timer repeat
}

func (u *UA) receiveRequest(m *sip.Message, from path, raw []byte) {
	u.mu.Lock()
	var again *outgoing
	seen := false
	if m.Method() == sip.ACK {
		seen = u.acknowledge(m) && u.reliable
	} else if s := u.served[keyOf(m)]; s == nil {
		u.served[keyOf(m)] = u.serve(m, from)
	} else if u.reliable {
		seen, again = true, s.last
	}
	handle := u.handle
	u.mu.Unlock()
	switch {
	case again != nil:
		u.transmit(*again)
	case seen:
	case handle != nil:
		handle(m)
	default:
		u.show(m, raw)
	}
}

// serve makes the record of a new request. Tags are given out here, as requests come one by one, and not when the test
// or a timer answers.
func (u *UA) serve(m *sip.Message, from path) *served {
	s := &served{path: from}
	if s.path.stream == nil {
		if via, err := m.Via(); err == nil {
			host, port := via.ReplyAddr()
			if addr, ok := addrOf(host); ok {
				s.path.addr = netip.AddrPortFrom(addr, port)
			}
		}
	}
	tag := m.ToTag()
	if tag == "" {
		u.counters["tag"]++
		s.tag = fmt.Sprintf("%s-t%d", u.name, u.counters["tag"])
		tag = s.tag
	}
	if cseq, err := m.CSeq(); err == nil && m.Method() == sip.INVITE {
		s.ack = ackKey{m.CallID(), m.FromTag(), tag, cseq.Number}
	}
	return s
}

// acknowledge stops what waits for an ACK and reports whether one like it was there before.
func (u *UA) acknowledge(ack *sip.Message) (seen bool) {
	if s := u.served[keyOf(ack)]; s != nil {
		return u.acknowledged(s)
	}
	for _, s := range u.served {
		if s.ack == ackKeyOf(ack) {
			seen = u.acknowledged(s) || seen
		}
	}
	return seen
}

func (u *UA) acknowledged(s *served) (seen bool) {
	u.repeats.stop(&s.timer)
	seen, s.acked = s.acked, true
	return seen
}

// Reply answers a request that this endpoint got and returns the response as sent. 1xx and 2xx that can make a dialog have
// a Contact.
func (u *UA) Reply(req *sip.Message, code int, opts ...Option) *sip.Message {
	u.t.Helper()
	u.mu.Lock()
	s := u.served[keyOf(req)]
	u.mu.Unlock()
	if s == nil {
		u.t.Errorf("%s did not get this request:\n%v", u.name, req)
		return nil
	}
	resp := sip.NewResponse(req, code, "", s.tag)
	if code > 100 && code < 300 && contactMethod(req.Method()) {
		resp.Add("Contact", "<"+u.Contact()+">")
	}
	for _, o := range opts {
		o(resp)
	}
	o := outgoing{s.path, resp.Append(nil)}
	u.mu.Lock()
	s.last = &o
	if u.reliable && !u.closed && code >= 200 && req.Method() == sip.INVITE && (code < 300 || s.path.stream == nil) {
		// Timer G, and for 2xx the UAS core itself (RFC 3261 §13.3.1.4).
		u.repeats.start(&s.timer, o, t1, t2, u.repeatDue)
	}
	u.mu.Unlock()
	u.transmit(o)
	return resp
}
