package dialog

import "github.com/sipscript/sipscript/sip"

// Step is a message as the offer/answer model sees it: a request when Status is 0, else a response to one.
type Step struct {
	Method      string // of the request, or of the request that is answered
	Status      int    // 408 for a transaction that ended without a final response
	Reliable    bool   // a provisional response with RSeq (RFC 3262)
	Description bool   // it holds a session description
	CSeq        uint32 // tells the responses to several PRACKs apart
}

// StepOf returns the step that a message is. described says whether it holds a session description, which a body of another type or
// disposition is not.
func StepOf(m *sip.Message, described bool) Step {
	cseq, _ := m.CSeq()
	return Step{Method: m.Method(), Status: m.Status(), Reliable: Reliable(m), Description: described, CSeq: cseq.Number}
}

func (s Step) provisional() bool { return s.Status > 0 && s.Status < 200 }

func (s Step) success() bool { return s.Status >= 200 && s.Status < 300 }

func (s Step) failure() bool { return s.Status >= 300 }

// Part is what the session description of a message is, or the lack of one means.
type Part uint8

// The parts a message can play.
const (
	// Nothing: it holds no session description, and needs none.
	Nothing Part = iota
	// Offer is to be answered, in the message that Table 1 of RFC 6337 names.
	Offer
	// Answer completes an exchange. One that differs from an earlier Preview of the same dialog ought not to (RFC 6337 §3.1.1).
	Answer
	// Preview is a session description in an unreliable provisional response: to be used as the answer, while the exchange stays open until a
	// reliable message repeats it (RFC 6337 §3.1.1).
	Preview
	// Ignored is a session description where none may be: no one may act on it (RFC 6337 §3.1.1 and §3.1.2).
	Ignored
	// Missing: it had to hold an offer or an answer and does not. There is no session to be had by this exchange; the dialog is best ended.
	Missing
	// Withdrawn: a failure took an unanswered offer with it. The session is as it was before (RFC 3261 §14.1).
	Withdrawn
	// Resync: a re-INVITE failed after exchanges within it had been completed. The session is to be what it was before the re-INVITE, and
	// as the peer may think otherwise, it is to be offered again (RFC 6141 §3.4).
	Resync
)

// String names the part.
func (p Part) String() string {
	return [...]string{
		Nothing: "nothing", Offer: "offer", Answer: "answer", Preview: "preview", Ignored: "ignored", Missing: "missing",
		Withdrawn: "withdrawn", Resync: "resync",
	}[p]
}
