package transaction

import "github.com/sipscript/sipscript/sip"

// clientNonInvite is the client transaction of RFC 3261 §17.1.2 for every method but INVITE and ACK (figure 6 there). On
// a reliable transport there is no Timer E, and Timer K is zero.
//
//	state        event           → state       actions
//	             user               trying      send, start E (unreliable), F
//	trying       E fires            trying      send, E = min(2E, T2)
//	trying       1xx                proceeding  pass; E and F go on
//	proceeding   E fires            proceeding  send, E = T2
//	proceeding   1xx                proceeding  pass
//	both         F fires            terminated  tell the user: ErrTimeout
//	both         200-699            completed   pass, start K
//	both         transport error    terminated  tell the user: ErrTransport
//	completed    any response       completed   absorb
//	completed    K fires            terminated
//	completed    transport error    terminated
type clientNonInvite struct{ *Client }

func (tx clientNonInvite) start() {
	tx.to(Trying)
	tx.sendFirst()
}

// to leaves E and F running from Trying to Proceeding: a 100 does not make the final response reliable, and the 64·T1
// count from the first request.
func (tx clientNonInvite) to(next State) {
	timers := tx.table.cfg.Timers
	tx.moved(next)
	tx.state = next
	switch next {
	case Trying:
		tx.retransmit(timers.T1)
		tx.arm(&tx.wait, timers.timeout())
	case Completed:
		tx.bytes = nil
		tx.leaveConnection()
		tx.resend.Stop()
		tx.arm(&tx.wait, tx.linger(timers.T4))
	case Terminated:
		tx.bytes = nil
		tx.leaveConnection()
		tx.resend.Stop()
		tx.wait.Stop()
		tx.table.removeClient(tx.Client)
	}
}

func (tx clientNonInvite) receive(resp *sip.Message) {
	final := resp.Status() >= 200
	switch {
	case tx.state == Completed || tx.state == Terminated:
		tx.absorbed()
	case final:
		tx.to(Completed)
		tx.pass(resp)
		tx.ended()
	default:
		if tx.state == Trying {
			tx.to(Proceeding)
		}
		tx.pass(resp)
	}
}

func (tx clientNonInvite) abandoned() {} // F or K ends it

// resendFired is Timer E.
func (tx clientNonInvite) resendFired() {
	tx.again()
	if tx.state == Proceeding {
		tx.retransmit(tx.table.cfg.Timers.T2)
	} else {
		tx.retransmit(tx.table.cfg.Timers.doubled(tx.interval))
	}
}

// waitFired is Timer F, or K in Completed.
func (tx clientNonInvite) waitFired() {
	if tx.state == Completed {
		tx.to(Terminated)
		return
	}
	tx.timedOut()
}
