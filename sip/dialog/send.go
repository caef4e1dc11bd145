package dialog

import "github.com/sipscript/sipscript/sip"

// Send takes note of a message that is about to be sent and returns what its session description is. With an error the message must not be
// sent, and nothing has changed:
//
//   - ErrOpen: the request has to wait for another transaction to end;
//   - ErrOffer: an offer must not be made in it, or not now;
//   - ErrDescriptionDue: it has to hold an offer or an answer and holds none;
//   - ErrUnacknowledged: the 2xx has to wait for a PRACK (RFC 3262 §5);
//   - ErrCommitted: the session has changed, the re-INVITE is to be answered with a 2xx (RFC 6141 §3.3). When the dialog ends anyway there
//     is no need to ask.
func (n *Negotiation) Send(s Step) (Part, error) {
	if s.Status == 0 {
		return n.sendRequest(s)
	}
	switch s.Method {
	case sip.INVITE:
		return n.answerInvite(s)
	case sip.PRACK:
		return n.answerPrack(s)
	case sip.UPDATE:
		return n.answerUpdate(s)
	}
	return Nothing, nil
}

// free says why a request may not be sent now, by the rules UAC-II, UAC-UU, UAC-UI and UAC-IU of RFC 6337 §4.3 and the one of RFC 3264 §4.
// After a 2xx of ours nothing new begins until its ACK has come: a crossing could not be told from an answer (RFC 3261 §14.1).
func (n *Negotiation) free(s Step) error {
	switch s.Method {
	case sip.INVITE:
		if n.invite != none || n.sentUpdate != idle || n.gotUpdate != idle || n.offerer() != none {
			return ErrOpen
		}
	case sip.UPDATE:
		if n.sentUpdate != idle {
			return ErrOpen
		}
		if s.Description && (!n.session || !n.closed() || n.final || n.offerer() != none) {
			return ErrOffer
		}
	}
	return nil
}

func (n *Negotiation) sendRequest(s Step) (Part, error) {
	if err := n.free(s); err != nil {
		return Nothing, err
	}
	switch s.Method {
	case sip.INVITE:
		n.open(ours, s.Description)
		return offerIf(s.Description), nil
	case sip.UPDATE:
		n.sentUpdate = updateIf(s.Description)
		return offerIf(s.Description), nil
	case sip.PRACK:
		return n.sendPrack(s)
	case sip.ACK:
		return n.sendACK(s)
	}
	return Nothing, nil
}

// sendPrack is the PRACK for the latest reliable response: patterns 4 and 5.
func (n *Negotiation) sendPrack(s Step) (Part, error) {
	switch {
	case n.phase == proposed && n.reliable == unpracked:
		if !s.Description {
			return Nothing, ErrDescriptionDue
		}
		n.phase, n.reliable, n.pracked = settled, pracking, s.CSeq
		n.complete()
		return Answer, nil
	case s.Description:
		if n.reliable != unpracked || n.phase != settled || n.offerer() != none || n.sentUpdate != idle || n.gotUpdate != idle {
			return Nothing, ErrOffer
		}
		n.prack = ours
	}
	if n.reliable == unpracked {
		n.reliable, n.pracked = pracking, s.CSeq
	}
	return offerIf(s.Description), nil
}

// sendACK ends an INVITE of ours: pattern 2.
func (n *Negotiation) sendACK(s Step) (Part, error) {
	switch {
	case n.late && !s.Description:
		return Nothing, ErrDescriptionDue
	case !n.late && s.Description:
		return Nothing, ErrOffer
	}
	part := Nothing
	if n.late {
		n.phase, part = settled, Answer
		n.complete()
	}
	n.close()
	return part, nil
}

