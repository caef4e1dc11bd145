package proxy

import (
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/transaction"
)

// sendCancel cancels an INVITE that was sent: the same Via, request URI and Route, to the same place
// (RFC 3261 §9.1). The caller's Reason goes along (RFC 3326 §2).
func (e *Env) sendCancel(invite *transaction.Client, reason string) {
	sent, err := sip.RereadSent(invite.Sent())
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
		Method: sip.CANCEL, Branch: v.Branch, CallID: m.CallID(), Flow: invite.Flow(), ServerName: invite.ServerName(),
		Bytes: m.Append(make([]byte, 0, m.Size())),
	}, nobody{})
}

// nobody is the user of a transaction whose outcome changes nothing.
type nobody struct{}

func (nobody) ClientResponse(*transaction.Client, *sip.Message) {}
func (nobody) ClientFailed(*transaction.Client, error)          {}
func (nobody) ClientEnded(*transaction.Client)                  {}

var _ transaction.ClientUser = nobody{}
