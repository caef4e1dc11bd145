package sip

import (
	"fmt"
	"strings"
)

// CSeqValue is the value of a CSeq (RFC 3261 §20.16).
type CSeqValue struct {
	Number uint32 // below 2^31 (§8.1.1.5)
	Method string
}

// ParseCSeq reads a CSeq value. Errors wrap ErrMalformed.
func ParseCSeq(s string) (CSeqValue, error) {
	s = trim(s)
	end := span(s, digitChar)
	number, ok := parseUint(s[:end], 1<<31-1)
	method, known := internMethod(trimLeft(s[end:]))
	if !ok || len(method) == len(s)-end || !known && !IsToken(method) {
		return CSeqValue{}, fmt.Errorf("%w CSeq %q", ErrMalformed, s)
	}
	return CSeqValue{Number: uint32(number), Method: method}, nil
}

// CSeq returns the CSeq.
func (m *Message) CSeq() (CSeqValue, error) {
	if m.cached&cachedCSeq == 0 {
		m.cached |= cachedCSeq
		if value, ok := m.Value(CSeq); ok {
			m.cseq, m.cseqErr = ParseCSeq(value)
		} else {
			m.cseq, m.cseqErr = CSeqValue{}, missing(CSeq)
		}
	}
	return m.cseq, m.cseqErr
}

// MaxForwards returns the Max-Forwards. ok is false when there is none; a value above 255 or no number at all is an error (RFC 3261
// §20.22), which a proxy may treat like a missing one (RFC 4475 §3.1.2.4).
func (m *Message) MaxForwards() (n int, ok bool, err error) { return m.number(MaxForwards, 255) }

// Expires returns the Expires header field in seconds. ok is false when there is none; what does not fit into 32 bits is an error, for
// which the default of the request is to be taken (RFC 3261 §10.3 item 7, RFC 4475 §3.1.2.4).
func (m *Message) Expires() (seconds int, ok bool, err error) { return m.number(Expires, 1<<32-1) }

func (m *Message) number(n Name, limit uint64) (int, bool, error) {
	value, ok := m.Value(n)
	if !ok {
		return 0, false, nil
	}
	number, valid := parseUint(value, limit)
	if !valid {
		return 0, true, fmt.Errorf("%w %s %q", ErrMalformed, n, value)
	}
	return int(number), true, nil
}

// ParseSeconds reads a delta-seconds as expires and q-less parameters have it (RFC 3261 §25.1). ok is false for what is no number or does
// not fit into 32 bits.
func ParseSeconds(s string) (seconds int, ok bool) {
	n, ok := parseUint(strings.TrimSpace(s), 1<<32-1)
	return int(n), ok
}

// ParseQ reads a qvalue, "0" to "1" with at most three decimals, in thousandths (RFC 3261 §25.1).
func ParseQ(s string) (thousandths int, ok bool) {
	whole, decimals, _ := strings.Cut(s, ".")
	if whole != "0" && whole != "1" && (whole != "" || decimals == "") || len(decimals) > 3 {
		return 0, false
	}
	if whole == "1" {
		thousandths = 1000
	}
	for i, weight := 0, 100; i < len(decimals); i, weight = i+1, weight/10 {
		if class[decimals[i]]&digitChar == 0 {
			return 0, false
		}
		thousandths += int(decimals[i]-'0') * weight
	}
	return thousandths, thousandths <= 1000
}
