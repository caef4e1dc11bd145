package dialog

import (
	"errors"

	"github.com/sipscript/sipscript/sip"
)

// side tells whose something is.
type side uint8

const (
	none side = iota
	ours
	theirs
)

func (s side) other() side {
	switch s {
	case ours:
		return theirs
	case theirs:
		return ours
	}
	return none
}

// phase is where the one exchange stands that an INVITE has to itself (RFC 6337 §2.2, patterns 1 to 4).
type phase uint8

const (
	settled   phase = iota // complete, or there is no INVITE
	vacant                 // the INVITE holds no offer, and no reliable response with one has come
	offered                // the INVITE holds an offer
	previewed              // offered, and an unreliable response has shown what the answer will be
	proposed               // a reliable response holds the offer; PRACK or ACK has to answer it
)

// Negotiation is the offer/answer state of one dialog: at most one offer is unanswered at any time (RFC 3264 §4, RFC 6337 §2.2).
// The zero value is a dialog without a session. It holds no session descriptions, only where they may stand:
//
//	   Offer                Answer                 may open      table 1 of RFC 6337
//	1. INVITE               2xx INVITE             the session, and any time later
//	2. 2xx INVITE           ACK                    the session, and any time later
//	3. INVITE               reliable 1xx INVITE    the session, and any time later
//	4. reliable 1xx INVITE  PRACK                  the session, and any time later
//	5. PRACK                2xx PRACK              once 3 has given its answer
//	6. UPDATE               2xx UPDATE             once there is a session
//
// Feed every INVITE, ACK, PRACK and UPDATE of the dialog and every response to them but 100 to Send before it is sent and to Receive when it
// has come, without retransmissions; a transaction without a final response counts as a 408. An INVITE that forks has one Negotiation for
// each dialog: the value may be copied after the INVITE was sent.
type Negotiation struct {
	session bool // an exchange was completed: there are parameters in force

	invite  side  // who sent the INVITE that is open
	phase   phase // of its own exchange
	re      bool  // there was a session before it
	changed bool  // an exchange was completed while it was open
	final   bool  // its 2xx has passed, the ACK has not
	late    bool  // that 2xx holds the offer

	reliable reliable // the latest reliable provisional response to it with a session description
	prack    side     // who sent a PRACK with an offer that is unanswered
	pracked  uint32   // the CSeq of the latest PRACK that bears on this

	sentUpdate update // ours that is open
	gotUpdate  update // the peer's that is open
}

// update is an UPDATE that awaits its final response.
type update uint8

const (
	idle     update = iota
	bare            // without an offer
	offering        // with one
)

// reliable is how far a reliable provisional response with a session description is from being acknowledged.
type reliable uint8

const (
	acknowledged reliable = iota // its PRACK has been answered with a 2xx, or there was none
	unpracked                    // the PRACK has not been sent
	pracking                     // the PRACK awaits its final response
)

// Session reports whether an exchange was completed, so that there are session parameters in force.
func (n *Negotiation) Session() bool { return n.session }

// Busy reports whether an offer is unanswered or a transaction is open that keeps a new one from being made: Send would refuse an INVITE.
func (n *Negotiation) Busy() bool { return n.free(Step{Method: sip.INVITE, Description: true}) != nil }

// MayUpdate reports whether an UPDATE with an offer could be sent now.
func (n *Negotiation) MayUpdate() bool {
	return n.free(Step{Method: sip.UPDATE, Description: true}) == nil
}

// Unanswered reports whether an offer is open, and whether it is ours.
func (n *Negotiation) Unanswered() (open, our bool) {
	s := n.offerer()
	return s != none, s == ours
}

// Due reports whether a message must hold a session description to be sent now: an answer, or the offer of a response to an INVITE without
// one.
func (n *Negotiation) Due(s Step) bool {
	trial := *n
	s.Description = false
	_, err := trial.Send(s)
	return errors.Is(err, ErrDescriptionDue)
}

// offerer returns whose offer is unanswered.
func (n *Negotiation) offerer() side {
	switch {
	case n.prack != none:
		return n.prack
	case n.sentUpdate == offering:
		return ours
	case n.gotUpdate == offering:
		return theirs
	case n.phase == offered || n.phase == previewed:
		return n.invite
	case n.phase == proposed:
		return n.invite.other()
	}
	return none
}

// closed reports whether the INVITE, if there is one, bears on no new offer: its exchange is complete with the PRACK or ACK that belongs to
// it (RFC 6337 §4.3: "associated with an offer/answer").
func (n *Negotiation) closed() bool {
	return n.invite == none || n.phase == settled && n.reliable == acknowledged
}

// complete ends an exchange.
func (n *Negotiation) complete() {
	n.session = true
	n.changed = n.changed || n.invite != none && n.re
}

// open starts an INVITE.
func (n *Negotiation) open(who side, offers bool) {
	n.invite, n.re, n.changed, n.final, n.late, n.reliable = who, n.session, false, false, false, acknowledged
	n.phase = vacant
	if offers {
		n.phase = offered
	}
}

// close ends the INVITE. The 2xx to a PRACK with an offer may still be under way.
func (n *Negotiation) close() {
	n.invite, n.phase, n.re, n.changed, n.final, n.late = none, settled, false, false, false, false
	n.reliable = acknowledged
}

// fail ends an INVITE that has failed and returns what that means. What was agreed within it is void, as it is for the peer (RFC 3261
// §14.1, RFC 6337 §3.4).
func (n *Negotiation) fail() Part {
	part := Nothing
	switch {
	case n.changed:
		part = Resync
	case n.phase == offered || n.phase == previewed || n.phase == proposed || n.prack != none:
		part = Withdrawn
	}
	n.session, n.prack = n.re, none
	n.close()
	return part
}
