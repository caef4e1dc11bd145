package location

import "errors"

var (
	// ErrOverload is given to an update for which there is no room in the queue.
	ErrOverload = errors.New("location: too many updates are waiting")
	// ErrClosed is given to an update that comes after Close.
	ErrClosed = errors.New("location: store is closed")
	// ErrJournal is given, wrapped with its cause, to every update of a group that the journal did not take. Nothing of the group is
	// stored.
	ErrJournal = errors.New("location: journal failed")
)
