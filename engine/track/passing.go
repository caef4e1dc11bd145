package track

import (
	"slices"
	"strconv"
	"strings"

	"github.com/sipscript/sipscript/engine/cdr"
	"github.com/sipscript/sipscript/engine/proxy"
	"github.com/sipscript/sipscript/sip"
)

// Passing is the passage of one request inside a dialog through the tracked calls it belongs to: nearly always one.
type Passing struct {
	turns []*turn // in the order in which the request meets them
	final bool    // how it was answered is known
	first turn
	room  [1]*turn
}

// turn is the passage through one call.
type turn struct {
	*dialog
	down   bool   // the caller has sent it
	method string // of the request
	ahead  uint32 // what was added to its CSeq
	number uint32 // its CSeq as it came
	target string // the Contact it has brought, if that is to count
	offers bool   // it carries an offer
	astray bool   // it goes to somebody else than the other side, as far as is known
}

// with adds a call to p when the call knows the callee's tag. The result is p, or a new one for nil.
func (p *Passing) with(c *Call, method, callee string, down bool) *Passing {
	i := slices.IndexFunc(c.dialogs, func(d *dialog) bool { return d.tag == callee })
	if i < 0 {
		return p
	}
	if p == nil {
		p = &Passing{}
		p.first = turn{dialog: c.dialogs[i], down: down, method: strings.Clone(method)}
		p.room[0] = &p.first
		p.turns = p.room[:]
		return p
	}
	p.turns = append(p.turns, &turn{dialog: c.dialogs[i], down: down, method: p.first.method})
	return p
}

// reverse turns the order round: what the callee sends meets the last call first.
func (p *Passing) reverse() { slices.Reverse(p.turns) }

// Record is that of the call.
func (p *Passing) Record() *cdr.Record { return p.turns[0].call.Record }

// Request implements proxy.Passage.
func (p *Passing) Request(m *sip.Message, next func(int)) { p.request(p.turns, m, next) }

func (p *Passing) request(left []*turn, m *sip.Message, next func(int)) {
	if len(left) == 0 {
		next(0)
		return
	}
	left[0].request(m, func(refused int) {
		if refused != 0 {
			next(refused)
			return
		}
		p.request(left[1:], m, next)
	})
}

// Response implements proxy.Passage.
func (p *Passing) Response(r *sip.Message, by sip.Flow, next func(int)) {
	p.response(len(p.turns)-1, r, by, next)
}

func (p *Passing) response(i int, r *sip.Message, by sip.Flow, next func(int)) {
	if i < 0 {
		next(0)
		return
	}
	p.turns[i].response(r, by, func(refused int) {
		if refused != 0 {
			next(refused)
			return
		}
		p.response(i-1, r, by, next)
	})
}

// Restore implements proxy.Passage.
func (p *Passing) Restore(r *sip.Message) {
	for _, t := range slices.Backward(p.turns) {
		t.restore(r)
	}
	if status := r.Status(); status >= 200 {
		p.Final(status)
	}
}

// Answers implements proxy.Passage. The last call has sent the request to whom the challenge comes from.
func (p *Passing) Answers(r, m *sip.Message) bool { return p.turns[len(p.turns)-1].answers(r, m) }

// Failed implements proxy.Passage: nobody has answered.
func (p *Passing) Failed() { p.Final(408) }

// Final says with what status the request was answered, 0 when nobody will know: here, or by who is behind the passage. The side that sends a BYE leaves the dialog whatever the answer
// is (RFC 3261 §15.1.1), unless it is asked for its credentials first.
func (p *Passing) Final(status int) {
	if p.final {
		return
	}
	p.final = true
	for _, t := range p.turns {
		if t.method != sip.BYE || status == 401 || status == 407 {
			continue
		}
		by := cdr.ByCallee
		if t.down {
			by = cdr.ByCaller
		}
		if !t.ended && (t.astray || status >= 300 && status != 408 && status != 481) {
			t.hangUp() // a gateway that has not seen it, or has refused it, would go on with a call that nobody counts and limits
			t.call.dialogEnded(by)
			continue
		}
		t.end(by)
	}
}

// highest is the CSeq number up to which requests are passed on in a call that is tracked: a BYE of this server's own needs one above, below the 2^31 at
// which others stop reading (RFC 3261 §8.1.1.5). Whoever counts up to there would have a call that cannot be ended.
const highest = 1<<31 - 1<<8

