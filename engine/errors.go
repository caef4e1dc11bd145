package engine

import "errors"

var (
	// ErrAnswered says that the request has had its final response.
	ErrAnswered = errors.New("the request has been answered")
	// ErrHangup says that the caller has gone; the engine has answered for the script.
	ErrHangup = errors.New("the caller has gone")
	// ErrNoTransaction says that an ACK cannot be answered or proxied statefully.
	ErrNoTransaction = errors.New("an ACK is never answered")
	// ErrNoTargets says that a request outside a dialog was to be proxied to nowhere in particular. A script that
	// forgets the targets must not become an open relay.
	ErrNoTargets = errors.New("no targets")
	// ErrBusy says that the request is being proxied already.
	ErrBusy = errors.New("the request is being proxied")
	// ErrProvisional says that a response the RFC does not know was asked for.
	ErrProvisional = errors.New("only an INVITE has provisional responses")
)

// The causes of errors that scripts see: err.cause, and what an unwound wait raises. The causes of a proxy result are
// those of package proxy.
const (
	CauseHangup      = "hangup"      // the caller has gone
	CauseCanceled    = "canceled"    // the task was cancelled
	CauseRetired     = "retired"     // the script version was retired by force
	CauseTimeout     = "timeout"     // it took too long
	CauseBudget      = "budget"      // a slice of script ran too long
	CauseOverload    = "overload"    // a pool or table is full
	CauseUnreachable = "unreachable" // a host could not be reached or found
	CauseShutdown    = "shutdown"    // the server is going down
	CauseBug         = "bug"         // the server itself has failed
)
