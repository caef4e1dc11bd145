package siptest

import (
	"bytes"
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Kind is what an Entry is about.
type Kind uint8

// What an entry may be about.
const (
	Datagram    Kind = iota // UDP
	Unreachable             // ICMP port unreachable; Bytes are the quoted ones
	Open                    // TCP: a connection is asked for
	Accept                  // TCP: it is granted
	Data                    // TCP: bytes, all of one direction and instant
	Finish                  // TCP: no more bytes in this direction
	Reset                   // TCP: the connection is gone
	Clear                   // a message inside TLS, as a UA sent or got it; the network saw it encrypted
)

func (k Kind) String() string {
	switch k {
	case Datagram:
		return "udp"
	case Unreachable:
		return "icmp"
	case Open:
		return "tcp open"
	case Accept:
		return "tcp accept"
	case Data:
		return "tcp"
	case Finish:
		return "tcp finish"
	case Reset:
		return "tcp reset"
	case Clear:
		return "tls"
	}
	return "unknown"
}

// Entry is one packet. Times count from the making of the network.
type Entry struct {
	Sent     time.Duration
	Arrived  time.Duration // or when it would have
	Src, Dst netip.AddrPort
	Kind     Kind
	Fate     Fate
	Bytes    []byte

	Copy      bool // made by Link.Duplicate
	Encrypted bool // the stream speaks TLS
}

// Trace is all that was sent, sorted by time sent, source, destination, time of arrival and bytes.
type Trace []Entry

// Trace returns what was sent so far. The entries share their bytes with the network: read only.
func (n *Network) Trace() Trace {
	n.mu.Lock()
	defer n.mu.Unlock()
	t := make(Trace, len(n.trace))
	for i, e := range n.trace {
		t[i] = *e
		t[i].Bytes = e.Bytes[:len(e.Bytes):len(e.Bytes)]
	}
	slices.SortStableFunc(t, func(a, b Entry) int {
		return cmp.Or(cmp.Compare(a.Sent, b.Sent), a.Src.Compare(b.Src), a.Dst.Compare(b.Dst),
			cmp.Compare(a.Arrived, b.Arrived), cmp.Compare(a.Kind, b.Kind), bytes.Compare(a.Bytes, b.Bytes))
	})
	return t
}

// String is the whole trace as text, to compare two runs byte for byte.
//
// Bytes inside TLS are left out: the handshake draws randomness that no seed reaches.
func (t Trace) String() string {
	var b strings.Builder
	for _, e := range t {
		fmt.Fprintln(&b, e)
	}
	return b.String()
}

func (e Entry) String() string {
	copied := ""
	if e.Copy {
		copied = " copy"
	}
	text := fmt.Sprintf("%v → %v %v → %v %v %v%s", e.Sent, e.Arrived, e.Src, e.Dst, e.Kind, e.Fate, copied)
	switch {
	case len(e.Bytes) == 0:
		return text
	case e.Encrypted:
		return text + " encrypted"
	}
	return fmt.Sprintf("%s %q", text, e.Bytes)
}

// isTLS tells a handshake record (RFC 8446 §5.1) from text.
func isTLS(b []byte) bool { return len(b) > 2 && b[0] == 22 && b[1] == 3 }

func (n *Network) record(e Entry) *Entry {
	n.trace = append(n.trace, &e)
	return &e
}
