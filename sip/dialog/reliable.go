package dialog

import (
	"strconv"

	"github.com/sipscript/sipscript/sip"
)

// option100rel is the option tag of RFC 3262.
const option100rel = "100rel"

// Reliable reports whether a response is a reliable provisional one: 101 to 199 to an INVITE that requires 100rel and has a good RSeq (RFC
// 3262 §4). A 100 never is, whatever it says.
func Reliable(response *sip.Message) bool {
	if status := response.Status(); status <= 100 || status >= 200 || response.Method() != sip.INVITE {
		return false
	}
	_, ok, err := response.RSeq()
	return ok && err == nil && response.HasOption(sip.Require, option100rel)
}

// Reliability is what an INVITE wants of provisional responses (RFC 3262 §3).
type Reliability uint8

// What an INVITE can want.
const (
	Unreliable Reliability = iota // reliable ones must not be sent
	Possible                      // they may be sent
	Required                      // all but 100 must be, or the INVITE is refused with 420
)

// ReliabilityOf returns what an INVITE wants of provisional responses.
func ReliabilityOf(invite *sip.Message) Reliability {
	switch {
	case invite.HasOption(sip.Require, option100rel):
		return Required
	case invite.HasOption(sip.Supported, option100rel):
		return Possible
	}
	return Unreliable
}

// Provisionals numbers the reliable provisional responses of an INVITE at the side that sends them (RFC 3262 §3). One at a time is
// unacknowledged. The zero value is not usable: see NewProvisionals.
type Provisionals struct {
	invite  uint32 // the CSeq number of the INVITE
	next    uint32 // the RSeq of the next response
	pending uint32 // the RSeq of the unacknowledged response, 0 when there is none
}

// NewProvisionals returns the numbering for the INVITE with this CSeq number. It begins at a random number between 1 and 2³¹-1, so that
// the PRACK for another transaction's response is told apart.
func NewProvisionals(invite uint32, random uint64) Provisionals {
	return Provisionals{invite: invite, next: 1 + uint32(random%(1<<31-1))}
}

// Number makes a provisional response of ours a reliable one: it adds Require and RSeq. ErrUnacknowledged says that the one before it has
// no PRACK yet: it has to wait (RFC 3262 §3).
func (p *Provisionals) Number(response *sip.Message) error {
	if p.pending != 0 {
		return ErrUnacknowledged
	}
	p.pending = p.next
	p.next++
	response.Add("Require", option100rel)
	response.Add("RSeq", strconv.FormatUint(uint64(p.pending), 10))
	return nil
}

// Pending reports whether a response lacks its PRACK.
func (p *Provisionals) Pending() bool { return p.pending != 0 }

// Acknowledge takes note of a PRACK and returns the status of its answer: 200 for one that names the unacknowledged response, whose
// retransmission ends with it, 481 for any other, 400 without a good RAck. It does so after the final response, too, as PRACKs may still be
// under way (RFC 3262 §3). A PRACK with an offer that the state does not allow is not acknowledged: ask the Negotiation first with Matches.
func (p *Provisionals) Acknowledge(prack *sip.Message) (status int) {
	status = p.Matches(prack)
	if status == 200 {
		p.pending = 0
	}
	return status
}

// Matches returns what Acknowledge would, and changes nothing.
func (p *Provisionals) Matches(prack *sip.Message) (status int) {
	rack, err := prack.RAck()
	switch {
	case err != nil:
		return 400
	case p.pending == 0 || rack.Response != p.pending || rack.CSeq.Number != p.invite || rack.CSeq.Method != sip.INVITE:
		return 481
	}
	return 200
}

// Order is what a provisional response is at the side that receives it (RFC 3262 §4).
type Order uint8

// The orders of a provisional response.
const (
	Unnumbered Order = iota // not reliable: there is nothing to acknowledge
	Next                    // to be handled and acknowledged
	Repeated                // a retransmission: to be dropped, its PRACK retransmits by itself
	Gap                     // one before it is missing: neither to be handled nor acknowledged
)

// Acknowledgements keeps the order of the reliable provisional responses in one dialog at the side that receives them (RFC 3262 §4). The
// zero value is ready, and a re-INVITE starts again by itself. Dialogs of a forked INVITE number apart.
type Acknowledgements struct {
	invite uint32
	latest uint32
}

// Receive tells what a response to an INVITE is. A response that is Next counts as received.
func (a *Acknowledgements) Receive(response *sip.Message) Order {
	if !Reliable(response) {
		return Unnumbered
	}
	number, _, _ := response.RSeq()
	cseq, _ := response.CSeq()
	switch {
	case a.latest == 0 || cseq.Number != a.invite:
		a.invite, a.latest = cseq.Number, number
	case number == a.latest+1:
		a.latest = number
	case number <= a.latest:
		return Repeated
	default:
		return Gap
	}
	return Next
}

// Prack returns the PRACK for a response that was Next (RFC 3262 §4). An answer, or a new offer, is the caller's to add.
func (d *Dialog) Prack(response *sip.Message) *sip.Message {
	number, _, _ := response.RSeq()
	cseq, _ := response.CSeq()
	m := d.Request(sip.PRACK)
	m.Add("RAck", sip.RAckValue{Response: number, CSeq: cseq}.String())
	return m
}
