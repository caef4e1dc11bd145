package siptest

import (
	"fmt"

	"github.com/sipscript/sipscript/sip"
)

// transactionKey is how messages find their transaction (RFC 3261 §17.1.3, §17.2.3).
type transactionKey struct{ branch, sentBy, method string }

// keyOf is the key of a message by its top Via. An ACK has that of its INVITE.
func keyOf(m *sip.Message) transactionKey {
	via, err := m.Via()
	if err != nil {
		return transactionKey{}
	}
	method := m.Method()
	if method == sip.ACK {
		method = sip.INVITE
	}
	return transactionKey{via.Branch, fmt.Sprintf("%s:%d", via.Host, via.Port), method}
}

// ackKey finds the ACK for a 2xx.
type ackKey struct {
	callID, localTag, remoteTag string
	number                      uint32
}

func ackKeyOf(m *sip.Message) ackKey {
	cseq, err := m.CSeq()
	if err != nil {
		return ackKey{}
	}
	return ackKey{m.CallID(), m.FromTag(), m.ToTag(), cseq.Number}
}

// sent is a request that was sent. With Reliable it is a client transaction.
type sent struct {
	outgoing
	key      transactionKey
	timer    repeat
	final    bool
	next     *sent           // the same with credentials
	answered map[string]bool // To tags of the 2xx seen
	ack      []byte          // for the failure
}

// begin remembers a request and starts Timer A or E.
func (u *UA) begin(req *sip.Message, o outgoing) {
	s := &sent{outgoing: o, key: keyOf(req), answered: map[string]bool{}}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.sent[s.key] = s
	if cseq, err := req.CSeq(); err == nil {
		u.numbers[req.CallID()] = max(u.numbers[req.CallID()], cseq.Number)
	}
	if u.reliable && !u.closed && o.path.stream == nil {
		longest := t2
		if req.Method() == sip.INVITE {
			longest = 64 * t1
		}
		u.repeats.start(&s.timer, o, t1, longest, u.repeatDue)
	}
}

func (u *UA) sentBy(req *sip.Message) *sent {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.sent[keyOf(req)]
}

// request reads the request again: a message is one goroutine's, and this one may be the reader's.
func (s *sent) request() *sip.Message {
	m, err := sip.RereadSent(s.bytes)
	if err != nil {
		panic(fmt.Sprintf("siptest: a request that was sent cannot be read: %v", err))
	}
	return m
}

func (u *UA) receiveResponse(m *sip.Message, raw []byte) {
	u.mu.Lock()
	var again *outgoing
	seen := false
	s := u.sent[keyOf(m)]
	if s != nil && u.reliable {
		seen, again = u.advance(s, m)
	}
	u.mu.Unlock()
	if again != nil {
		u.transmit(*again)
	}
	if !seen && !u.answerChallenge(s, m) {
		u.show(m, raw)
	}
}

// advance is the client transaction: whether the response is a copy, and what to send for it.
func (u *UA) advance(s *sent, m *sip.Message) (seen bool, send *outgoing) {
	invite := s.key.method == sip.INVITE
	status := m.Status()
	switch {
	case status < 200 && s.final:
		return false, nil
	case status < 200 && invite:
		u.repeats.stop(&s.timer)
		return false, nil
	case status < 200:
		s.timer.next = t2 // Timer E in Proceeding (§17.1.2.2)
		return false, nil
	case !invite:
		u.repeats.stop(&s.timer)
		seen, s.final = s.final, true
		return seen, nil
	case status < 300:
		u.repeats.stop(&s.timer)
		s.final = true
		seen = s.answered[m.ToTag()]
		s.answered[m.ToTag()] = true
		if ack, ok := u.acks[ackKeyOf(m)]; ok {
			return seen, &ack
		}
		return seen, nil
	}
	u.repeats.stop(&s.timer)
	seen, s.final = s.final, true
	if s.ack == nil {
		s.ack = sip.NewACK(s.request(), m).Append(nil)
	}
	return seen, &outgoing{s.path, s.ack}
}
