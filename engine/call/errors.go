package call

import "errors"

var (
	// ErrOver says that the leg has ended.
	ErrOver = errors.New("the call is over")
	// ErrState says that the leg is not in a state for what was asked of it.
	ErrState = errors.New("the call is not in a state for that")
	// ErrBusy says that another exchange with the peer is under way.
	ErrBusy = errors.New("the call is being changed already")
	// ErrRefused says that the peer has refused what was asked of it. A *StatusError wraps it.
	ErrRefused = errors.New("refused")
	// ErrGone says that there is no such call.
	ErrGone = errors.New("no such call")
)

// StatusError is a refusal with its status.
type StatusError struct {
	Code   int
	Reason string
}

// Error says what was answered.
func (e *StatusError) Error() string { return "refused: " + status(e.Code, e.Reason) }

// Unwrap is ErrRefused.
func (e *StatusError) Unwrap() error { return ErrRefused }
