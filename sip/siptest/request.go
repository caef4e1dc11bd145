package siptest

import (
	"fmt"
	"net/netip"

	"github.com/sipscript/sipscript/sip"
)

// Option changes a message before it is sent. Any function on a message is one; the ones here are the usual.
type Option func(m *sip.Message)

// Header adds a header field.
func Header(name, value string) Option { return func(m *sip.Message) { m.Add(name, value) } }

// Set replaces a header field.
func Set(name, value string) Option { return func(m *sip.Message) { m.Set(name, value) } }

// Without removes all header fields of a name.
func Without(name string) Option { return func(m *sip.Message) { m.Remove(name) } }

// Body sets body and Content-Type.
func Body(contentType, body string) Option {
	return func(m *sip.Message) { m.SetBody(contentType, []byte(body)) }
}

// SDP adds an offer or answer of one audio stream at a host.
func SDP(host netip.Addr) Option {
	family := "IP4"
	if host.Is6() {
		family = "IP6"
	}
	return Body("application/sdp", fmt.Sprintf("v=0\r\no=- 1 1 IN %[1]s %[2]v\r\ns=-\r\nc=IN %[1]s %[2]v\r\nt=0 0\r\n"+
		"m=audio 4000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n", family, host))
}

// contactMethods carry a Contact in requests and in their 1xx and 2xx (RFC 3261 §20.10 and the RFCs of the others).
func contactMethod(method string) bool {
	switch method {
	case sip.INVITE, sip.SUBSCRIBE, sip.NOTIFY, sip.REFER, sip.UPDATE:
		return true
	}
	return false
}

// Request sends a request outside a dialog to the server and returns it as sent. It has a Call-ID, a From tag and a branch
// of its own, From is the endpoint's AOR, To the URI.
func (u *UA) Request(method, uri string, opts ...Option) *sip.Message {
	u.t.Helper()
	call := fmt.Sprintf("%s-%d", u.name, u.count("call"))
	m := u.build(method, uri, opts, func(m *sip.Message) {
		m.Add("From", fmt.Sprintf("<%s>;tag=%s", u.AOR(), call))
		m.Add("To", "<"+uri+">")
		m.Add("Call-ID", call+"@"+u.addr.Addr().String())
		m.Add("CSeq", "1 "+method)
		if contactMethod(method) {
			m.Add("Contact", "<"+u.Contact()+">")
		}
	})
	return u.launch(m, u.server)
}

// build makes a request with a Via of its own.
func (u *UA) build(method, uri string, opts []Option, fill func(m *sip.Message)) *sip.Message {
	m := sip.NewRequest(method, uri)
	m.Add("Via", u.via())
	m.Add("Max-Forwards", "70")
	fill(m)
	for _, o := range opts {
		o(m)
	}
	return m
}

func (u *UA) via() string {
	return fmt.Sprintf("SIP/2.0/%s %s:%d;rport;branch=z9hG4bK-%s-%d",
		u.transport, hostText(u.addr.Addr()), u.addr.Port(), u.name, u.count("branch"))
}

// launch sends a request and remembers it, so that its responses can be told from others.
func (u *UA) launch(m *sip.Message, to netip.AddrPort) *sip.Message {
	u.t.Helper()
	encoded := m.Append(nil)
	asSent, err := sip.RereadSent(encoded)
	if err != nil {
		u.t.Fatalf("%s would send a malformed request (Send does that): %v\n%s", u.name, err, encoded)
	}
	way, err := u.way(to)
	if err != nil {
		u.t.Errorf("%s cannot send %s: %v", u.name, m.Method(), err)
		return asSent
	}
	o := outgoing{way, encoded}
	if m.Method() != sip.ACK {
		u.begin(asSent, o)
	}
	u.transmit(o)
	return asSent
}

// Send sends bytes to the server as they are, malformed or not.
func (u *UA) Send(raw string) {
	u.t.Helper()
	way, err := u.way(u.server)
	if err != nil {
		u.t.Errorf("%s cannot send: %v", u.name, err)
		return
	}
	u.transmit(outgoing{way, []byte(raw)})
}

// SendAgain sends a request once more, byte for byte, as a retransmission.
func (u *UA) SendAgain(req *sip.Message) {
	u.t.Helper()
	s := u.sentBy(req)
	if s == nil {
		u.t.Fatalf("%s has not sent this:\n%v", u.name, req)
	}
	u.transmit(s.outgoing)
}

// CANCEL cancels a request of this endpoint (RFC 3261 §9.1) and returns the CANCEL. Of a request that was challenged it
// cancels the one with the credentials.
func (u *UA) CANCEL(req *sip.Message, opts ...Option) *sip.Message {
	u.t.Helper()
	s := u.sentBy(req)
	if s == nil {
		u.t.Fatalf("%s has not sent this:\n%v", u.name, req)
	}
	for s.next != nil {
		s = s.next
	}
	m := sip.NewCancel(s.request())
	for _, o := range opts {
		o(m)
	}
	return u.launch(m, s.path.remote())
}

// ACK acknowledges a final response to an INVITE of this endpoint and returns the ACK: within the transaction when the
// response is a failure (RFC 3261 §17.1.1.3), else within the dialog.
func (u *UA) ACK(final *sip.Message, opts ...Option) *sip.Message {
	u.t.Helper()
	if final.Status() < 300 {
		return u.Dialog(final).ACK(opts...)
	}
	s := u.sentBy(final)
	if s == nil {
		u.t.Fatalf("%s has sent no request for this response:\n%v", u.name, final)
	}
	m := sip.NewACK(s.request(), final)
	for _, o := range opts {
		o(m)
	}
	return u.launch(m, s.path.remote())
}
