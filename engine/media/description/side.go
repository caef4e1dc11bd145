package description

import (
	"crypto/rand"
	"io"
	"net/netip"
	"slices"
)

// Side is what this server and one peer have described to each other. It belongs to one goroutine at a time; its values may go anywhere.
type Side struct {
	// Lines are the m-lines, in the order that both parties keep for the whole session (RFC 3264 §8).
	Lines []Line
	// Options may be changed before each description; what was agreed stays agreed.
	Options Options
	// Random is where keys and the session's number come from; nil: crypto/rand.
	Random io.Reader

	received *Description
	sent     []byte // the last description written
	offered  bool   // it is an offer

	session uint64     // of o=, drawn once; 0 before
	version uint64     // of o=, the highest used
	latest  uint64     // of o=, that of sent
	address netip.Addr // of o=, as it was first written: it must not change (RFC 3264 §8)
	partner uint64     // session of the side whose lines these are paired with
}

// Line is one m-line of a side, as far as it is described. Its values are never changed in place, so that a relay may keep them.
type Line struct {
	Remote Media // what the peer wrote last; Kind is "" before. Its Direction is what the offer leaves of it
	Local  Media // what was written to the peer last

	// Encrypt and Decrypt are the keys of the two ways once both are agreed; nil: media is not encrypted. While a key stays the same the pointer
	// stays: whoever sees another one begins a new SRTP context, whoever sees the same goes on with the one there is.
	Encrypt, Decrypt *SDES
	// Mux says that it is agreed that RTP and RTCP share a port; Remote.RTCP is then that of RTP.
	Mux bool
	// Peer is the index of the m-line on the other side that this one is relayed to; -1: none.
	Peer int

	offered []SDES   // written in the last offer
	bound   []Format // what payload types have meant on this line
}

// Alive says whether media flows through this server on the line: both parties have described it, neither has refused it, and it is not one
// that passes by with the peers' own addresses.
func (l *Line) Alive() bool {
	return l.Remote.Port != 0 && l.Local.Port != 0 && l.Local.Relayable()
}

// Open gives the ports of the m-line with number i of the side that is written; m is what the other peer wrote for it. It is asked for each
// m-line that is relayed, each time a description is written, and answers the same for an m-line that has its ports already. An error ends
// what is written and is returned.
type Open func(i int, m *Media) (Local, error)

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

// Sent is the description written last; nil before. It must not be changed.
func (s *Side) Sent() []byte { return s.sent }

// Received is the description that came last; nil before.
func (s *Side) Received() *Description { return s.received }

// Text is the description as it came, keys included.
func (d *Description) Text() string { return d.text }

func (s *Side) random(b []byte) error {
	if s.Random == nil {
		_, err := rand.Read(b)
		return err
	}
	_, err := io.ReadFull(s.Random, b)
	return err
}

// name draws the session's number, once. It is at most 62 bits long: some take it for a signed number, some for a timestamp (RFC 8866 §5.2).
func (s *Side) name() error {
	if s.session != 0 {
		return nil
	}
	var b [8]byte
	if err := s.random(b[:]); err != nil {
		return err
	}
	for _, c := range b {
		s.session = s.session<<8 | uint64(c)
	}
	s.session = s.session>>2 | 1
	return nil
}

// codecs is the list of codecs for a kind of media.
func (o *Options) codecs(kind string) []string {
	switch kind {
	case Audio:
		return o.Audio
	case Video:
		return o.Video
	}
	return nil
}
