package media

import "errors"

var (
	// ErrNoPorts means that all ports of an interface are taken: the call is refused with 503.
	ErrNoPorts = errors.New("media: no free port")
	// ErrNoInterface means that no interface has the IP version of a peer: the call is refused with 488.
	ErrNoInterface = errors.New("media: no interface of this IP version")
	// ErrClosed means that the terminal or the relay is closed.
	ErrClosed = errors.New("media: closed")
	// ErrForeign means that a terminal belongs to another backend.
	ErrForeign = errors.New("media: terminal of another backend")
	// ErrUnsupported means that the backend of a terminal can neither speak nor listen: the media of it does not come through this process.
	ErrUnsupported = errors.New("media: not with this backend")
	// ErrNoOffer means that an answer came where no offer stands.
	ErrNoOffer = errors.New("media: answer without an offer")
)
