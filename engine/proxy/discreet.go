package proxy

import (
	"slices"
	"strings"

	"github.com/sipscript/sipscript/sip"
)

// anonymous stands for a URI that is not to be known (RFC 3323 §4.1.1.3).
const anonymous = "sip:anonymous@anonymous.invalid"

// withholds reports whether who has sent m wants nobody beyond this domain to know whom the request was for: the whole history (RFC 7044 §10.1.2).
func withholds(m *sip.Message) bool {
	for v := range m.Values(sip.Privacy) {
		for word := range strings.SplitSeq(v, ";") {
			if word = strings.TrimSpace(word); strings.EqualFold(word, "history") || strings.EqualFold(word, "header") {
				return true
			}
		}
	}
	return false
}

// withheld takes "history" out of the Privacy of a message whose history was made anonymous, so that nobody does it again.
func withheld(m *sip.Message) {
	var left []string
	for v := range m.Values(sip.Privacy) {
		for word := range strings.SplitSeq(v, ";") {
			if word = strings.TrimSpace(word); word != "" && !strings.EqualFold(word, "history") {
				left = append(left, word)
			}
		}
	}
	m.Remove("Privacy")
	if len(left) > 0 {
		m.Add("Privacy", strings.Join(left, ";"))
	}
}

// leaves reports whether m goes where this server is not responsible, for all that is known: neither over the connection or path by which a phone is
// registered here, nor to an address of ours.
func (c *Context) leaves(m *sip.Message, t *Target) bool {
	if t.Flow != (sip.Flow{}) || len(t.Path) > 0 {
		return false
	}
	uri, err := m.URI()
	return err == nil && !c.env.Names.IsLocal(uri)
}

// private reports whether who has made the entry wants its URI withheld.
func (e *told) private() bool {
	return slices.ContainsFunc(strings.Split(e.reasons, "&"), func(field string) bool {
		name, value, _ := strings.Cut(field, "=")
		return strings.EqualFold(name, "Privacy") && strings.EqualFold(value, "history")
	})
}

// beyond is the entry as it is told beyond this domain. Those of other domains are theirs to judge.
func (c *Context) beyond(e told, all bool) told {
	if uri, err := sip.ParseURI(e.uri); !e.ours && (err != nil || !c.env.Names.IsLocal(&uri)) {
		return e
	}
	if all || e.private() {
		e.uri = anonymous
	}
	e.reasons = strings.Join(slices.DeleteFunc(strings.Split(e.reasons, "&"), func(field string) bool {
		name, _, _ := strings.Cut(field, "=")
		return strings.EqualFold(name, "Privacy")
	}), "&")
	return e
}
