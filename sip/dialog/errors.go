package dialog

import "errors"

var (
	// ErrNoTarget says that a request which should make a dialog has no usable Contact, so that nothing could be sent to its sender: 400.
	ErrNoTarget = errors.New("dialog: no usable Contact")
	// ErrRouteSet says that a Record-Route cannot be read. The dialog is there without a route set.
	ErrRouteSet = errors.New("dialog: unusable Record-Route")
	// ErrOffer says that no offer may be made now: one is unanswered, a transaction that bears on it is open, or the message is none that
	// may hold one (RFC 3264 §4, RFC 3311 §5.1, RFC 6337 §4.3).
	ErrOffer = errors.New("dialog: an offer is not allowed now")
	// ErrOpen says that a request of this method may not be sent while another transaction is open (RFC 3261 §14.1, RFC 6337 §4.3).
	ErrOpen = errors.New("dialog: another transaction is open")
	// ErrDescriptionDue says that a message must hold an offer or an answer and does not.
	ErrDescriptionDue = errors.New("dialog: a session description is due")
	// ErrUnacknowledged says that a reliable provisional response lacks its PRACK, and what was to be sent has to wait for it (RFC 3262 §3
	// and §5).
	ErrUnacknowledged = errors.New("dialog: a reliable provisional response is not acknowledged")
	// ErrCommitted says that a re-INVITE has changed the session already, so that no error response could undo it for the peer; a 2xx is to
	// be sent (RFC 6141 §3.3).
	ErrCommitted = errors.New("dialog: the session has changed already")
)
