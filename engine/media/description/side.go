package description

import (
	"io"
	"net/netip"
	"slices"
)

// Side is what this server and one peer have described to each other. It belongs to one goroutine at a time.
type Side struct {
	// Lines are the m-lines, in the order that both parties keep for the whole session (RFC 3264 §8).
	Lines []Line
	// Options may be changed before each description; what was agreed stays agreed.
	Options Options
	// Random is where keys and the session's number come from; nil: crypto/rand.
	Random io.Reader

	sent    []byte // the last description written
	session uint64
	version uint64
	address netip.Addr
	times   string // t= of the offer, which the answer repeats (RFC 3264 §6)
}

// Line is one m-line of a side, as far as it is described. Its values are never changed in place, so that a relay may keep them.
type Line struct {
	Remote Media // what the peer wrote last; Kind is "" before
	Local  Media // what was written to the peer last

	// Encrypt and Decrypt are the keys of the two ways once both are agreed; nil: media is not encrypted.
	Encrypt, Decrypt *SDES
	// Mux says that it is agreed that RTP and RTCP share a port.
	Mux bool
}

// Open gives the ports of the m-line with number i of the side that is written; m is what the other peer wrote for it. It is asked for each
// m-line that is relayed, each time a description is written, and answers the same for an m-line that has its ports already. An error ends
// Write and is returned by it.
type Open func(i int, m *Media) (Local, error)

// Receive takes in what the peer sent, as the offer or as the answer to what was written last, and holds it against what stood before: m-lines,
// encryption (which never falls back), directions. After an error, which is an *Error, the side is as it was.
func (s *Side) Receive(d *Description, role Role) error { return refuse(ErrMismatch, "role %d of %v", role, d) }

// Write yields the description for this peer, made from what the peer of another side sent last, and takes it as said to this peer. As an
// offer it has every m-line that was ever on this side; as an answer it has those of this peer's offer.
// After an error, an *Error or that of open, the side is as it was.
func (s *Side) Write(from *Side, role Role, open Open) ([]byte, error) {
	return nil, refuse(ErrMismatch, "role %d from %v", role, from)
}

// Reoffer yields an offer of what stands on this side already, in the directions that Options.Limit leaves: to hold, to take up again, to refresh.
func (s *Side) Reoffer(open Open) ([]byte, error) { return nil, refuse(ErrMismatch, "nothing offered") }

// Offer yields an offer by this server itself, of audio in the codecs it can play.
func (s *Side) Offer(open Open) ([]byte, error) { return nil, refuse(ErrMismatch, "nothing offered") }

// Answer yields an answer by this server itself to the offer received last: audio in a codec it can play, all else refused.
func (s *Side) Answer(open Open) ([]byte, error) { return nil, refuse(ErrMismatch, "nothing offered") }

// Clone returns a copy to fall back to.
func (s *Side) Clone() *Side {
	c := *s
	c.Lines = slices.Clone(s.Lines)
	return &c
}

// Rollback makes the side what it was when old was cloned from it: an offer was refused (RFC 3264 §4). Version numbers that were used stay used.
func (s *Side) Rollback(old *Side) {
	version := s.version
	*s = *old.Clone()
	s.version = version
}

// Payloads says which payload type each payload type becomes on its way from one peer to the other; Drop for those that have none.
type Payloads [128]uint8

// Drop is the number of a payload type whose packets are dropped: the other peer uses its number for another format.
const Drop = NoPayload

// Renumber returns how the payload types of one peer become those of another: sender is what was written to the one who sends (Line.Local of
// its side), receiver what came from the one who receives (Line.Remote of its side). It is nil if nothing changes.
func Renumber(sender, receiver []Format) *Payloads { return nil }
