package siptest

import (
	"net/netip"
	"slices"
	"strconv"

	"github.com/sipscript/sipscript/sip"
)

// Dialog is an endpoint's side of a dialog (RFC 3261 §12). The fields say what the next request looks like; a test that
// wants a wrong one changes them.
type Dialog struct {
	CallID  string
	Local   string   // From of requests, with tag
	Remote  string   // To of requests, with tag
	Target  string   // the peer's Contact, a URI
	Routes  []string // in the order of the Route header
	CSeq    uint32   // of the last request
	NextHop netip.AddrPort

	u           *UA
	invite      uint32      // CSeq of the INVITE whose 2xx was the last
	credentials []sip.Field // of that INVITE
}

// Dialog returns the dialog that a 1xx or 2xx to a request of this endpoint makes, or that the endpoint itself makes by
// answering a request with a tag.
func (u *UA) Dialog(m *sip.Message) *Dialog {
	u.t.Helper()
	if m.IsRequest() {
		return u.dialogAsServer(m)
	}
	return u.dialogAsClient(m)
}

// dialogAsClient is RFC 3261 §12.1.2.
func (u *UA) dialogAsClient(resp *sip.Message) *Dialog {
	u.t.Helper()
	from, _ := resp.Value(sip.From)
	to, _ := resp.Value(sip.To)
	d := &Dialog{u: u, CallID: resp.CallID(), Local: from, Remote: to, Routes: routes(resp)}
	slices.Reverse(d.Routes)
	if cseq, err := resp.CSeq(); err == nil {
		d.CSeq = cseq.Number
	}
	return d.Accepted(resp)
}

// dialogAsServer is RFC 3261 §12.1.1.
func (u *UA) dialogAsServer(req *sip.Message) *Dialog {
	u.t.Helper()
	u.mu.Lock()
	s := u.served[keyOf(req)]
	u.mu.Unlock()
	if s == nil {
		u.t.Fatalf("%s did not get this request:\n%v", u.name, req)
	}
	from, _ := req.Value(sip.From)
	to, _ := req.Value(sip.To)
	if s.tag != "" {
		to += ";tag=" + s.tag
	}
	d := &Dialog{u: u, CallID: req.CallID(), Local: to, Remote: from, Routes: routes(req)}
	d.retarget(req)
	return d
}

// retarget takes the remote target from a message of the peer (RFC 3261 §12.2.1.2).
func (d *Dialog) retarget(m *sip.Message) {
	if contacts, err := m.Contacts(); err == nil && len(contacts) > 0 {
		d.Target = contacts[0].URI.String()
	}
}

func routes(m *sip.Message) []string { return slices.Collect(m.List(sip.RecordRoute)) }

// Request sends a request within the dialog (RFC 3261 §12.2.1.1) and returns it as sent. It goes to NextHop when that is
// set, else to its first Route or, without one, to the remote target; to the server where that is a name.
func (d *Dialog) Request(method string, opts ...Option) *sip.Message {
	d.u.t.Helper()
	d.u.mu.Lock()
	d.CSeq = max(d.CSeq, d.u.numbers[d.CallID]) + 1 // a challenged request took one by itself
	d.u.mu.Unlock()
	return d.send(method, d.CSeq, opts)
}

// ReINVITE sends an INVITE within the dialog.
func (d *Dialog) ReINVITE(opts ...Option) *sip.Message {
	d.u.t.Helper()
	return d.Request(sip.INVITE, opts...)
}

// BYE ends the dialog.
func (d *Dialog) BYE(opts ...Option) *sip.Message {
	d.u.t.Helper()
	return d.Request(sip.BYE, opts...)
}

// ACK acknowledges the 2xx that made the dialog or, after Accepted, the one given there (RFC 3261 §13.2.2.4). With
// Reliable the endpoint repeats it for each copy of the 2xx.
func (d *Dialog) ACK(opts ...Option) *sip.Message {
	d.u.t.Helper()
	repeated := func(m *sip.Message) { // nobody can challenge an ACK (RFC 3261 §22.1)
		for _, c := range d.credentials {
			m.Add(c.Name, c.Value)
		}
	}
	ack := d.send(sip.ACK, d.invite, append([]Option{repeated}, opts...))
	if way, err := d.u.way(d.nextHop(ack)); err == nil {
		d.u.mu.Lock()
		defer d.u.mu.Unlock()
		d.u.acks[ackKeyOf(ack)] = outgoing{way, ack.Append(nil)}
	}
	return ack
}

// Accepted notes the 2xx to a re-INVITE or other target refresh of this side: its Contact is the new remote target, and
// the next ACK is for it.
func (d *Dialog) Accepted(resp *sip.Message) *Dialog {
	if cseq, err := resp.CSeq(); err == nil && cseq.Method == sip.INVITE {
		d.invite = cseq.Number
		d.credentials = d.u.credentialsOf(resp)
	}
	d.retarget(resp)
	return d
}

func (d *Dialog) send(method string, number uint32, opts []Option) *sip.Message {
	d.u.t.Helper()
	uri, route := d.Target, d.Routes
	if len(route) > 0 {
		if first, err := sip.ParseAddress(route[0]); err == nil && !first.URI.LooseRoute() {
			uri = first.URI.String()
			route = append(slices.Clone(route[1:]), "<"+d.Target+">")
		}
	}
	m := d.u.build(method, uri, opts, func(m *sip.Message) {
		for _, r := range route {
			m.Add("Route", r)
		}
		m.Add("From", d.Local)
		m.Add("To", d.Remote)
		m.Add("Call-ID", d.CallID)
		m.Add("CSeq", strconv.FormatUint(uint64(number), 10)+" "+method)
		if contactMethod(method) {
			m.Add("Contact", "<"+d.u.Contact()+">")
		}
	})
	return d.u.launch(m, d.nextHop(m))
}

func (d *Dialog) nextHop(m *sip.Message) netip.AddrPort {
	if d.NextHop.IsValid() {
		return d.NextHop
	}
	uri := m.URIText()
	if routes, err := m.Routes(); err == nil && len(routes) > 0 && routes[0].URI.LooseRoute() {
		uri = routes[0].URI.String()
	}
	if u, err := sip.ParseURI(uri); err == nil {
		if addr, ok := u.Addr(); ok {
			port := u.Port
			if port == 0 {
				port = d.u.transport.DefaultPort()
			}
			return netip.AddrPortFrom(addr, port)
		}
	}
	return d.u.server
}

func addrOf(host string) (netip.Addr, bool) {
	u := sip.URI{Scheme: "sip", Host: host}
	return u.Addr()
}
