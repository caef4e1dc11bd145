package siptest

import "errors"

var (
	// ErrNotLocal is returned for an address that the host does not have.
	ErrNotLocal = errors.New("siptest: not an address of this host")

	// ErrClosed is returned by whatever is begun after Network.Close.
	ErrClosed = errors.New("siptest: network closed")
)
