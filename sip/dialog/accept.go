package dialog

import "github.com/sipscript/sipscript/sip"

// Receive takes note of a message that has come and returns what its session description is. A request may have to be refused; then nothing
// has changed, and neither the refusal nor, for a refused INVITE, its ACK is fed to the negotiation.
//
// An UPDATE without an offer refreshes a target or a session timer and is refused only while an earlier one is unanswered.
func (n *Negotiation) Receive(s Step) (Part, Refused) {
	switch {
	case s.Status == 0:
		return n.receiveRequest(s)
	case s.Method == sip.INVITE:
		return n.inviteAnswered(s), Refused{}
	case s.provisional():
	case s.Method == sip.PRACK:
		return n.prackAnswered(s, ours), Refused{}
	case s.Method == sip.UPDATE && n.sentUpdate != idle:
		part := n.concluded(s, n.sentUpdate == offering)
		n.sentUpdate = idle
		return part, Refused{}
	}
	return Nothing, Refused{}
}

func (n *Negotiation) receiveRequest(s Step) (Part, Refused) {
	switch s.Method {
	case sip.INVITE:
		if refused := n.collides(); refused.Status != 0 {
			return Nothing, refused
		}
		n.open(theirs, s.Description)
		return offerIf(s.Description), Refused{}
	case sip.UPDATE:
		if refused := n.updateCollides(s); refused.Status != 0 {
			return Nothing, refused
		}
		n.gotUpdate = updateIf(s.Description)
		return offerIf(s.Description), Refused{}
	case sip.PRACK:
		return n.receivePrack(s)
	case sip.ACK:
		return n.receiveACK(s), Refused{}
	}
	return Nothing, Refused{}
}

// collides tells how an INVITE is refused: rules UAS-IcI, UAS-IsI, UAS-UcI and UAS-UsI of RFC 6337 §4.3. An INVITE after our 2xx that held
// the answer is welcome although the ACK is late, since no offer or answer can come with that.
func (n *Negotiation) collides() Refused {
	switch {
	case n.invite == ours:
		return pending()
	case n.invite == theirs && (!n.final || n.late):
		return unfinished()
	}
	return n.offerCollides()
}

// updateCollides tells how an UPDATE is refused: RFC 3311 §5.2, and rules UAS-UcU, UAS-UsU, UAS-IcU and UAS-IsU of RFC 6337 §4.3.
func (n *Negotiation) updateCollides(s Step) Refused {
	switch {
	case n.gotUpdate != idle:
		return unfinished()
	case !s.Description:
		return Refused{}
	case n.closed():
		return n.offerCollides()
	case n.invite == ours:
		return pending()
	}
	return unfinished()
}

// offerCollides tells how a request with an offer is refused for the sake of one that is unanswered.
func (n *Negotiation) offerCollides() Refused {
	switch n.offerer() {
	case ours:
		return pending()
	case theirs:
		return unfinished()
	}
	return Refused{}
}

// receivePrack is a PRACK that matches a response of ours. It answers the offer in that, or offers anew when that held an answer (RFC 3262
// §5). An offer where the response held none is taken as well, since to accept it harms nobody and RFC 3262 knows no way to refuse it.
func (n *Negotiation) receivePrack(s Step) (Part, Refused) {
	part := Nothing
	switch {
	case n.invite != theirs:
		if s.Description {
			part = Ignored
		}
		return part, Refused{}
	case n.phase == proposed && n.reliable == unpracked:
		n.phase, part = settled, Missing
		if s.Description {
			part = Answer
			n.complete()
		}
	case s.Description:
		if refused := n.offerCollides(); refused.Status != 0 {
			return Nothing, refused
		}
		if n.phase != settled {
			return Nothing, unfinished()
		}
		n.prack, n.pracked, part = theirs, s.CSeq, Offer
	}
	if n.reliable == unpracked {
		n.reliable, n.pracked = pracking, s.CSeq
	}
	return part, Refused{}
}

// receiveACK is the ACK for the 2xx to the INVITE that is open.
func (n *Negotiation) receiveACK(s Step) Part {
	if n.invite != theirs || !n.final {
		return Nothing
	}
	part := Nothing
	switch {
	case n.late && s.Description:
		part = Answer
		n.complete()
	case n.late:
		part = Missing
	case s.Description:
		part = Ignored
	}
	n.close()
	return part
}

// inviteAnswered is a response to our INVITE.
func (n *Negotiation) inviteAnswered(s Step) Part {
	switch {
	case n.invite == ours && s.failure() && !n.final:
		return n.fail()
	case n.invite == ours && !n.final:
		return n.progress(s)
	case s.Description && !s.failure():
		return Ignored
	}
	return Nothing
}
