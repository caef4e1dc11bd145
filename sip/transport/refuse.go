package transport

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"strings"
	"time"

	"github.com/sipscript/sipscript/sip"
)

// refuse counts a message that broke the rules and makes the stateless answer it gets, with the port of its sender
// to send it to; no bytes for no answer. m is what could be read of the message, nil when it cannot be answered at
// all, and is gone afterwards.
//
// An ACK and a response never get an answer (RFC 3261 §17, §18.3): two servers would answer each other for ever. Nor
// does a source that had its share: with a forged source address this server would flood a third party.
func (t *Transport) refuse(m *sip.Message, err error, flow sip.Flow, raw []byte, now time.Time) (answer []byte, port uint16) {
	var perr *sip.ParseError
	if !errors.As(err, &perr) {
		perr = &sip.ParseError{Code: 400, Reason: sip.Reason(400)}
	}
	kind := Malformed
	if perr.Code == 513 {
		kind = Oversized
	}
	t.cfg.Trace(Event{Kind: kind, Flow: flow, Data: raw, Err: err})
	if m == nil {
		return nil, 0
	}
	defer m.Release()
	if !t.answers.allow(flow.Remote.Addr(), now) {
		t.cfg.Trace(Event{Kind: AnswerWithheld, Flow: flow})
		return nil, 0
	}
	m.Stamp(flow.Remote)
	via, verr := m.Via()
	if verr != nil {
		return nil, 0
	}
	_, port = via.ReplyAddr()
	return sip.NewResponse(m, perr.Code, perr.Reason, t.statelessTag(m)).Append(nil), port
}

// statelessTag is the same for each copy of one request, as RFC 3261 §8.2.7 wants of a stateless UAS.
func (t *Transport) statelessTag(m *sip.Message) string {
	h := hmac.New(sha256.New, t.tagKey[:])
	for _, n := range []sip.Name{sip.CallID, sip.From, sip.CSeq, sip.Via} {
		v, _ := m.Value(n)
		h.Write([]byte(v))
		h.Write([]byte{0})
	}
	sum := h.Sum(nil)
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:10]))
}
