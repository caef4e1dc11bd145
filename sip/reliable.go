package sip

import (
	"fmt"
	"strconv"
)

// RAckValue is the value of a RAck: which reliable provisional response a PRACK acknowledges (RFC 3262 §7.2).
type RAckValue struct {
	Response uint32    // the RSeq of the response
	CSeq     CSeqValue // the CSeq of the response
}

// ParseRAck reads a RAck value. Errors wrap ErrMalformed.
func ParseRAck(s string) (RAckValue, error) {
	s = trim(s)
	end := span(s, digitChar)
	response, ok := parseUint(s[:end], 1<<32-1)
	if rest := trimLeft(s[end:]); ok && response > 0 && len(rest) < len(s)-end {
		if cseq, err := ParseCSeq(rest); err == nil {
			return RAckValue{Response: uint32(response), CSeq: cseq}, nil
		}
	}
	return RAckValue{}, fmt.Errorf("%w RAck %q", ErrMalformed, s)
}

// String writes the value.
func (v RAckValue) String() string {
	dst := strconv.AppendUint(nil, uint64(v.Response), 10)
	dst = strconv.AppendUint(append(dst, ' '), uint64(v.CSeq.Number), 10)
	return view(append(append(dst, ' '), v.CSeq.Method...))
}

// RAck returns the RAck of a PRACK.
func (m *Message) RAck() (RAckValue, error) {
	value, ok := m.Value(RAck)
	if !ok {
		return RAckValue{}, missing(RAck)
	}
	return ParseRAck(value)
}

// RSeq returns the RSeq of a provisional response (RFC 3262 §7.1). ok is false when there is none; 0 and what does not fit into 32 bits are
// errors.
func (m *Message) RSeq() (number uint32, ok bool, err error) {
	n, ok, err := m.number(RSeq, 1<<32-1)
	if ok && err == nil && n == 0 {
		err = fmt.Errorf("%w %s: 0", ErrMalformed, RSeq)
	}
	return uint32(n), ok, err
}
