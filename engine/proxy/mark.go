package proxy

import (
	"encoding/binary"

	"github.com/sipscript/sipscript/sip"
)

// Our branch parameter is z9hG4bK, t or s (stateful, stateless), 64 bits that make it unique and 64 bits that are a
// keyed hash of everything that decides where the request goes (RFC 5393 §4.2.1). The same hash in a Via of ours
// means that the request has come round unchanged, a loop; another one a spiral, which is welcome.
const (
	cookie      = "z9hG4bK"
	stateful    = 't'
	stateless   = 's'
	markLetters = 13 // letters of 64 bits in base32
	markLength  = len(cookie) + 1 + 2*markLetters
	alphabet    = "0123456789abcdefghijklmnopqrstuv" // base32; lower case, as a branch is compared without case
)

func appendMark(dst []byte, kind byte, unique, loop uint64) []byte {
	dst = append(dst, cookie...)
	dst = append(dst, kind)
	dst = AppendBase32(dst, unique)
	return AppendBase32(dst, loop)
}

// AppendBase32 appends the 13 letters of v; tags and branches are made of it.
func AppendBase32(dst []byte, v uint64) []byte {
	for shift := 60; shift >= 0; shift -= 5 {
		dst = append(dst, alphabet[v>>shift&31])
	}
	return dst
}

// readMark takes a branch of ours apart.
func readMark(branch string) (kind byte, unique, loop uint64, ok bool) {
	if len(branch) != markLength || branch[:len(cookie)] != cookie {
		return 0, 0, 0, false
	}
	kind = branch[len(cookie)]
	if kind != stateful && kind != stateless {
		return 0, 0, 0, false
	}
	unique, ok1 := readBase32(branch[len(cookie)+1:][:markLetters])
	loop, ok2 := readBase32(branch[markLength-markLetters:])
	return kind, unique, loop, ok1 && ok2
}

func readBase32(s string) (v uint64, ok bool) {
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'v':
			c -= 'a' - 10
		case c >= 'A' && c <= 'V':
			c -= 'A' - 10
		default:
			return 0, false
		}
		v = v<<5 | uint64(c)
	}
	return v, true
}

// loopHash is of what decides about a request's way, taken as it came, before any Route is removed: where it came in
// too, since what we are asked by our own maddr depends on that. The method is left out, so that a CANCEL and an ACK
// are marked like their INVITE, and so is the To tag, which the ACK of a failure has and its INVITE has not.
type loopHash struct {
	all uint64
	// plain is without what stands in an INVITE and not in its CANCEL. The branch of a request that was forwarded
	// statelessly is made of it, or the CANCEL would not match downstream.
	plain uint64
}

func (e *Env) loopHash(m *sip.Message, from sip.Flow) loopHash {
	b := e.scratch[:0]
	if root, ok := readRoot(m.FromTag()); ok {
		b = binary.BigEndian.AppendUint64(b, root) // dialled here: Call-ID and CSeq are others each time round
	} else {
		b = append(append(b, m.FromTag()...), 0)
		b = append(append(b, m.CallID()...), 0)
		if c, err := m.CSeq(); err == nil {
			b = binary.BigEndian.AppendUint32(b, c.Number)
		}
	}
	b = append(append(b, m.URIText()...), 0)
	b = append(b, byte(from.Transport), byte(from.Local.Port()>>8), byte(from.Local.Port()))
	b = appendValues(b, m, sip.Route)
	h := loopHash{plain: e.Key.Sum(b)}
	h.all = h.plain
	if m.Has(sip.ProxyRequire) || m.Has(sip.ProxyAuthorization) {
		b = appendValues(b, m, sip.ProxyRequire)
		b = appendValues(b, m, sip.ProxyAuthorization)
		h.all = e.Key.Sum(b)
	}
	e.scratch = b
	return h
}

func appendValues(b []byte, m *sip.Message, n sip.Name) []byte {
	if m.Has(n) {
		for v := range m.Values(n) {
			b = append(append(b, v...), 0)
		}
	}
	return append(b, 0)
}

// looped reports whether a Via of ours in m carries its hash.
func (e *Env) looped(m *sip.Message, hash loopHash) bool {
	if m.Count(sip.Via) == 0 {
		return false
	}
	for text := range m.List(sip.Via) {
		if !hasMark(text) {
			continue // not one of ours: spare it the parsing
		}
		v, err := sip.ParseVia(text)
		if err != nil {
			continue
		}
		kind, _, loop, ok := readMark(v.Branch)
		if ok && (kind == stateful && loop == hash.all || kind == stateless && loop == hash.plain) && e.ownVia(&v) {
			return true
		}
	}
	return false
}

func hasMark(via string) bool {
	for i := 0; i+len(cookie) < len(via); i++ {
		if via[i] == 'z' && via[i:i+len(cookie)] == cookie {
			k := via[i+len(cookie)]
			return k == stateful || k == stateless
		}
	}
	return false
}

func (e *Env) ownVia(v *sip.ViaValue) bool {
	t, ok := sip.ParseTransport(v.Transport)
	return ok && e.Names.IsOwn(v.Host, v.Port, t)
}
