package dialog

import "github.com/sipscript/sipscript/sip"

// peer is what the other end has said about itself, in its latest message that said it. An Allow in a 405, or in any other message,
// replaces what was known.
type peer struct {
	allows  uint8 // methods of asked
	allowed bool  // an Allow was seen
	options uint8 // option tags of tags
}

// asked are the methods that somebody asks Allows about.
var asked = [...]string{sip.UPDATE, sip.PRACK, sip.REFER, sip.INFO, sip.MESSAGE, sip.OPTIONS, sip.NOTIFY, sip.SUBSCRIBE}

// tags are the option tags that somebody asks Supports about.
var tags = [...]string{"100rel", "timer", "replaces", "norefersub", "tdialog"}

// learn reads Allow, Supported and Require of a message.
func (p *peer) learn(m *sip.Message) {
	if m.Has(sip.Allow) {
		p.allowed, p.allows = true, 0
		for i, method := range asked {
			if ok, _ := m.Allows(method); ok {
				p.allows |= 1 << i
			}
		}
	}
	if m.Has(sip.Supported) {
		p.options = 0
	}
	if m.Has(sip.Supported) || m.Has(sip.Require) {
		for i, tag := range tags {
			if m.HasOption(sip.Supported, tag) || m.HasOption(sip.Require, tag) {
				p.options |= 1 << i
			}
		}
	}
}

// Allows reports whether the peer has listed a method in an Allow. One that has sent no Allow has said nothing about any (RFC 3261 §20.5):
// known is false then, and for methods that nobody asks about.
func (d *Dialog) Allows(method string) (allowed, known bool) {
	for i := range asked {
		if asked[i] == method {
			return d.peer.allows&(1<<i) != 0, d.peer.allowed
		}
	}
	return false, false
}

// Supports reports whether the peer has listed an option tag of 100rel, timer, replaces, norefersub and tdialog, in lower case.
func (d *Dialog) Supports(tag string) bool {
	for i := range tags {
		if tags[i] == tag {
			return d.peer.options&(1<<i) != 0
		}
	}
	return false
}
