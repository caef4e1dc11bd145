//go:build linux

package load

import "bytes"

// attempt is one operation at the calling side.
//
//	state       event              → state       actions
//	idle        begin              trying        send request
//	trying      retransmission due trying        send it again
//	trying      1xx to INVITE      proceeding
//	trying, proceeding  2xx        INVITE: holding, ACK, BYE after Hold; else idle, succeeded
//	trying, proceeding  3xx-6xx    idle          INVITE: ACK; failed
//	holding     hold is over       closing       send BYE
//	closing     2xx                idle          succeeded
//	any         give-up is due     idle          failed
type attempt struct {
	number int64
	begun  int64 // when its first request was sent
	asked  int64 // when the request of the open transaction was first sent
	state  state
	bye    []byte
}

type state uint8

const (
	idle state = iota
	trying
	proceeding
	holding
	closing
)

// begin starts operation number. A slot of the ring still busy means that more operations are open than it holds: the old one has failed.
func (g *generator) begin(now, number int64) {
	a := &g.attempts[number%slots]
	if a.state != idle {
		g.result.TimedOut++
		g.end(a, now)
	}
	*a = attempt{number: number, begun: now, asked: now, state: trying}
	g.sendRequest(number)
	g.armTransaction(now, a)
	g.open++
	g.result.Started++
}

func (g *generator) end(a *attempt, now int64) {
	a.state = idle
	g.giveBuffer(&a.bye)
	g.open--
	g.lastEnd = now
}

func (g *generator) fail(a *attempt, status int, now int64) {
	g.result.Codes[status]++
	g.end(a, now)
}

// user returns which user operation number is for, and the CSeq number of that user's next REGISTER.
func (g *generator) user(number int64) (user, cseq int64) {
	return g.cfg.User + number%g.cfg.Users, firstCSeq + number/g.cfg.Users
}

// firstCSeq gives REGISTER numbers a fixed width, so that the template has a fixed length.
const firstCSeq = 100_000

// operation reads the operation's number from the Call-ID (REGISTER: and CSeq, as all of a user have one Call-ID); -1: not of this run.
func (g *generator) operation(m *message) int64 {
	rest, ok := bytes.CutPrefix(m.callID, g.callIDPrefix)
	if !ok {
		return -1
	}
	digits, _, _ := bytes.Cut(rest, []byte("@"))
	if user, ok := bytes.CutPrefix(digits, []byte("r")); ok {
		return (m.cseq-firstCSeq)*g.cfg.Users + number(user) - g.cfg.User
	}
	return number(digits)
}

func (g *generator) sendRequest(number int64) {
	user, cseq := g.user(number)
	g.caller.queue(g.template.append(g.caller.buffer(), number, user, cseq))
}

func (g *generator) sendBye(a *attempt, now int64) {
	g.caller.queue(a.bye)
	a.state, a.asked = closing, now
	g.armTransaction(now, a)
}

// onResponse takes a datagram that came to the calling side.
func (g *generator) onResponse(b []byte, now int64) {
	m := &g.message
	if err := m.read(b); err != nil {
		g.anomaly("caller: "+err.Error(), b)
		return
	}
	if m.method != nil {
		g.anomaly("caller: got a request", b)
		return
	}
	number := g.operation(m)
	if number < 0 || g.attempts[number%slots].number != number {
		g.result.Stray++
		return
	}
	if m.viaCount() != 1 {
		g.anomaly("caller: not exactly one Via in a response", b)
		return
	}
	if !g.ourBranch(m.vias[0], m.cseqMethod[0], number) {
		g.anomaly("caller: branch of another request", b)
		return
	}
	a := &g.attempts[number%slots]
	switch m.cseqMethod[0] {
	case 'I':
		g.onInviteResponse(a, m, b, now)
	case 'B':
		if a.state != closing {
			g.duplicate(m)
		} else if m.status >= 200 {
			g.byes.add(now - a.asked)
			g.conclude(a, m, now)
		}
	default:
		if a.state != trying {
			g.duplicate(m)
		} else if m.status >= 200 {
			g.answers.add(now - a.begun)
			g.conclude(a, m, now)
		}
	}
}

// duplicate counts a final response that came again.
func (g *generator) duplicate(m *message) {
	if m.status >= 200 {
		g.result.Duplicates++
	}
}

func (g *generator) conclude(a *attempt, m *message, now int64) {
	if m.status >= 300 {
		g.fail(a, m.status, now)
		return
	}
	g.result.Succeeded++
	g.end(a, now)
}

