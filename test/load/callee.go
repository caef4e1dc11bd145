//go:build linux

package load

import (
	"bytes"
	"strconv"
)

// leg is one operation at the called side.
type leg struct {
	number int64
	state  legState
	closed bool   // a BYE was answered
	ok     []byte // the 200, sent until its ACK comes
}

type legState uint8

const (
	legNone legState = iota
	legRinging
	legAnswered
	legConfirmed
)

// onRequest takes a datagram that came to the called side.
func (g *generator) onRequest(b []byte, now int64) {
	m := &g.message
	if err := m.read(b); err != nil {
		g.anomaly("callee: "+err.Error(), b)
		return
	}
	if m.method == nil {
		g.anomaly("callee: got a response", b)
		return
	}
	number := g.calledOperation(m)
	if number < 0 {
		g.result.Stray++
		return
	}
	g.checkRequest(m, b)
	l := &g.legs[number%slots]
	switch string(m.method) {
	case "INVITE":
		g.onInvite(l, m, number, now)
	case "ACK":
		switch {
		case l.number != number || l.state < legAnswered:
			g.anomaly("callee: ACK of no 200", b)
		case l.state == legConfirmed:
			g.result.Duplicates++
		default:
			l.state = legConfirmed
			g.giveBuffer(&l.ok)
		}
	case "BYE":
		if l.number != number {
			g.anomaly("callee: BYE of no call", b)
			return
		}
		if l.closed {
			g.result.Duplicates++
		} else {
			g.standing--
		}
		l.closed = true
		fallthrough
	default:
		g.callee.queue(g.appendResponse(g.callee.buffer(), m, "200 OK", number, ""))
	}
}

// calledOperation reads the operation's number as operation does, but from the caller's name where the server makes calls of
// its own: their Call-ID is the server's.
func (g *generator) calledOperation(m *message) int64 {
	if g.cfg.Mode != B2BUA {
		return g.operation(m)
	}
	_, rest, ok := bytes.Cut(m.from, []byte("<sip:c"))
	if !ok {
		return -1
	}
	digits, _, _ := bytes.Cut(rest, []byte("@"))
	return number(digits)
}

// checkRequest: a relayed request carries the server's Via above the caller's, names the registered contact, and has lost the Route that
// named the server (RFC 3261 §16.4); an INVITE has a Record-Route instead. One of the server's own has its Via alone and no
// Record-Route.
func (g *generator) checkRequest(m *message, b []byte) {
	if g.cfg.Direct {
		return
	}
	switch {
	case g.cfg.Mode == B2BUA:
		if m.viaCount() != 1 || len(m.recordRoutes) != 0 {
			g.anomaly("callee: Via or Record-Route of the other side", b)
		}
	case m.viaCount() != 2:
		g.anomaly("callee: not exactly two Via", b)
	}
	if m.routes != 0 {
		g.anomaly("callee: Route left in", b)
	}
	if host, _, _ := bytes.Cut(afterAt(m.uri), []byte(";")); string(host) != g.calleeText {
		g.anomaly("callee: request URI is not the contact", b)
	}
	if g.cfg.Mode != B2BUA && string(m.method) == "INVITE" && len(m.recordRoutes) == 0 {
		g.anomaly("callee: INVITE without Record-Route", b)
	}
}

func afterAt(uri []byte) []byte { return uri[bytes.IndexByte(uri, '@')+1:] }

func (g *generator) onInvite(l *leg, m *message, number, now int64) {
	if l.number == number && l.state != legNone {
		g.result.Duplicates++
		if l.state == legAnswered {
			g.callee.queue(l.ok)
		}
		return
	}
	g.standing++
	g.giveBuffer(&l.ok)
	*l = leg{number: number, state: legRinging, ok: g.appendResponse(g.takeBuffer(), m, "200 OK", number, g.answer)}
	g.callee.queue(g.appendResponse(g.callee.buffer(), m, "180 Ringing", number, ""))
	if g.cfg.Ring == 0 {
		g.pickUp(l, now)
		return
	}
	g.rings.push(due{at: now + int64(g.cfg.Ring), number: number})
}

func (g *generator) pickUp(l *leg, now int64) {
	l.state = legAnswered
	g.callee.queue(l.ok)
	g.oks[0].push(due{at: now + t1, number: l.number})
}

// appendResponse makes a response to m; one that forms a dialog has Contact, To tag and the Record-Route of its request (RFC 3261 §12.1.1).
func (g *generator) appendResponse(dst []byte, m *message, status string, number int64, body string) []byte {
	dst = append(append(append(dst, "SIP/2.0 "...), status...), "\r\n"...)
	for _, via := range m.vias {
		dst = append(append(append(dst, "Via: "...), via...), "\r\n"...)
	}
	for _, route := range m.recordRoutes {
		dst = append(append(append(dst, "Record-Route: "...), route...), "\r\n"...)
	}
	dst = append(append(dst, "From: "...), m.from...)
	dst = append(append(dst, "\r\nTo: "...), m.to...)
	if !m.toTag() {
		dst = appendNumber(append(dst, ";tag=t"...), number)
	}
	dst = append(append(dst, "\r\nCall-ID: "...), m.callID...)
	dst = strconv.AppendInt(append(dst, "\r\nCSeq: "...), m.cseq, 10)
	dst = append(append(dst, ' '), m.cseqMethod...)
	if m.cseqMethod[0] == 'I' {
		dst = append(append(append(dst, "\r\nContact: <"...), m.uri...), '>')
	}
	dst = append(dst, "\r\nUser-Agent: sipscript-load\r\n"...)
	if body != "" {
		dst = append(dst, "Content-Type: application/sdp\r\n"...)
	}
	dst = strconv.AppendInt(append(dst, "Content-Length: "...), int64(len(body)), 10)
	return append(append(dst, "\r\n\r\n"...), body...)
}
