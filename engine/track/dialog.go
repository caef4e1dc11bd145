package track

import (
	"strconv"
	"strings"

	"github.com/sipscript/sipscript/engine/proxy"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/transaction"
	"github.com/sipscript/sipscript/sip/wheel"
)

// dialog is one that a callee has made by its To tag, early or confirmed.
type dialog struct {
	call   *Call
	leg    *leg
	tag    string // the callee's
	named  string // its To, with the tag, as the caller knows it
	callee side

	shift       uint32      // how far the caller's CSeq numbers are ahead at the callee, by now
	inviteShift uint32      // how far that of the INVITE was that is acknowledged next
	inviteProof []sip.Field // the credentials of that INVITE, which its ACK repeats (RFC 3261 §13.2.2.4)

	confirmed bool
	ended     bool
	limited   bool // max_duration was asked for
	answered  bool // the callee's first offer has had its answer

	session *wheel.Timer // until the session that was agreed on expires; nil: none was
}

func newDialog(l *leg, r *sip.Message) *dialog {
	d := &dialog{call: l.call, leg: l, tag: strings.Clone(r.ToTag()), named: value(r, sip.To), shift: l.shift, inviteShift: l.shift}
	d.callee.flow = l.flow
	return d
}

// edits reports whether messages of the dialog are not passed on as they come.
func (d *dialog) edits() bool { return d.shift > 0 || d.leg.shown != "" }

// callerName is how the callee knows the caller.
func (d *dialog) callerName() string {
	if d.leg.shown != "" {
		return d.leg.shown
	}
	return d.call.from
}

// end says that a BYE has ended the dialog.
func (d *dialog) end(by string) {
	if d.ended {
		return
	}
	d.over()
	d.call.dialogEnded(by)
}

func (d *dialog) over() {
	d.ended = true
	if d.session != nil {
		d.session.Stop()
	}
}

// hangUp sends a BYE to both sides, as each would expect it from the other.
func (d *dialog) hangUp() {
	d.over()
	c := d.call
	caller := d.request(&c.caller, d.named, c.from, d.callee.sent+1)
	c.table.originate(caller, &c.caller, nobody{})
	if d.callee.target == "" {
		return
	}
	callee := d.request(&d.callee, d.callerName(), d.named, c.caller.sent+d.shift+1)
	if d.leg.auth == nil {
		c.table.originate(callee, &d.callee, nobody{})
		return
	}
	plain := callee.Clone()
	d.leg.auth.Attach(callee)
	c.table.originate(callee, &d.callee, &farewell{dialog: d, message: plain, number: c.caller.sent + d.shift + 1})
}

// request is a BYE to s inside the dialog, RFC 3261 §12.2.1.1.
func (d *dialog) request(s *side, from, to string, number uint32) *sip.Message {
	m := sip.NewRequest(sip.BYE, s.target)
	m.Add("Max-Forwards", "70")
	for _, route := range s.routes {
		m.Add("Route", route)
	}
	m.Add("From", from)
	m.Add("To", to)
	m.Add("Call-ID", d.call.key.callID)
	m.Add("CSeq", strconv.FormatUint(uint64(number), 10)+" BYE")
	return m
}

// originate sends a request of this server's own to a side.
func (t *Table) originate(m *sip.Message, s *side, user transaction.ClientUser) {
	if s.target == "" {
		return // it has never said where it is
	}
	t.env.Originate(proxy.Own{Message: m, Flow: s.flow, Near: s.near, User: user})
}

// nobody waits for what becomes of a request.
type nobody struct{}

func (nobody) ClientResponse(*transaction.Client, *sip.Message) {}
func (nobody) ClientFailed(*transaction.Client, error)          {}
func (nobody) ClientEnded(*transaction.Client)                  {}

// farewell is a BYE to a gateway that may want a password for it.
type farewell struct {
	nobody
	dialog  *dialog
	message *sip.Message // as it was before any answer
	number  uint32
	again   bool
}

// ClientResponse implements transaction.ClientUser.
func (f *farewell) ClientResponse(_ *transaction.Client, r *sip.Message) {
	if code := r.Status(); code != 401 && code != 407 || f.again {
		return
	}
	m := f.message
	d := f.dialog
	if !d.leg.auth.Answer(r, m) {
		return
	}
	f.again = true
	setCSeq(m, f.number+1)
	d.call.table.originate(m, &d.callee, f)
}

var _ transaction.ClientUser = (*farewell)(nil)
