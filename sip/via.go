package sip

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// BranchCookie begins every branch that identifies a transaction by itself (RFC 3261 §8.1.1.7).
const BranchCookie = "z9hG4bK"

// ViaValue is one element of a Via (RFC 3261 §20.42).
type ViaValue struct {
	Transport string // as written; see ParseTransport
	Host      string // of the sent-by, IPv6 in its brackets
	Port      uint16 // of the sent-by, 0 when not given
	Params    Params // all of them, the branch too
	Branch    string // "" when there is none (RFC 2543)
}

// ParseVia reads one element of a Via. Errors wrap ErrMalformed.
func ParseVia(s string) (ViaValue, error) {
	var v ViaValue
	if problem := v.parse(trim(s)); problem != "" {
		return ViaValue{}, fmt.Errorf("%w Via %q: %s", ErrMalformed, s, problem)
	}
	return v, nil
}

// parse fills v and returns what is wrong with s, or "". When only the parameters are wrong, transport and sent-by are there: enough to
// send the 400 to.
func (v *ViaValue) parse(s string) (problem string) {
	*v = ViaValue{}
	const usual = "SIP/2.0/"
	if strings.HasPrefix(s, usual) {
		s = s[len(usual):]
	} else {
		// Any white space may stand around the slashes (RFC 4475 §3.1.1.1). The version is not looked at: a later Via version would
		// come with a later start line.
		for range 2 {
			slash := strings.IndexByte(s, '/')
			if slash < 0 || !IsToken(trim(s[:slash])) {
				return "bad protocol"
			}
			s = trimLeft(s[slash+1:])
		}
	}
	n := span(s, tokenChar)
	if n == 0 || n == len(s) || !isSpace(s[n]) {
		return "bad transport"
	}
	transport := s[:n]
	host, port, rest, ok := splitHostPort(trimLeft(s[n:]), true)
	if !ok {
		return "bad sent-by"
	}
	rest = trimLeft(rest)
	if rest != "" && rest[0] != ';' {
		return "bad sent-by"
	}
	v.Transport, v.Host, v.Port = transport, host, port
	v.Params = Params(rest)
	if v.Branch, ok = v.Params.check("branch"); !ok {
		v.Branch, _ = v.Params.Get("branch")
		return "bad parameters"
	}
	v.Branch = unquote(v.Branch)
	return ""
}

// String writes the Via element.
func (v *ViaValue) String() string {
	dst := append([]byte("SIP/2.0/"), v.Transport...)
	dst = append(append(dst, ' '), v.Host...)
	if v.Port != 0 {
		dst = strconv.AppendUint(append(dst, ':'), uint64(v.Port), 10)
	}
	return view(append(dst, v.Params...))
}

// Received returns the address in the received parameter, which may stand in brackets (RFC 5118 §4.5).
func (v *ViaValue) Received() (addr netip.Addr, ok bool) {
	value, ok := v.Params.Get("received")
	if !ok {
		return netip.Addr{}, false
	}
	return parseHost(value)
}

// RPort returns the rport parameter (RFC 3581 §3): present without a value gives 0 and true.
func (v *ViaValue) RPort() (port uint16, present bool) {
	value, present := v.Params.Get("rport")
	if !present {
		return 0, false
	}
	n, _ := parseUint(value, 65535)
	return uint16(n), true
}

// ReplyAddr is where a response goes by RFC 3261 §18.2.2 and RFC 3581 §4, from a top Via as it was stamped on arrival: maddr, else received,
// else the host of the sent-by, at the port of rport (not with maddr), else of the sent-by, else the default. Host may be a name still, or
// IPv6 in brackets. On a reliable transport this is only the address to connect to once the connection of the request is gone.
func (v *ViaValue) ReplyAddr() (host string, port uint16) {
	port = v.Port
	if port == 0 {
		transport, _ := ParseTransport(v.Transport)
		port = transport.DefaultPort()
	}
	if maddr, ok := v.Params.Get("maddr"); ok && maddr != "" {
		return maddr, port
	}
	if received, ok := v.Params.Get("received"); ok && received != "" {
		if rport, _ := v.RPort(); rport != 0 {
			port = rport
		}
		return received, port
	}
	return v.Host, port
}
