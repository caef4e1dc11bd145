package proxy

import (
	"time"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/transaction"
)

// cancelGrace is how long what the CANCELs bring is waited for when a target's or a group's time is up: no caller
// waits 32 s for a dead phone.
const cancelGrace = time.Second

// cancel gives the branch up: at once if nothing was sent, by a CANCEL if a provisional has come, else when one comes.
func (b *branch) cancel() {
	switch b.state {
	case waiting, resolving:
		b.end(&answer{code: 487})
	case calling:
		b.to(holding)
	case proceeding:
		b.to(cancelled)
		b.sendCancel()
	}
}

// expire gives the branch up because its time is up. One that rang gets a second for what the CANCEL brings; one that
// never answered, or was given up before, counts as ended. Either way a late answer still finds it.
func (b *branch) expire() {
	b.expired = true
	switch b.state {
	case ended:
	case proceeding:
		b.cancel()
		b.ctx.env.Loop.Wheel().Schedule(&b.limit, cancelGrace)
	default:
		b.cancel()
		b.report(&answer{code: 408})
	}
}

// sendCancel cancels the INVITE that was sent: the same Via, request URI and Route, to the same place
// (RFC 3261 §9.1). A non-INVITE is left to its Timer F.
func (b *branch) sendCancel() {
	if b.ctx.invite {
		b.ctx.env.Cancel(b.client, b.ctx.reason())
	}
}

// Cancel sends the CANCEL of an INVITE to which a provisional response has come, with the value of a Reason header field or
// "".
func (e *Env) Cancel(client *transaction.Client, reason string) {
	sent, err := sip.RereadSent(client.Sent())
	if err != nil {
		return // it has had its final response
	}
	m := sip.NewCancel(sent)
	if reason != "" {
		m.Add("Reason", reason)
	}
	v, err := m.Via()
	if err != nil {
		return
	}
	e.Table.NewClient(transaction.ClientRequest{
		Method: sip.CANCEL, Branch: v.Branch, CallID: m.CallID(), Flow: client.Flow(), ServerName: client.ServerName(),
		Bytes: m.Append(make([]byte, 0, m.Size())),
	}, nobody{})
}

// reason is why the branches are cancelled, RFC 3326 §2: the caller's own words, or that another phone was faster, so
// that nobody is told of a missed call.
func (c *Context) reason() string {
	if c.invite && c.answered() {
		return `SIP;cause=200;text="Call completed elsewhere"`
	}
	return c.cancel
}

// nobody is the user of a transaction whose outcome changes nothing.
type nobody struct{}

func (nobody) ClientResponse(*transaction.Client, *sip.Message) {}
func (nobody) ClientFailed(*transaction.Client, error)          {}
func (nobody) ClientEnded(*transaction.Client)                  {}

var _ transaction.ClientUser = nobody{}
