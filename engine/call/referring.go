package call

import (
	"strings"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/wheel"
)

// referring is a REFER of ours: the peer is asked to call somebody else.
type referring struct {
	call  *Call
	done  func(error)
	limit wheel.Timer
}

// Transfer asks the peer to call a URI, RFC 3515. done is told at its last NOTIFY.
func (c *Call) Transfer(uri string, done func(error)) { c.referTo("<"+uri+">", done) }

// TransferTo asks the peer to take the place of this server in its dialog with another leg (RFC 3891 §1).
func (c *Call) TransferTo(other *Call, done func(error)) {
	from := c
	other.On(func(o *Call) {
		if o.state != confirmed {
			from.On(func(*Call) { done(ErrOver) })
			return
		}
		id := o.session.dialog.ID()
		v := sip.ReplacesValue{CallID: id.CallID, ToTag: id.Remote, FromTag: id.Local} // as its peer sees the dialog
		uri := o.session.dialog.Target()
		from.On(func(c *Call) {
			c.referTo("<"+uri+"?Replaces="+sip.EscapeHeader(v.String())+">", done)
		})
	})
}

func (c *Call) referTo(value string, done func(error)) {
	switch {
	case c.state != confirmed:
		done(c.wrong())
		return
	case c.referral != nil:
		done(ErrBusy)
		return
	}
	r := &referring{call: c, done: done}
	c.referral = r
	m := c.session.dialog.Request(sip.REFER)
	m.Add("Refer-To", value)
	m.Add("Referred-By", "<sip:"+c.env.Proxy.Names.Domain()+">")
	r.limit.Init(func() { c.env.run(c, func() { r.end(&StatusError{Code: 408}) }) })
	c.env.Loop.Wheel().Schedule(&r.limit, notifies)
	c.runErrand(m, func(code int) {
		if code/100 != 2 {
			r.end(&StatusError{Code: code})
		}
	})
}

func (r *referring) end(err error) {
	if r.call.referral != r {
		return
	}
	r.call.referral = nil
	r.limit.Stop()
	r.done(err)
}

// notified is a NOTIFY of the peer: how a REFER of ours goes.
func (c *Call) notified(in *inbound) {
	ev, err := in.m.Event()
	r := c.referral
	if err != nil || !strings.EqualFold(ev.Package, "refer") {
		in.reply(489, nil)
		return
	}
	if r == nil {
		in.reply(481, nil)
		return
	}
	in.reply(200, nil)
	code := fragment(in.m.Body())
	state, err := in.m.SubscriptionState()
	switch {
	case code >= 300:
		r.end(&StatusError{Code: code})
	case code >= 200:
		r.end(nil)
	case err == nil && state.State == "terminated":
		r.end(&StatusError{Code: 480})
	}
}

// fragment reads the status line of a message/sipfrag, 0 for none.
func fragment(b []byte) int {
	rest, ok := strings.CutPrefix(string(b), "SIP/2.0 ")
	if !ok || len(rest) < 3 {
		return 0
	}
	code, valid := sip.ParseSeconds(rest[:3])
	if !valid {
		return 0
	}
	return code
}
