package ng

import "errors"

var (
	// ErrUnreachable means that no node can be reached, or that the one which has the call has not answered.
	ErrUnreachable = errors.New("ng: rtpengine does not answer")
	// ErrRefused means that a node has answered that it will not. What it gave as the reason stands behind it.
	ErrRefused = errors.New("ng: rtpengine refuses")
	// ErrBusy means that too many commands wait for their answers.
	ErrBusy = errors.New("ng: too many commands underway")
	// ErrProtocol means that an answer makes no sense.
	ErrProtocol = errors.New("ng: not a message of the NG protocol")
)