// answerInvite is a response of ours to an INVITE: the answer, or the offer of one that had none.
func (n *Negotiation) answerInvite(s Step) (Part, error) {
	if n.invite != theirs || n.final {
		return Nothing, nil
	}
	switch {
	case s.failure():
		if n.changed {
			return Nothing, ErrCommitted
		}
		return n.fail(), nil
	case s.success() && n.reliable != acknowledged:
		return Nothing, ErrUnacknowledged
	case s.Reliable && s.Description && n.reliable != acknowledged:
		return Nothing, ErrUnacknowledged
	case n.phase == vacant && !s.Description && (s.success() || s.Reliable):
		return Nothing, ErrDescriptionDue // RFC 3261 §13.2.1: the first reliable non-failure message holds the offer
	case n.phase == vacant && s.Description && s.provisional() && !s.Reliable:
		return Nothing, ErrOffer // an offer nobody acknowledges might never arrive
	case n.phase == offered && s.success() && !s.Description:
		return Nothing, ErrDescriptionDue // the preview has to be repeated, too (RFC 6337 §3.1.1)
	case n.phase == previewed && s.success() && !s.Description:
		return Nothing, ErrDescriptionDue
	}
	return n.progress(s), nil
}

// progress is a response to the INVITE that is no failure, of either side.
func (n *Negotiation) progress(s Step) Part {
	part := Nothing
	if s.Description {
		part = n.describe(s)
	}
	if s.success() {
		switch n.phase {
		case vacant, offered:
			part = Missing
			n.phase = settled
		case previewed: // the peer thinks that it has answered, and RFC 3261 §13.2.1 has us take it so
			n.phase = settled
			n.complete()
		}
		n.final = true
	}
	return part
}

// describe is the session description of a response to the INVITE.
func (n *Negotiation) describe(s Step) Part {
	certain := s.success() || s.Reliable
	switch {
	case n.phase == vacant && certain:
		n.phase = proposed
		n.late = s.success()
		n.expectPrack(s)
		return Offer
	case (n.phase == offered || n.phase == previewed) && certain:
		n.phase = settled
		n.expectPrack(s)
		n.complete()
		return Answer
	case n.phase == offered || n.phase == previewed:
		n.phase = previewed
		return Preview
	}
	return Ignored
}

func (n *Negotiation) expectPrack(s Step) {
	if s.Reliable {
		n.reliable = unpracked
	}
}

// answerPrack is a response of ours to a PRACK: pattern 5.
func (n *Negotiation) answerPrack(s Step) (Part, error) {
	switch {
	case s.provisional():
		return Nothing, nil
	case s.success() && n.prackOffer(s, theirs) && !s.Description:
		return Nothing, ErrDescriptionDue
	case s.success() && !n.prackOffer(s, theirs) && s.Description:
		return Nothing, ErrOffer
	}
	return n.prackAnswered(s, theirs), nil
}

// prackOffer reports whether a response answers a PRACK of this side that holds an offer.
func (n *Negotiation) prackOffer(s Step, who side) bool { return n.prack == who && n.pracked == s.CSeq }

// prackAnswered is the final response to a PRACK of this side. A PRACK that failed has to come again.
func (n *Negotiation) prackAnswered(s Step, who side) Part {
	offers := n.prackOffer(s, who)
	part := n.concluded(s, offers)
	if offers {
		n.prack = none
	}
	switch {
	case n.invite != who || n.reliable != pracking || n.pracked != s.CSeq:
	case s.success():
		n.reliable = acknowledged
	default:
		n.reliable = unpracked
	}
	return part
}

// answerUpdate is a response of ours to an UPDATE: pattern 6.
func (n *Negotiation) answerUpdate(s Step) (Part, error) {
	offers := n.gotUpdate == offering
	switch {
	case n.gotUpdate == idle || s.provisional():
		return Nothing, nil
	case s.success() && offers && !s.Description:
		return Nothing, ErrDescriptionDue
	case s.success() && !offers && s.Description:
		return Nothing, ErrOffer
	}
	part := n.concluded(s, offers)
	n.gotUpdate = idle
	return part, nil
}

// concluded is what the final response to a PRACK or an UPDATE means.
func (n *Negotiation) concluded(s Step, offers bool) Part {
	switch {
	case s.success() && offers && s.Description:
		n.complete()
		return Answer
	case s.success() && offers:
		return Missing
	case s.success() && s.Description:
		return Ignored
	case offers:
		return Withdrawn
	}
	return Nothing
}

func offerIf(described bool) Part {
	if described {
		return Offer
	}
	return Nothing
}

func updateIf(described bool) update {
	if described {
		return offering
	}
	return bare
}
