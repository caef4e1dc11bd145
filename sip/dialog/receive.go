package dialog

import (
	"errors"

	"github.com/sipscript/sipscript/sip"
)

// Receive takes note of a request that came in this dialog and returns 0, or the status that it has to be refused with: 500 when its CSeq
// is not above all that came before (RFC 3261 §12.2.2), 400 when it has none. Gaps are fine. Retransmissions are the transaction layer's
// and must not come here. ACK and CANCEL have the number of their INVITE and are never refused.
//
// The target is not yet refreshed: see Responded.
func (d *Dialog) Receive(request *sip.Message) (status int) {
	method := request.Method()
	if method == sip.ACK || method == sip.CANCEL {
		return 0
	}
	cseq, err := request.CSeq()
	switch {
	case err != nil:
		return 400
	case d.heard && cseq.Number <= d.got:
		return 500
	}
	d.got, d.heard = cseq.Number, true
	d.peer.learn(request)
	return 0
}

// Responded takes note of a response that was sent to a request in this dialog, or to the INVITE that made it. A 2xx or a reliable
// provisional response to a target refresh request takes its Contact as the target; an error leaves the target as it was (RFC 6141 §4.6).
// The final response to the first INVITE confirms or ends the dialog.
func (d *Dialog) Responded(request, response *sip.Message) {
	method, status := request.Method(), response.Status()
	if refreshes(method) && (status >= 200 && status < 300 || Reliable(response)) {
		if target, ok := targetOf(request); ok {
			d.target = target
		}
	}
	cseq, _ := request.CSeq()
	if !d.caller && method == sip.INVITE && cseq.Number == d.first {
		d.concluded(status)
	}
}

// Response takes note of a response to a request of ours in this dialog, or to the INVITE that made it. A 2xx or a reliable provisional
// response to a target refresh request takes its Contact as the target, an unreliable one does not (RFC 6141 §4.7). The 2xx to the first
// INVITE confirms an early dialog and gives it its route set anew (RFC 3261 §13.2.2.4); any other final response to it ends the dialog.
//
// The error wraps ErrRouteSet: the 2xx has a Record-Route that cannot be read. The dialog is confirmed nonetheless, for ACK and BYE.
func (d *Dialog) Response(response *sip.Message) error {
	status := response.Status()
	cseq, err := response.CSeq()
	if err != nil {
		return err
	}
	d.peer.learn(response)
	success := status >= 200 && status < 300
	if refreshes(cseq.Method) && (success || Reliable(response)) {
		if target, ok := targetOf(response); ok {
			d.target = target
		}
	}
	if !d.caller || cseq.Method != sip.INVITE || cseq.Number != d.first || status < 200 {
		return nil
	}
	if success && d.state == Early {
		err = d.route(response, true)
	}
	d.concluded(status)
	return err
}

// concluded is the final response to the INVITE that made the dialog. Only an early one is changed by it: a 2xx that crosses our BYE revives
// nothing.
func (d *Dialog) concluded(status int) {
	switch {
	case status < 200 || d.state != Early:
	case status < 300:
		d.to(Confirmed)
	default:
		d.to(Terminated)
	}
}

// Ends reports whether a final response to a request of ours in a dialog says that the peer has lost it, so that it is to be ended with a
// BYE (RFC 3261 §12.2.1.2): 481, or 408, which stands for no response at all. A 481 to a PRACK may mean no more than that the
// provisional response was acknowledged already (RFC 3262 §3).
func Ends(method string, status int) bool {
	return status == 408 || status == 481 && method != sip.PRACK
}

// SecureContact reports whether our Contact in the answer to a request must be a SIPS URI: the request URI is one, or the top Record-Route,
// or without Record-Route the Contact (RFC 3261 §12.1.1).
func SecureContact(request *sip.Message) bool {
	if uri, err := request.URI(); err == nil && uri.IsSIPS() {
		return true
	}
	for _, n := range []sip.Name{sip.RecordRoute, sip.Contact} {
		for value := range request.List(n) {
			a, err := sip.ParseAddress(value)
			return err == nil && a.URI.IsSIPS()
		}
	}
	return false
}

// Refusal returns the status to refuse a request with that cannot make a dialog, 0 for a nil error.
func Refusal(err error) int {
	switch {
	case err == nil:
		return 0
	case errors.Is(err, ErrNoTarget), errors.Is(err, ErrRouteSet), errors.Is(err, sip.ErrMalformed), errors.Is(err, sip.ErrMissing):
		return 400
	}
	return 500
}
