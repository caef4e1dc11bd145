package sip

import "fmt"

// ReplacesValue is the value of a Replaces: the dialog that the new one takes the place of, as the recipient sees it (RFC 3891 §6.1).
type ReplacesValue struct {
	CallID    string
	ToTag     string // the recipient's local tag; "0" means none, for peers of RFC 2543
	FromTag   string // the recipient's remote tag; "0" means none
	EarlyOnly bool   // not if the dialog is confirmed
}

// ParseReplaces reads a Replaces value. Errors wrap ErrMalformed.
func ParseReplaces(s string) (ReplacesValue, error) {
	callID, params, ok := cutParams(s)
	v := ReplacesValue{CallID: callID, EarlyOnly: params.Has("early-only")}
	v.ToTag, _ = params.Get("to-tag")
	v.FromTag, _ = params.Get("from-tag")
	if !ok || callID == "" || hasSpace(callID) || comma(callID) >= 0 || !IsToken(v.ToTag) || !IsToken(v.FromTag) {
		return ReplacesValue{}, fmt.Errorf("%w %s %q", ErrMalformed, Replaces, s)
	}
	return v, nil
}

// String writes the value.
func (v ReplacesValue) String() string {
	s := v.CallID + ";to-tag=" + v.ToTag + ";from-tag=" + v.FromTag
	if v.EarlyOnly {
		s += ";early-only"
	}
	return s
}

// Replaces returns the Replaces of an INVITE. ok is false when there is none; more than one is an error (RFC 3891 §3: 400).
func (m *Message) Replaces() (v ReplacesValue, ok bool, err error) {
	value, ok := m.Value(Replaces)
	if !ok {
		return ReplacesValue{}, false, nil
	}
	if m.Count(Replaces) > 1 {
		return ReplacesValue{}, true, fmt.Errorf("%w %s: more than one", ErrMalformed, Replaces)
	}
	v, err = ParseReplaces(value)
	return v, true, err
}

// TargetDialogValue is the value of a Target-Dialog: a dialog that the sender proves to know, as the recipient sees it (RFC 4538 §3).
type TargetDialogValue struct{ CallID, LocalTag, RemoteTag string }

// ParseTargetDialog reads a Target-Dialog value. One without both tags is an error, and the header field then is to be ignored (RFC 4538
// §4). Errors wrap ErrMalformed.
func ParseTargetDialog(s string) (TargetDialogValue, error) {
	callID, params, ok := cutParams(s)
	v := TargetDialogValue{CallID: callID}
	v.LocalTag, _ = params.Get("local-tag")
	v.RemoteTag, _ = params.Get("remote-tag")
	if !ok || callID == "" || hasSpace(callID) || !IsToken(v.LocalTag) || !IsToken(v.RemoteTag) {
		return TargetDialogValue{}, fmt.Errorf("%w %s %q", ErrMalformed, TargetDialog, s)
	}
	return v, nil
}

// String writes the value.
func (v TargetDialogValue) String() string {
	return v.CallID + ";local-tag=" + v.LocalTag + ";remote-tag=" + v.RemoteTag
}

// TargetDialog returns the Target-Dialog. ok is false when there is none.
func (m *Message) TargetDialog() (v TargetDialogValue, ok bool, err error) {
	value, ok := m.Value(TargetDialog)
	if !ok {
		return TargetDialogValue{}, false, nil
	}
	v, err = ParseTargetDialog(value)
	return v, true, err
}
