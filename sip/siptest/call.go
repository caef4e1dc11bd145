package siptest

import "github.com/sipscript/sipscript/sip"

// Established is a call between two endpoints.
type Established struct {
	Caller, Callee *Dialog
	Invite         *sip.Message // as the callee got it
	Answer         *sip.Message // as the caller got it
}

// Call calls uri, "" being the callee's AOR, from one endpoint; the other rings and answers. It returns when the ACK has
// come.
func Call(caller, callee *UA, uri string, opts ...Option) *Established {
	caller.t.Helper()
	if uri == "" {
		uri = callee.AOR()
	}
	caller.Request(sip.INVITE, uri, append([]Option{SDP(caller.addr.Addr())}, opts...)...)
	invite := callee.Expect(sip.INVITE, patience)
	callee.Reply(invite, 180)
	caller.Expect("180 INVITE", patience)
	callee.Reply(invite, 200, SDP(callee.addr.Addr()))
	answer := caller.Expect("200 INVITE", patience)
	c := &Established{Caller: caller.Dialog(answer), Callee: callee.Dialog(invite), Invite: invite, Answer: answer}
	c.Caller.ACK()
	callee.Expect(sip.ACK, patience)
	return c
}

// Hangup ends the call from the caller's side and waits for the 200.
func (c *Established) Hangup() { hangup(c.Caller, c.Callee) }

// HangupByCallee ends the call from the callee's side and waits for the 200.
func (c *Established) HangupByCallee() { hangup(c.Callee, c.Caller) }

func hangup(from, to *Dialog) {
	from.u.t.Helper()
	from.BYE()
	to.u.Reply(to.u.Expect(sip.BYE, patience), 200)
	from.u.Expect("200 BYE", patience)
}
