package dialog

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/sipscript/sipscript/sip"
)

// FuzzDialog makes a dialog of whatever INVITE or response was accepted. The requests made in it must be readable by anyone, and belong to
// that dialog.
func FuzzDialog(f *testing.F) {
	for _, fields := range []string{
		"Contact: <sip:alice@192.0.2.1>", "Contact: <sip:a@b;method=X?h=v>\r\nRecord-Route: <sip:p1>, \"x\" <sip:p2;lr>;a=b", "m: sip:a;x\r\nRecord-Route: <sip:p;lr=\"",
		"Contact: <sip:a@b>\r\nRequire: 100rel\r\nRSeq: 1\r\nSession-Expires: 90;refresher=uas\r\nMin-SE: 100\r\nSupported: timer",
	} {
		f.Add("SIP/2.0 200 OK", fields)
		f.Add(inviteLine, fields)
	}
	f.Fuzz(func(t *testing.T, line, fields string) {
		m, err := sip.ReadDatagram([]byte(line+"\r\nVia: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKx\r\nFrom: <sip:a@a>;tag=A\r\nTo: <sip:b@b>\r\n"+
			"Call-ID: c\r\nCSeq: 1 INVITE\r\n"+fields+"\r\n\r\n"), sip.Limits{})
		if err != nil {
			return
		}
		invite := read(t, inviteLine, newTo, alice)
		var d *Dialog
		if m.IsRequest() {
			d, _ = NewUAS(m, "B", "<sip:us@192.0.2.5>")
		} else {
			d, _ = NewUAC(invite, m)
		}
		var timer SessionTimer
		answer := sip.NewResponse(invite, 200, "", "B")
		if timer.Check(m, SessionPolicy{}) == 0 {
			timer.Answer(m, answer, SessionPolicy{})
		}
		timer.Accepted(invite, m, SessionPolicy{Interval: time.Hour})
		if interval := timer.Interval(); interval != 0 && (interval < smallestInterval || timer.Expire() <= timer.Refresh()) {
			t.Fatalf("interval %v, refresh %v, expire %v", interval, timer.Refresh(), timer.Expire())
		}
		new(Acknowledgements).Receive(m)
		if d == nil {
			return
		}
		if err := d.Response(m); err == nil && m.Status() >= 300 && d.State() == Early {
			t.Fatalf("%v after %d", d, m.Status())
		}
		d.Receive(m)
		for _, request := range []*sip.Message{d.Request(sip.INVITE), d.Request(sip.BYE), d.ACK(invite), d.Prack(m)} {
			request.Prepend("Via", "SIP/2.0/UDP 192.0.2.5;branch=z9hG4bKy")
			again, err := sip.ReadDatagram(request.Append(nil), sip.Limits{})
			if err != nil {
				t.Fatalf("%v in\n%s", err, request)
			}
			if back := Of(again); back.CallID != d.ID().CallID || back.Local != d.ID().Remote || back.Remote != d.ID().Local {
				t.Fatalf("%v in dialog %v", back, d.ID())
			}
		}
	})
}

// FuzzNegotiation sends and receives anything in any order. A step that is refused must change nothing, and what Busy and MayUpdate promise must
// hold.
func FuzzNegotiation(f *testing.F) {
	f.Add([]byte{0x00, 0x41, 0x82, 0xC3, 0x10, 0x51, 0x92, 0xD3})
	f.Fuzz(func(t *testing.T, steps []byte) {
		var n Negotiation
		methods := [...]string{sip.INVITE, sip.ACK, sip.PRACK, sip.UPDATE}
		statuses := [...]int{0, 183, 200, 488}
		for _, b := range steps {
			s := Step{Method: methods[b&3], Status: statuses[b>>2&3], Description: b&16 != 0, Reliable: b&32 != 0}
			before := n
			if b&64 != 0 {
				if _, err := n.Send(s); err != nil && n != before {
					t.Fatalf("%+v is refused with %v, and\n%+v becomes\n%+v", s, err, before, n)
				}
			} else if _, refused := n.Receive(s); refused.Status != 0 && n != before {
				t.Fatalf("%+v is refused with %v, and\n%+v becomes\n%+v", s, refused, before, n)
			}
			again := n
			if _, err := again.Send(Step{Method: sip.INVITE, Description: true}); (err != nil) != n.Busy() {
				t.Fatalf("busy %v, yet %v in %+v", n.Busy(), err, n)
			}
			again = n
			if _, err := again.Send(Step{Method: sip.UPDATE, Description: true}); (err == nil) != n.MayUpdate() {
				t.Fatalf("may update %v, yet %v in %+v", n.MayUpdate(), err, n)
			}
		}
	})
}

