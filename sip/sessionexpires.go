package sip

import (
	"fmt"
	"strconv"
)

// SessionExpiresValue is the value of a Session-Expires (RFC 4028 §4).
type SessionExpiresValue struct {
	Seconds   int
	Refresher string // "uac", "uas", or "" when it was not said
}

// ParseSessionExpires reads a Session-Expires value. A refresher that is neither uac nor uas is malformed. Errors wrap ErrMalformed.
func ParseSessionExpires(s string) (SessionExpiresValue, error) {
	head, params, ok := cutParams(s)
	seconds, valid := parseUint(head, 1<<32-1)
	refresher, _ := params.Get("refresher")
	switch {
	case refresher == "" && !params.Has("refresher"):
	case equalFold(refresher, "uac"):
		refresher = "uac"
	case equalFold(refresher, "uas"):
		refresher = "uas"
	default:
		ok = false
	}
	if !ok || !valid {
		return SessionExpiresValue{}, fmt.Errorf("%w %s %q", ErrMalformed, SessionExpires, s)
	}
	return SessionExpiresValue{Seconds: int(seconds), Refresher: refresher}, nil
}

// String writes the value.
func (v SessionExpiresValue) String() string {
	dst := strconv.AppendInt(nil, int64(v.Seconds), 10)
	if v.Refresher != "" {
		dst = append(append(dst, ";refresher="...), v.Refresher...)
	}
	return view(dst)
}

// SessionExpires returns the Session-Expires. ok is false when there is none.
func (m *Message) SessionExpires() (v SessionExpiresValue, ok bool, err error) {
	value, ok := m.Value(SessionExpires)
	if !ok {
		return SessionExpiresValue{}, false, nil
	}
	v, err = ParseSessionExpires(value)
	return v, true, err
}

// MinSE returns the Min-SE in seconds (RFC 4028 §5). ok is false when there is none.
func (m *Message) MinSE() (seconds int, ok bool, err error) {
	value, ok := m.Value(MinSE)
	if !ok {
		return 0, false, nil
	}
	head, _, wellFormed := cutParams(value)
	n, valid := parseUint(head, 1<<32-1)
	if !wellFormed || !valid {
		return 0, true, fmt.Errorf("%w %s %q", ErrMalformed, MinSE, value)
	}
	return int(n), true, nil
}
