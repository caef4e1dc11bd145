package call_test

import (
	"time"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/dialog"
	"github.com/sipscript/sipscript/sip/transaction"
	"github.com/sipscript/sipscript/sip/wheel"
)

// early is what a phone does reliably before a call is answered (RFC 3262).
type early struct {
	d     *dialog.Dialog // of a caller whose call is not answered
	heard dialog.Acknowledgements
	said  bool // the caller has answered the callee's offer in a PRACK, or was given the answer reliably

	sent    *sip.Message // the callee's reliable response that has no PRACK
	numbers dialog.Provisionals
	waits   dialog.Resends
	again   wheel.Timer
	told    bool // the callee has said all in it
}

// ringReliably sends a provisional response with the answer to what was offered, or with an offer, until its PRACK comes.
func (t *talk) ringReliably() {
	e, p := &t.early, t.p
	if t.final || e.told {
		return
	}
	r := sip.NewResponse(t.invite, 183, "", t.d.ID().Local)
	r.Add("Contact", p.contact())
	r.Add("Allow", "INVITE, ACK, BYE, CANCEL, UPDATE, PRACK, INFO, REFER, NOTIFY")
	r.SetBody("application/sdp", []byte(p.sdp()))
	cseq, _ := t.invite.CSeq()
	e.numbers = dialog.NewProvisionals(cseq.Number, uint64(p.rand.Uint32()))
	if e.numbers.Number(r) != nil {
		return
	}
	e.sent, e.told, e.waits = r, true, dialog.Resends1xx(500*time.Millisecond)
	_ = t.server.Respond(183, bytesOf(r))
	t.d.Responded(t.invite, r)
	t.ringAgain()
}

func (t *talk) ringAgain() {
	e := &t.early
	d, again := e.waits.Next()
	e.again.Init(func() {
		switch {
		case e.sent == nil || t.final || t.p.crashed:
		case !again:
			t.conclude(504, "")
			t.over = true
		default:
			_ = t.server.Respond(183, bytesOf(e.sent))
			t.ringAgain()
		}
	})
	t.p.wheel.Schedule(&e.again, d)
}

// pracked is a PRACK of the caller's.
func (t *talk) pracked(m *sip.Message, s *transaction.Server) {
	e, p := &t.early, t.p
	if e.sent == nil || e.numbers.Matches(m) != 200 || e.numbers.Acknowledge(m) != 200 {
		p.reply(s, m, 481, "", "")
		return
	}
	e.again.Stop()
	answer := ""
	if len(m.Body()) > 0 && len(t.invite.Body()) > 0 {
		answer = p.sdp() // it offers anew
	}
	if len(m.Body()) == 0 && len(t.invite.Body()) == 0 {
		p.wrong = append(p.wrong, "a PRACK without the answer that is due in "+m.CallID())
	}
	e.sent = nil
	p.reply(s, m, 200, "", answer)
}

// acknowledge1xx sends the PRACK of a reliable response, with the answer to what is offered in it, and sometimes with an offer.
func (t *talk) acknowledge1xx(r *sip.Message) {
	e, p := &t.early, t.p
	if !dialog.Reliable(r) {
		return
	}
	if e.d == nil {
		d, err := dialog.NewUAC(t.invite, r)
		if err != nil {
			p.wrong = append(p.wrong, err.Error())
			return
		}
		e.d = d
	}
	if e.heard.Receive(r) != dialog.Next {
		return
	}
	_ = e.d.Response(r)
	m := e.d.Prack(r)
	offered := len(t.invite.Body()) > 0
	switch {
	case len(r.Body()) > 0 && !e.said && !offered:
		e.said = true
		m.SetBody("application/sdp", []byte(p.sdp()))
	case len(r.Body()) > 0 && offered:
		e.said = true
	}
	p.send(m, nil, nil)
}

// takeOver calls this server from the place of a dialog of this phone, as one that moves to another device.
func (t *talk) takeOver() {
	id := t.d.ID()
	t.p.callWith("p0", sip.Field{Name: "Replaces", Value: id.CallID + ";to-tag=" + id.Remote + ";from-tag=" + id.Local})
}