// end is a user agent that only knows its negotiation, what awaits its answer and what awaits its acknowledgement.
type end struct {
	n    Negotiation
	out  []Step // on the way to the other end, in order
	open []Step // requests that it has to answer
	todo []string
	cseq uint32
	rel  bool // its latest reliable response has not been acknowledged
}

// TestTwoEndsAgree has two ends send each other whatever their negotiations allow, in an order that a seed decides. When both have come to
// rest neither waits for the other, and both think that there is a session.
func TestTwoEndsAgree(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3000) {
		random := rand.New(rand.NewPCG(seed, 1))
		var a, b end
		weCalled.play(t, &a.n)
		weCalled.mirror().play(t, &b.n)
		for range 200 {
			me, other := &a, &b
			if random.IntN(2) == 0 {
				me, other = other, me
			}
			switch random.IntN(3) {
			case 0:
				me.begin(random)
			case 1:
				me.act(random)
			case 2:
				other.deliver(t, me)
			}
		}
		for range 100 {
			for range 20 {
				a.deliver(t, &b)
				b.deliver(t, &a)
			}
			a.act(random)
			b.act(random)
		}
		if a.n.Busy() || b.n.Busy() || !a.n.Session() || !b.n.Session() || len(a.out)+len(b.out)+len(a.open)+len(b.open) > 0 {
			t.Fatalf("seed %d:\n%+v\n%+v", seed, a, b)
		}
	}
}

// begin sends a new request, if it may.
func (e *end) begin(random *rand.Rand) {
	s := Step{Method: [...]string{sip.INVITE, sip.UPDATE}[random.IntN(2)], Description: random.IntN(3) > 0}
	e.send(s)
}

// act does one of the things that are due: an ACK, a PRACK, or an answer.
func (e *end) act(random *rand.Rand) {
	if len(e.todo) > 0 {
		method := e.todo[0]
		s := Step{Method: method}
		s.Description = e.n.Due(s)
		if method == sip.PRACK && !s.Description && random.IntN(3) == 0 {
			s.Description = true
			if e.send(s) {
				e.todo = e.todo[1:]
				return
			}
			s.Description = false
		}
		if e.send(s) {
			e.todo = e.todo[1:]
		}
		return
	}
	if len(e.open) == 0 {
		return
	}
	i := random.IntN(len(e.open))
	request := e.open[i]
	s := Step{Method: request.Method, Status: [...]int{200, 200, 488, 183}[random.IntN(4)], Description: random.IntN(2) == 0, CSeq: request.CSeq}
	s.Reliable = s.Status == 183
	if s.Reliable && (s.Method != sip.INVITE || e.rel) {
		return
	}
	if !e.send(s) {
		s.Description = !s.Description
		if !e.send(s) {
			return
		}
	}
	if s.Status != 183 {
		e.open = append(e.open[:i:i], e.open[i+1:]...)
	}
}

func (e *end) send(s Step) bool {
	if s.Status == 0 {
		e.cseq++
		s.CSeq = e.cseq
	}
	if _, err := e.n.Send(s); err != nil {
		return false
	}
	e.rel = e.rel || s.Reliable
	e.out = append(e.out, s)
	return true
}

// deliver hands the oldest message of from to e.
func (e *end) deliver(t *testing.T, from *end) {
	if len(from.out) == 0 {
		return
	}
	s := from.out[0]
	from.out = from.out[1:]
	part, refused := e.n.Receive(s)
	e.rel = e.rel && s.Method != sip.PRACK
	switch {
	case refused.Status != 0:
		e.out = append(e.out, Step{Method: s.Method, Status: refused.Status, CSeq: s.CSeq})
	case part == Missing:
		t.Fatalf("an answer is missing in %+v: %+v", s, e.n)
	case s.Status == 0 && s.Method != sip.ACK:
		e.open = append(e.open, s)
	case s.Method == sip.INVITE && s.Status == 200:
		e.todo = append(e.todo, sip.ACK)
	case s.Reliable:
		e.todo = append(e.todo, sip.PRACK)
	}
}
