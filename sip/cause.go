package sip

import (
	"fmt"
	"strconv"
)

// ReasonValue is one element of a Reason header field: why a request was sent (RFC 3326 §2).
type ReasonValue struct {
	Protocol string // "SIP", "Q.850", or another token
	Cause    int    // a SIP status or a Q.850 cause; 0 when not said
	Text     string // "" when not said
	Params   Params
}

// ParseReason reads one element of a Reason header field. Errors wrap ErrMalformed.
func ParseReason(s string) (ReasonValue, error) {
	head, params, ok := cutParams(s)
	v := ReasonValue{Protocol: head, Params: params}
	if cause, said := params.Get("cause"); said {
		n, valid := parseUint(cause, 1<<31-1)
		ok = ok && valid
		v.Cause = int(n)
	}
	v.Text, _ = params.Get("text")
	if !ok || !IsToken(head) {
		return ReasonValue{}, fmt.Errorf("%w %s %q", ErrMalformed, ReasonHeader, s)
	}
	return v, nil
}

// String writes the element from its protocol, cause and text.
func (v ReasonValue) String() string {
	dst := append([]byte(nil), v.Protocol...)
	if v.Cause != 0 {
		dst = strconv.AppendInt(append(dst, ";cause="...), int64(v.Cause), 10)
	}
	if v.Text != "" {
		dst = appendQuoted(append(dst, ";text="...), oneLine(v.Text))
	}
	return view(dst)
}

// Reasons returns the elements of the Reason header field, nil when there is none.
func (m *Message) Reasons() ([]ReasonValue, error) {
	var list []ReasonValue
	for element := range m.List(ReasonHeader) {
		v, err := ParseReason(element)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}
