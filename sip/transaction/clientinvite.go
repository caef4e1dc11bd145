package transaction

import "github.com/sipscript/sipscript/sip"

// clientInvite is the INVITE client transaction of RFC 3261 §17.1.1 with the Accepted state of RFC 6026 §7.2 (figure 5
// there). On a reliable transport there is no Timer A, and Timer D is zero.
//
//	state        event           → state       actions
//	             user               calling     send, start A (unreliable), B
//	calling      A fires            calling     send, A = 2A without a cap
//	calling      B fires            terminated  tell the user: ErrTimeout
//	calling      1xx                proceeding  pass
//	proceeding   1xx                proceeding  pass
//	both         2xx                accepted    pass, start M
//	both         300-699            completed   send ACK, keep it, pass, start D
//	both         transport error    terminated  tell the user: ErrTransport
//	accepted     2xx                accepted    pass
//	accepted     other              accepted    absorb
//	accepted     M fires            terminated  tell the user
//	completed    300-699            completed   send ACK
//	completed    other              completed   absorb
//	completed    D fires            terminated
//	completed    transport error    terminated
//
// In Proceeding no timer runs: how long a phone may ring is the user's Timer C. With the user gone, 64·T1 bound it.
type clientInvite struct{ *Client }

func (tx clientInvite) start() {
	tx.to(Calling)
	tx.sendFirst()
}

func (tx clientInvite) to(next State) {
	timers := tx.table.cfg.Timers
	tx.resend.Stop()
	tx.wait.Stop()
	tx.moved(next)
	tx.state = next
	switch next {
	case Calling:
		tx.retransmit(timers.T1)
		tx.arm(&tx.wait, timers.timeout())
	case Proceeding:
		if tx.user == nil {
			tx.arm(&tx.wait, timers.timeout())
		}
	case Accepted:
		tx.bytes = nil
		tx.leaveConnection()
		tx.arm(&tx.wait, onGrid(tx.table.elapsed(), timers.timeout()))
	case Completed:
		tx.leaveConnection()
		tx.arm(&tx.wait, tx.linger(timers.timerD()))
	case Terminated:
		tx.bytes = nil
		tx.leaveConnection()
		tx.table.removeClient(tx.Client)
	}
}

func (tx clientInvite) receive(resp *sip.Message) {
	status := resp.Status()
	early := tx.state == Calling || tx.state == Proceeding
	switch {
	case early && status < 200:
		if tx.state == Calling {
			tx.to(Proceeding)
		}
		tx.pass(resp)
	case early && status < 300:
		tx.to(Accepted)
		tx.pass(resp)
	case early:
		tx.acknowledge(resp)
		tx.to(Completed)
		tx.pass(resp)
		tx.ended()
	case tx.state == Accepted && status >= 200 && status < 300:
		tx.pass(resp)
	case tx.state == Completed && status >= 300 && tx.bytes != nil:
		tx.again()
	default:
		tx.absorbed()
	}
}

// acknowledge sends the ACK for a 300-699 to where the INVITE went, on any transport (RFC 3261 §17.1.1.3). From here on
// the ACK takes the place of the INVITE.
func (tx clientInvite) acknowledge(resp *sip.Message) {
	invite, err := sip.RereadSent(tx.bytes)
	tx.bytes = nil
	if err != nil {
		return
	}
	tx.bytes = encode(sip.NewACK(invite, resp))
	tx.send()
}

func (tx clientInvite) abandoned() {
	if tx.state == Proceeding {
		tx.arm(&tx.wait, tx.table.cfg.Timers.timeout())
	}
}

// resendFired is Timer A.
func (tx clientInvite) resendFired() {
	tx.again()
	tx.retransmit(2 * tx.interval)
}

// waitFired is the timer of the state: B, M or D, and what bounds Proceeding without a user.
func (tx clientInvite) waitFired() {
	switch tx.state {
	case Calling, Proceeding:
		tx.timedOut()
	default:
		tx.to(Terminated)
		tx.ended()
	}
}
