package engine

import (
	"net/netip"

	"github.com/sipscript/sipscript/engine/proxy"
	"github.com/sipscript/sipscript/sip"
)

// reply answers without a transaction. The tag is a keyed hash of the request, so that a retransmission gets the same
// answer though nothing is remembered (RFC 3261 §8.2.7).
func (c *core) reply(m *sip.Message, flow sip.Flow, code int, headers ...sip.Field) {
	if m.Method() == sip.ACK {
		return
	}
	r := sip.NewResponse(m, code, "", c.statelessTag(m))
	for _, h := range headers {
		r.Add(h.Name, h.Value)
	}
	c.engine.count("stateless_reply")
	if to, ok := replyFlow(m, flow); ok {
		c.sender.Send(to, encode(r))
	}
}

func (c *core) statelessTag(m *sip.Message) string {
	var room [512]byte
	b := room[:0]
	via, err := m.Via()
	if err == nil {
		b = append(append(b, via.Branch...), via.Host...)
	}
	b = append(append(append(b, m.CallID()...), 0), m.FromTag()...)
	return string(proxy.AppendBase32([]byte{stateless}, c.engine.key.Sum(b)))
}

// answeredAlone reports whether an ACK is for what reply has sent: it has the tag. It ends here, whatever Route it carries.
func (c *core) answeredAlone(ack *sip.Message) bool {
	tag := ack.ToTag()
	return len(tag) == 1+statelessLetters && tag[0] == stateless && tag == c.statelessTag(ack)
}

// A stateless tag begins with an s; the rest is a hash in base32.
const (
	stateless        = 's'
	statelessLetters = 13
)

// replyFlow is where the response to m goes, RFC 3261 §18.2.2 and RFC 3581 §4: back on a connection, else to maddr,
// else to where the request was seen to come from, at the port the sender named.
func replyFlow(m *sip.Message, flow sip.Flow) (sip.Flow, bool) {
	if flow.Transport.Reliable() {
		return flow, true
	}
	via, err := m.Via()
	if err != nil {
		return flow, false
	}
	host, port := via.ReplyAddr()
	u := sip.URI{Scheme: "sip", Host: host}
	addr, ok := u.Addr()
	if !ok {
		addr = flow.Remote.Addr()
	}
	flow.Remote = netip.AddrPortFrom(addr, port)
	return flow, true
}
