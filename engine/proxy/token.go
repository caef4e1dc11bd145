package proxy

import (
	"encoding/base64"
	"encoding/binary"
	"net/netip"

	"github.com/sipscript/sipscript/sip"
)

// A flow token is the user part of our Record-Route: the flows by which the two sides of a dialog are to be reached
// when their Contact would not get there (a phone behind NAT, or one that holds a connection open), and a keyed
// hash, so that nobody else can make us send along a flow of their choice (RFC 5626 §5.2).
//
//	byte 0      flags: 1 caller's flow follows, 2 callee's flow follows
//	bytes 1-4   hash of the caller's tag: tells which of the two a later request comes from
//	a flow      transport and address length (1), listener (1), address (4 or 16), port (2), connection (8, streams)
//	last 8      SipHash of all that
type token struct {
	tag            uint32
	caller, callee sip.Flow // zero: reached by its Contact
}

const (
	tokenCaller = 1 << iota
	tokenCallee
)

var tokenEncoding = base64.RawURLEncoding.Strict() // all of its letters may stand in a user part

func (e *Env) tagHash(tag string) uint32 { return uint32(e.Key.SumString(tag)) }

// appendToken appends the token's text to dst; nothing when neither side needs a flow.
func (e *Env) appendToken(dst []byte, t token) []byte {
	if t.caller == (sip.Flow{}) && t.callee == (sip.Flow{}) {
		return dst
	}
	var raw [96]byte
	b := append(raw[:0], 0)
	b = binary.BigEndian.AppendUint32(b, t.tag)
	if t.caller != (sip.Flow{}) {
		b[0] |= tokenCaller
		b = e.appendFlow(b, t.caller)
	}
	if t.callee != (sip.Flow{}) {
		b[0] |= tokenCallee
		b = e.appendFlow(b, t.callee)
	}
	b = binary.BigEndian.AppendUint64(b, e.Key.Sum(b))
	return tokenEncoding.AppendEncode(dst, b)
}

func (e *Env) appendFlow(b []byte, f sip.Flow) []byte {
	listener := 0
	for i, l := range e.Names.Listeners() {
		if l.Transport == f.Transport && l.Local.Addr() == f.Local.Addr() {
			listener = i
			if l.Local == f.Local {
				break
			}
		}
	}
	addr := f.Remote.Addr().AsSlice()
	b = append(b, byte(f.Transport)<<5|byte(len(addr)), byte(listener))
	b = append(b, addr...)
	b = binary.BigEndian.AppendUint16(b, f.Remote.Port())
	if f.Transport.Reliable() {
		b = binary.BigEndian.AppendUint64(b, f.Conn)
	}
	return b
}

// readToken verifies and reads a user part. One that does not verify is no token: ok is false.
func (e *Env) readToken(user string) (t token, ok bool) {
	var raw [128]byte
	if len(user) < 16 || tokenEncoding.DecodedLen(len(user)) > len(raw) {
		return t, false
	}
	n, err := tokenEncoding.Decode(raw[:], []byte(user))
	if err != nil || n < 14 {
		return t, false
	}
	b, mac := raw[:n-8], binary.BigEndian.Uint64(raw[n-8:n])
	if e.Key.Sum(b) != mac {
		return t, false
	}
	flags := b[0]
	t.tag = binary.BigEndian.Uint32(b[1:])
	b = b[5:]
	if flags&tokenCaller != 0 {
		if t.caller, b, ok = e.readFlow(b); !ok {
			return t, false
		}
	}
	if flags&tokenCallee != 0 {
		if t.callee, _, ok = e.readFlow(b); !ok {
			return t, false
		}
	}
	return t, true
}

func (e *Env) readFlow(b []byte) (f sip.Flow, rest []byte, ok bool) {
	if len(b) < 2 {
		return f, nil, false
	}
	f.Transport = sip.Transport(b[0] >> 5)
	size, listener := int(b[0]&31), int(b[1])
	b = b[2:]
	if len(b) < size+2 || listener >= len(e.Names.Listeners()) {
		return f, nil, false
	}
	addr, ok := netip.AddrFromSlice(b[:size])
	if !ok {
		return f, nil, false
	}
	f.Local = e.Names.Listeners()[listener].Local
	f.Remote = netip.AddrPortFrom(addr, binary.BigEndian.Uint16(b[size:]))
	b = b[size+2:]
	if f.Transport.Reliable() {
		if len(b) < 8 {
			return f, nil, false
		}
		f.Conn, b = binary.BigEndian.Uint64(b), b[8:]
	}
	return f, b, true
}

// toward is the flow that a request sent by the side with fromTag is to leave by; zero: its route decides.
func (e *Env) toward(t token, fromTag string) sip.Flow {
	if e.tagHash(fromTag) == t.tag {
		return t.callee
	}
	return t.caller
}
