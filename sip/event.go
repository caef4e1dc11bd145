package sip

import "fmt"

// EventValue is the value of an Event (RFC 6665 §8.2.1).
type EventValue struct {
	Package string // with its templates, "presence.winfo"
	ID      string // "" when there is none
	Params  Params
}

// ParseEvent reads an Event value. Errors wrap ErrMalformed.
func ParseEvent(s string) (EventValue, error) {
	head, params, ok := cutParams(s)
	if !ok || !IsToken(head) {
		return EventValue{}, fmt.Errorf("%w %s %q", ErrMalformed, Event, s)
	}
	v := EventValue{Package: head, Params: params}
	v.ID, _ = params.Get("id")
	return v, nil
}

// Event returns the Event. Without one the error wraps ErrMissing.
func (m *Message) Event() (EventValue, error) {
	value, ok := m.Value(Event)
	if !ok {
		return EventValue{}, missing(Event)
	}
	return ParseEvent(value)
}

// SubscriptionStateValue is the value of a Subscription-State (RFC 6665 §8.2.3).
type SubscriptionStateValue struct {
	State      string // "active", "pending", "terminated", or what an extension says; lower case
	Reason     string // why it is terminated, "" when not said
	Expires    int    // seconds, -1 when not said
	RetryAfter int    // seconds, -1 when not said
	Params     Params
}

// ParseSubscriptionState reads a Subscription-State value. An expires or retry-after that is no number counts as not said. Errors wrap
// ErrMalformed.
func ParseSubscriptionState(s string) (SubscriptionStateValue, error) {
	head, params, ok := cutParams(s)
	if !ok || !IsToken(head) {
		return SubscriptionStateValue{}, fmt.Errorf("%w %s %q", ErrMalformed, SubscriptionState, s)
	}
	v := SubscriptionStateValue{State: lowerText(head), Params: params, Expires: secondsOf(params, "expires"), RetryAfter: secondsOf(params, "retry-after")}
	v.Reason, _ = params.Get("reason")
	return v, nil
}

// SubscriptionState returns the Subscription-State of a NOTIFY. Without one the error wraps ErrMissing.
func (m *Message) SubscriptionState() (SubscriptionStateValue, error) {
	value, ok := m.Value(SubscriptionState)
	if !ok {
		return SubscriptionStateValue{}, missing(SubscriptionState)
	}
	return ParseSubscriptionState(value)
}

// secondsOf returns a parameter that is a number of seconds, -1 when there is none.
func secondsOf(params Params, name string) int {
	value, _ := params.Get(name)
	if seconds, ok := ParseSeconds(value); ok {
		return seconds
	}
	return -1
}
