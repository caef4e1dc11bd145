package call

import (
	"slices"
	"strconv"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/dialog"
	"github.com/sipscript/sipscript/sip/transaction"
	"github.com/sipscript/sipscript/sip/wheel"
)

// inbound is a request of the peer in the leg's dialog, until its final response.
type inbound struct {
	call    *Call
	session *session
	m       *sip.Message
	tx      *transaction.Server
	fed     bool // the negotiation knows of it
	done    bool

	patience wheel.Timer // with the other side, for what is no INVITE
}

// Receive handles a request in the dialog of a leg that Find has found, but an ACK. m is kept.
func (e *Env) Receive(c *Call, m *sip.Message, flow sip.Flow) {
	m.Keep()
	in := &inbound{call: c, m: m}
	in.tx = e.Proxy.Table.NewServer(m, flow, in)
	in.session = c.sessionFor(m)
	e.run(c, func() { c.receive(in, flow) })
}

func (c *Call) sessionFor(m *sip.Message) *session {
	if c.session != nil {
		return c.session
	}
	id := dialog.Of(m)
	i := slices.IndexFunc(c.dial.early, func(s *session) bool { return s.dialog.ID() == id })
	if i < 0 {
		return nil
	}
	return c.dial.early[i]
}

func (c *Call) receive(in *inbound, flow sip.Flow) {
	if in.session == nil || c.state == over {
		in.reply(481, nil)
		return
	}
	if code := in.session.dialog.Receive(in.m); code != 0 {
		in.reply(code, nil)
		return
	}
	if list := unsupported(in.m); list != "" && in.m.Method() != sip.CANCEL {
		in.reply(420, func(r *sip.Message) { r.Add("Unsupported", list) })
		return
	}
	if in.m.Has(sip.Replaces) { // it is for INVITEs alone, and for one that makes a dialog (RFC 3891 §3)
		in.reply(400, nil)
		return
	}
	if c.flow != nil {
		*c.flow = flow // where the peer is now: a NAT may have given it another port, or it has connected anew
	}
	switch in.m.Method() {
	case sip.BYE:
		c.byeReceived(in)
	case sip.INVITE, sip.UPDATE:
		c.modify(in)
	case sip.PRACK:
		c.prack(in)
	case sip.INFO:
		c.info(in)
	case sip.MESSAGE:
		c.message(in)
	case sip.REFER:
		c.refer(in)
	case sip.NOTIFY:
		c.notified(in)
	case sip.OPTIONS:
		in.reply(200, capable)
	case sip.SUBSCRIBE:
		c.subscribed(in)
	case sip.REGISTER, sip.PUBLISH:
		in.reply(405, func(r *sip.Message) { r.Add("Allow", methods) })
	default:
		in.reply(501, func(r *sip.Message) { r.Add("Allow", methods) })
	}
}

// capable is what OPTIONS asks for (RFC 3261 §11.2).
func capable(r *sip.Message) {
	r.Add("Allow", methods)
	r.Add("Accept", sdpType)
	r.Add("Supported", supported)
}

// reply answers the request, once.
func (in *inbound) reply(code int, edit func(r *sip.Message)) *sip.Message {
	if in.done {
		return nil
	}
	c := in.call
	r := sip.NewResponse(in.m, code, "", in.m.ToTag())
	if in.session != nil {
		r = respondIn(in.session, in.m, code, "")
	}
	if code == 415 {
		r.Add("Accept", sdpType)
		r.Add("Accept-Encoding", "identity")
	}
	if edit != nil {
		edit(r)
	}
	if method := in.m.Method(); code/100 == 2 && (method == sip.INVITE || method == sip.UPDATE) {
		c.expiry.answer(in.m, r)
	}
	if in.fed {
		_, _ = in.session.talks.Send(dialog.StepOf(r, len(r.Body()) > 0)) // what is said is decided; it only has to know
	}
	if in.session != nil {
		in.session.dialog.Responded(in.m, r)
	}
	_ = in.tx.Respond(code, encode(r)) // a failed send is reported by the transport
	if code >= 200 {
		in.done = true
		in.patience.Stop()
		c.asked = slices.DeleteFunc(c.asked, func(other *inbound) bool { return other == in })
		if in.fed && c.wanted != nil {
			c.On((*Call).freed)
		}
	}
	if in.fed && in.m.Method() == sip.PRACK {
		in.session.reliable.answered(in.m, code)
	}
	return r
}

// refuse is reply for what may have been answered already.
func (in *inbound) refuse(code int) { in.reply(code, nil) }

// tooEarly refuses what the state of the offers does not allow.
func (in *inbound) tooEarly(why dialog.Refused) {
	in.reply(why.Status, func(r *sip.Message) {
		if why.RetryAfter {
			r.Add("Retry-After", strconv.Itoa(dialog.RetryAfter(in.call.env.Proxy.Random())))
		}
	})
}

// impatient answers an UPDATE that the other side has not answered in half the time its client waits: it must not fail for
// want of a response (RFC 3311 §5.2).
func (in *inbound) impatient() {
	c := in.call
	c.env.run(c, func() {
		if c.terminal != nil {
			c.backend.Rollback(c.terminal)
		}
		in.refuse(504)
	})
}

// LocalTag is our tag, for the answer to a CANCEL of it.
func (in *inbound) LocalTag() string { return in.m.ToTag() }

// Canceled is the peer's CANCEL of its re-INVITE. Whom it was passed to is told; what that brings is the answer.
func (in *inbound) Canceled(string) {
	c := in.call
	if in.done || in.m.Method() != sip.INVITE {
		return
	}
	if c.joined && c.link != nil {
		c.link.tell(c, withdrawn{})
		return
	}
	c.env.run(c, func() { in.refuse(487) })
}

// ServerEnded implements transaction.ServerUser.
func (in *inbound) ServerEnded(*transaction.Server, error) {
	c := in.call
	in.done = true
	in.patience.Stop()
	c.asked = slices.DeleteFunc(c.asked, func(other *inbound) bool { return other == in })
}

var _ transaction.ServerUser = (*inbound)(nil)
