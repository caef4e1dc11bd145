package transaction

import "fmt"

// serverNonInvite is the server transaction of RFC 3261 §17.2.2 for every method but INVITE and ACK, with the limits of
// RFC 4320: the only provisional response is 100, over an unreliable transport not before the client's Timer E has
// reached T2 (3.5 s), and from then on due; 408 is never sent, nor anything once the client has given up (64·T1). On a
// reliable transport Timer J is zero.
//
//	state       event             → state       actions
//	            request             trying      start the 3.5 s to the 100, and the 64·T1 of the client's Timer F
//	trying      3.5 s pass          proceeding  send 100, keep bytes
//	trying      user sends 100      proceeding  send, keep bytes; unreliable: refuse before 3.5 s
//	trying      request again       trying      absorb
//	proceeding  user sends 100      proceeding  send, keep bytes
//	proceeding  request again       proceeding  send kept bytes
//	both        user sends 2-6xx    completed   send, keep bytes, start J; tell the user after this turn
//	both        user sends other    the same    refuse
//	both        64·T1 pass          terminated  tell the user: ErrTimeout
//	completed   request again       completed   send kept bytes
//	completed   J fires             terminated
//	proceeding, transport error     terminated  tell the user: ErrTransport
//	completed
type serverNonInvite struct{ *Server }

func (tx serverNonInvite) start() {
	// The client began to count Timer F when it sent the request; what is answered later has no one to read it.
	tx.arm(&tx.wait, tx.table.cfg.Timers.timeout())
	tx.to(Trying)
}

func (tx serverNonInvite) to(next State) {
	timers := tx.table.cfg.Timers
	tx.resend.Stop()
	tx.moved(next)
	tx.state = next
	switch next {
	case Trying:
		tx.arm(&tx.resend, timers.nonInvite100())
	case Completed:
		tx.request = nil
		tx.arm(&tx.resend, 0) // tells the user, and not from within Respond
		tx.arm(&tx.wait, tx.linger(onGrid(tx.table.elapsed(), timers.timeout())))
	case Terminated:
		tx.wait.Stop()
		tx.request, tx.last = nil, nil
		tx.table.removeServer(tx.Server)
	}
}

func (tx serverNonInvite) receive(ack bool) (pass bool) {
	if ack || tx.state == Trying {
		tx.absorbed()
	} else {
		tx.again()
	}
	return false
}

func (tx serverNonInvite) respond(status int, b []byte) error {
	switch {
	case tx.state != Trying && tx.state != Proceeding:
		return ErrState
	case status > 100 && status < 200, status == 408, status == 100 && !tx.may100():
		return fmt.Errorf("%w: %d", ErrNonInvite, status)
	case status >= 200:
		tx.answer(status, b)
		tx.to(Completed)
	default:
		tx.answer(status, b)
		tx.provisional()
	}
	return nil
}

func (tx serverNonInvite) trying() {
	if tx.state == Trying && tx.may100() {
		tx.send100()
		tx.provisional()
	}
}

func (tx serverNonInvite) fail(err error) {
	if tx.state == Proceeding || tx.state == Completed {
		tx.to(Terminated)
		tx.ended(fmt.Errorf("%w: %w", ErrTransport, err))
	}
}

// resendFired is the 3.5 s in Trying, and in Completed the turn after the final response.
func (tx serverNonInvite) resendFired() {
	if tx.state == Completed {
		tx.ended(nil)
		return
	}
	tx.send100()
	tx.provisional()
}

// waitFired is Timer J in Completed, and before that the 64·T1 after which the client has given up.
func (tx serverNonInvite) waitFired() {
	if tx.state == Completed {
		tx.to(Terminated)
		return
	}
	tx.timedOut()
	tx.to(Terminated)
	tx.ended(ErrTimeout)
}

func (tx serverNonInvite) provisional() {
	if tx.state == Trying {
		tx.to(Proceeding)
	}
}

// may100 reports whether RFC 4320 §4.1 allows a 100. Over an unreliable transport an early one would set the client's
// Timer E to T2 at once, and a lost final response would then take four seconds to be asked for again.
func (tx serverNonInvite) may100() bool {
	return tx.flow.Transport.Reliable() || tx.table.elapsed()-tx.born >= tx.table.cfg.Timers.nonInvite100()
}
