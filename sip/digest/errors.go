package digest

import "errors"

var (
	// ErrScheme is returned for a header value of another authentication scheme than Digest.
	ErrScheme = errors.New("digest: not the Digest scheme")
	// ErrMalformed is returned, wrapped with what is wrong, for a Digest value that breaks the grammar or lacks a parameter it must have.
	ErrMalformed = errors.New("digest: malformed")
	// ErrUnsupported is returned by Answer for a challenge whose algorithm or qop this package does not know.
	ErrUnsupported = errors.New("digest: unsupported algorithm or qop")
)