func (g *generator) onInviteResponse(a *attempt, m *message, b []byte, now int64) {
	waiting := a.state == trying || a.state == proceeding
	switch {
	case m.status < 200:
		if waiting {
			a.state = proceeding
		}
	case m.status >= 300:
		g.caller.queue(g.appendFailureAck(g.caller.buffer(), m, a.number))
		if waiting {
			g.fail(a, m.status, now)
		} else {
			g.result.Duplicates++
		}
	case !waiting: // the ACK was lost or crossed this one: it is due again (RFC 3261 §13.2.2.4)
		g.result.Duplicates++
		if m.contact != nil {
			g.caller.queue(g.appendInDialog(g.caller.buffer(), "ACK", 'A', m, a.number, "1 ACK"))
		}
	case m.contact == nil || !m.toTag():
		g.anomaly("caller: 200 without Contact or To tag", b)
		g.fail(a, m.status, now)
	default:
		g.checkRecordRoute(m, b)
		g.answers.add(now - a.begun)
		g.caller.queue(g.appendInDialog(g.caller.buffer(), "ACK", 'A', m, a.number, "1 ACK"))
		a.bye = g.appendInDialog(g.takeBuffer(), "BYE", 'B', m, a.number, "2 BYE")
		if g.cfg.Hold == 0 {
			g.sendBye(a, now)
			return
		}
		a.state = holding
		g.holds.push(due{at: now + int64(g.cfg.Hold), number: a.number, state: holding})
	}
}

// checkRecordRoute: the server must stay on the path, as a loose router (RFC 3261 §16.6 item 4); one that has answered itself
// is the end of it.
func (g *generator) checkRecordRoute(m *message, b []byte) {
	switch {
	case g.cfg.Direct:
	case g.cfg.Mode == B2BUA:
		if len(m.recordRoutes) > 0 {
			g.anomaly("caller: Record-Route of the other side", b)
		}
	case len(m.recordRoutes) == 0:
		g.anomaly("caller: 200 without Record-Route", b)
	case !bytes.Contains(m.recordRoutes[0], []byte(";lr")):
		g.anomaly("caller: Record-Route without lr", b)
	}
}

// ourBranch checks that the top Via of a response is the one its request was sent with.
func (g *generator) ourBranch(via []byte, method byte, n int64) bool {
	_, rest, _ := bytes.Cut(via, g.branchPrefix)
	return len(rest) >= 11 && rest[0] == method && number(rest[1:11]) == n
}

func (g *generator) appendRequestLine(dst []byte, method string, uri []byte, letter byte, number int64) []byte {
	dst = append(append(append(dst, method...), ' '), uri...)
	dst = append(append(dst, " SIP/2.0\r\nVia: SIP/2.0/UDP "...), g.callerText...)
	dst = append(append(append(dst, ';'), g.branchPrefix...), letter)
	return append(appendNumber(dst, number), ";rport\r\nMax-Forwards: 70\r\n"...)
}

func appendRest(dst []byte, m *message, cseq string) []byte {
	dst = append(append(dst, "From: "...), m.from...)
	dst = append(append(dst, "\r\nTo: "...), m.to...)
	dst = append(append(dst, "\r\nCall-ID: "...), m.callID...)
	dst = append(append(dst, "\r\nCSeq: "...), cseq...)
	return append(dst, "\r\nUser-Agent: sipscript-load\r\nContent-Length: 0\r\n\r\n"...)
}

// appendInDialog makes a request in the dialog that the 200 m has formed: to its Contact, by its Record-Route in reverse (RFC 3261 §12.1.2).
func (g *generator) appendInDialog(dst []byte, method string, letter byte, m *message, number int64, cseq string) []byte {
	dst = g.appendRequestLine(dst, method, m.contact, letter, number)
	routes := m.routeSet()
	for i := len(routes) - 1; i >= 0; i-- {
		dst = append(append(append(dst, "Route: "...), routes[i]...), "\r\n"...)
	}
	return appendRest(dst, m, cseq)
}

// appendFailureAck makes the ACK of the INVITE transaction itself: the INVITE's URI and branch (RFC 3261 §17.1.1.3).
func (g *generator) appendFailureAck(dst []byte, m *message, number int64) []byte {
	user, _ := g.user(number)
	uri := append([]byte("sip:u0000000@"), g.targetText...)
	putDigits(uri[5:12], user)
	return appendRest(g.appendRequestLine(dst, "ACK", uri, 'I', number), m, "1 ACK")
}
