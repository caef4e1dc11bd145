package sip

import "net/netip"

// Transport is the transport protocol of a flow.
type Transport uint8

// The transports of this server. The zero Transport is none.
const (
	UDP Transport = iota + 1
	TCP
	TLS
)

// String returns the transport as a Via writes it: "UDP", "TCP" or "TLS" (RFC 3261 §20.42).
func (t Transport) String() string {
	switch t {
	case UDP:
		return "UDP"
	case TCP:
		return "TCP"
	case TLS:
		return "TLS"
	}
	return "NONE"
}

// Param returns the transport as a URI's transport parameter writes it: "udp", "tcp" or "tls".
func (t Transport) Param() string {
	switch t {
	case UDP:
		return "udp"
	case TCP:
		return "tcp"
	case TLS:
		return "tls"
	}
	return ""
}

// Reliable reports whether the transport retransmits by itself, so that transactions do not (RFC 3261 §17.1.1.2).
func (t Transport) Reliable() bool { return t == TCP || t == TLS }

// Secure reports whether the transport satisfies a sips URI's demand for TLS on this hop (RFC 3261 §26.2.2).
func (t Transport) Secure() bool { return t == TLS }

// DefaultPort returns the port of a sent-by or URI that names none: 5061 for TLS, else 5060 (RFC 3261 §18.1.1).
func (t Transport) DefaultPort() uint16 {
	if t == TLS {
		return 5061
	}
	return 5060
}

// ParseTransport reads a transport name in any case, from a Via or from a transport parameter.
func ParseTransport(s string) (Transport, bool) {
	if len(s) != 3 {
		return 0, false
	}
	switch {
	case equalFold(s, "UDP"):
		return UDP, true
	case equalFold(s, "TCP"):
		return TCP, true
	case equalFold(s, "TLS"):
		return TLS, true
	}
	return 0, false
}

// Flow names where bytes came from or go to (RFC 5626 §2.1). Flows are comparable with ==.
type Flow struct {
	Transport Transport
	Local     netip.AddrPort // our side; for UDP it names the socket
	Remote    netip.AddrPort
	// Conn is the number of a stream connection, never used twice in the life of the process. It is 0 for UDP, and on a stream for
	// "any connection to Remote, else a new one".
	Conn uint64
}
