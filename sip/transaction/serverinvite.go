package transaction

// serverInvite is the INVITE server transaction of RFC 3261 §17.2.1 with the Accepted state of RFC 6026 §7.1 (figure 7
// there). On a reliable transport there is no Timer G, and Timer I is zero.
//
//	state       event             → state       actions
//	            INVITE              proceeding  start the 200 ms to the 100
//	proceeding  200 ms pass         proceeding  send 100, keep bytes; not when anything was sent
//	proceeding  user sends 1xx      proceeding  send, keep bytes
//	proceeding  user sends 2xx      accepted    send, start L
//	proceeding  user sends 3-6xx    completed   send, keep bytes, start G (unreliable), H
//	proceeding  INVITE again        proceeding  send kept bytes, if any
//	accepted    user sends 2xx      accepted    send
//	accepted    INVITE again        accepted    absorb
//	accepted    ACK                 accepted    pass to the core
//	accepted    L fires             terminated  tell the user
//	completed   INVITE again        completed   send kept bytes
//	completed   G fires             completed   send kept bytes, G = min(2G, T2)
//	completed   ACK                 confirmed   tell the user, start I
//	completed   H fires             terminated  tell the user: ErrTimeout
//	confirmed   ACK, INVITE again   confirmed   absorb
//	confirmed   I fires             terminated
//	any         transport error     the same    –
//
// What the table does not name is absorbed.
type serverInvite struct{ *Server }

func (tx serverInvite) start() { tx.to(Proceeding) }

func (tx serverInvite) to(next State) {
	timers := tx.table.cfg.Timers
	tx.stopTimers()
	tx.moved(next)
	tx.state = next
	switch next {
	case Proceeding:
		tx.arm(&tx.wait, invite100)
	case Accepted:
		// No retransmission is answered here: the 2xx is the user's to repeat until the ACK comes.
		tx.request, tx.last, tx.old = nil, nil, nil
		tx.arm(&tx.wait, onGrid(tx.table.elapsed(), timers.timeout()))
	case Completed:
		tx.request = nil
		if !tx.flow.Transport.Reliable() {
			tx.interval = timers.T1
			tx.arm(&tx.resend, tx.interval)
		}
		tx.arm(&tx.wait, timers.timeout())
	case Confirmed:
		tx.last = nil
		tx.arm(&tx.wait, tx.linger(timers.T4))
	case Terminated:
		tx.request, tx.last = nil, nil
		tx.table.removeServer(tx.Server)
	}
}

func (tx serverInvite) receive(ack bool) (pass bool) {
	switch {
	case tx.state == Accepted && ack:
		return true
	case tx.state == Completed && ack:
		tx.to(Confirmed)
		tx.ended(nil)
	case (tx.state == Proceeding || tx.state == Completed) && !ack:
		tx.again()
	default:
		tx.absorbed()
	}
	return false
}

func (tx serverInvite) respond(status int, b []byte) error {
	switch {
	case tx.state == Proceeding && status < 200:
		tx.wait.Stop()
		tx.answer(status, b)
	case tx.state == Proceeding && status < 300:
		tx.answer(status, b)
		tx.to(Accepted)
	case tx.state == Proceeding:
		if tx.old != nil {
			tx.old.expectACK(tx.Server, b)
		}
		tx.answer(status, b)
		tx.to(Completed)
	case tx.state == Accepted && status >= 200 && status < 300:
		tx.send(b)
	default:
		return ErrState
	}
	return nil
}

func (tx serverInvite) trying() {
	if tx.state == Proceeding && tx.status == 0 {
		tx.wait.Stop()
		tx.send100()
	}
}

// fail leaves everything as it is: a transaction given up here would take the next retransmission for a new call (RFC
// 6026 §8.8), and the timers end it anyway.
func (tx serverInvite) fail(error) {}

// resendFired is Timer G.
func (tx serverInvite) resendFired() {
	tx.again()
	tx.interval = tx.table.cfg.Timers.doubled(tx.interval)
	tx.arm(&tx.resend, tx.interval)
}

// waitFired is the timer of the state: the 200 ms, L, H or I.
func (tx serverInvite) waitFired() {
	switch tx.state {
	case Proceeding:
		tx.send100()
	case Completed:
		tx.timedOut()
		tx.to(Terminated)
		tx.ended(ErrTimeout)
	default:
		tx.to(Terminated)
		tx.ended(nil)
	}
}
