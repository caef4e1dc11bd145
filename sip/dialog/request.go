package dialog

import (
	"strconv"

	"github.com/sipscript/sipscript/sip"
)

// Request returns the next request of the dialog (RFC 3261 §12.2.1.1): request URI and Route by the route set, From, To, Call-ID, the next
// CSeq, Max-Forwards 70, and our Contact where the method takes one. It has no Via and no body, and is kept. Numbers must not be left out,
// so what is made is to be sent. An ACK is made by ACK, a CANCEL by sip.NewCancel.
func (d *Dialog) Request(method string) *sip.Message {
	d.sent++
	m := d.request(method, d.sent)
	if hasContact(m.Method()) {
		m.Add("Contact", d.contact)
	}
	return m
}

// ACK returns the ACK for a 2xx to an INVITE of ours, the first one or a re-INVITE, as it was sent: same number, same credentials (RFC 3261
// §13.2.2.4). The session description, if one is due, is the caller's to add; and each copy of the 2xx gets the same ACK again.
func (d *Dialog) ACK(invite *sip.Message) *sip.Message {
	cseq, _ := invite.CSeq()
	m := d.request(sip.ACK, cseq.Number)
	for _, n := range []sip.Name{sip.Authorization, sip.ProxyAuthorization} {
		for value := range invite.Values(n) {
			m.Add(n.String(), value)
		}
	}
	return m
}

func (d *Dialog) request(method string, number uint32) *sip.Message {
	m := d.aim(method)
	m.Add("Max-Forwards", "70")
	m.Add("From", d.local)
	m.Add("To", d.remote)
	m.Add("Call-ID", d.id.CallID)
	m.Add("CSeq", strconv.FormatUint(uint64(number), 10)+" "+method)
	return m
}

// refreshes reports whether a request of this method, and a 2xx to it, may change the remote target (RFC 3261 §12.2, RFC 3311 §5.1). An ACK
// never does, nor does a PRACK.
func refreshes(method string) bool { return method == sip.INVITE || method == sip.UPDATE }

// hasContact reports whether a request of this method has our Contact: the target refreshes, and those whose sender is to be reached
// apart from this dialog (RFC 3515 §2.2, RFC 6665 §8.2). In BYE, INFO, PRACK and MESSAGE it must not stand.
func hasContact(method string) bool {
	switch method {
	case sip.INVITE, sip.UPDATE, sip.REFER, sip.SUBSCRIBE, sip.NOTIFY:
		return true
	}
	return false
}
