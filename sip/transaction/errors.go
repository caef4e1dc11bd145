package transaction

import "errors"

var (
	// ErrTimeout ends a transaction whose peer stayed silent: no response (Timers B and F), no ACK (Timer H), or a
	// non-INVITE that was not answered while its client still listened.
	ErrTimeout = errors.New("transaction: timed out")
	// ErrTransport ends a transaction whose message could not be sent. It wraps nothing by itself: the error given to
	// Fail is wrapped beside it.
	ErrTransport = errors.New("transaction: transport failed")
	// ErrState says that the state of the transaction allows no such response: a final one was sent, or it has ended.
	ErrState = errors.New("transaction: response not allowed in this state")
	// ErrNonInvite says that RFC 4320 forbids this response to a request other than INVITE: 408, any 1xx but 100, and a
	// 100 over UDP before the client's Timer E has reached T2.
	ErrNonInvite = errors.New("transaction: response not allowed to a non-INVITE request")
)
