package sip

// HasOption reports whether an option tag is listed in Supported, Require, Proxy-Require or Unsupported, whichever n names. Tags are
// compared without regard to case (RFC 3261 §7.3.1).
func (m *Message) HasOption(n Name, tag string) bool {
	for element := range m.List(n) {
		if equalFold(element, tag) {
			return true
		}
	}
	return false
}

// Allows reports whether the sender of the message takes requests of a method. known is false when the message has no Allow, which says
// nothing about what is supported (RFC 3261 §20.5). Methods are compared with regard to case (§7.1).
func (m *Message) Allows(method string) (allowed, known bool) {
	for element := range m.List(Allow) {
		if element == method {
			return true, true
		}
	}
	return false, m.Has(Allow)
}