// request edits and notes a request on its way.
func (t *turn) request(m *sip.Message, next func(int)) {
	if cseq, err := m.CSeq(); err == nil {
		t.number = cseq.Number
	}
	if t.number > highest && t.method != sip.ACK && t.method != sip.BYE {
		next(500)
		return
	}
	other := &t.callee
	if !t.down {
		other = &t.call.caller
	}
	t.astray = !other.meets(m)
	if t.method == sip.INVITE || t.method == sip.UPDATE {
		var s side
		s.refresh(m)
		t.target = s.target
	}
	if t.down {
		t.goDown(m)
	} else {
		if !t.astray {
			t.callee.sent = max(t.callee.sent, t.number)
		}
		if t.leg.shown != "" {
			m.Set("To", t.call.from)
		}
	}
	t.relayRequest(m, next)
}

// goDown puts what the callee expects into a request of the caller.
func (t *turn) goDown(m *sip.Message) {
	c := t.call
	if t.method != sip.ACK && !t.astray {
		c.caller.sent = max(c.caller.sent, t.number)
	}
	t.ahead = t.shift
	if t.method == sip.ACK {
		t.ahead = t.inviteShift
	}
	if t.ahead > 0 {
		setCSeq(m, t.number+t.ahead)
		t.shiftRAck(m)
	}
	if t.leg.shown != "" {
		m.Set("From", t.leg.shown)
	}
	if t.method == sip.INVITE {
		t.inviteShift = t.ahead
	}
	if t.leg.auth == nil {
		return
	}
	if t.method != sip.ACK {
		t.leg.auth.Attach(m)
		t.invited(m)
		return
	}
	if len(t.inviteProof) > 0 {
		m.Remove("Authorization") // as in the INVITE, they were for others
		m.Remove("Proxy-Authorization")
	}
	for _, f := range t.inviteProof {
		m.Add(f.Name, f.Value)
	}
}

// shiftRAck adjusts the CSeq number that a PRACK names, RFC 3262 §7.2: that of the INVITE.
func (t *turn) shiftRAck(m *sip.Message) {
	if t.method != sip.PRACK {
		return
	}
	v, _ := m.Value(sip.RAck)
	f := strings.Fields(v)
	if len(f) != 3 {
		return
	}
	if n, err := strconv.ParseUint(f[1], 10, 32); err == nil {
		m.Set("RAck", f[0]+" "+strconv.FormatUint(n+uint64(t.inviteShift), 10)+" "+f[2])
	}
}

// invited notes an INVITE as it is sent, for its ACK.
func (t *turn) invited(m *sip.Message) {
	if t.method != sip.INVITE {
		return
	}
	t.inviteShift = t.ahead
	t.inviteProof = proof(m)
}

// proof are the credentials in a request.
func proof(m *sip.Message) (fields []sip.Field) {
	for _, n := range [...]sip.Name{sip.Authorization, sip.ProxyAuthorization} {
		for v := range m.Values(n) {
			fields = append(fields, sip.Field{Name: n.String(), Value: strings.Clone(v)})
		}
	}
	return fields
}

// answers answers a challenge inside the dialog. From here on the caller's numbers are one further ahead.
func (t *turn) answers(r, m *sip.Message) bool {
	if !t.down || t.leg.auth == nil || t.method == sip.ACK || !t.leg.auth.Answer(r, m) {
		return false
	}
	t.shift++
	t.ahead = t.shift
	setCSeq(m, t.number+t.ahead)
	t.invited(m)
	return true
}

// response notes what a response says about the dialog: INVITE and UPDATE refresh the targets of both sides (RFC 3261 §12.2, RFC 3311 §5.1).
func (t *turn) response(r *sip.Message, by sip.Flow, next func(int)) {
	if r.Status()/100 == 2 && (t.method == sip.INVITE || t.method == sip.UPDATE) {
		sender, other := &t.call.caller, &t.callee
		if !t.down {
			sender, other = other, sender
		}
		if t.target != "" {
			sender.target = t.target
		}
		other.refresh(r)
		t.refreshed(r)
	}
	t.relayResponse(r, by, next)
}

// restore puts what the sender of the request expects into its response.
func (t *turn) restore(r *sip.Message) {
	switch {
	case !t.down && t.leg.shown != "":
		r.Set("To", t.callerName())
	case t.down && t.leg.shown != "":
		r.Set("From", t.call.from)
	}
	if t.ahead > 0 {
		setCSeq(r, t.number)
	}
	if a := t.call.anchor; a != nil && t.offers && r.Status() >= 300 {
		a.rollback()
	}
}

var _ proxy.Passage = (*Passing)(nil)
