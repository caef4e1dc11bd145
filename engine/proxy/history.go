package proxy

import (
	"slices"
	"strconv"
	"strings"

	"github.com/sipscript/sipscript/sip"
)

// history is the History-Info of a request (RFC 7044): whom it was for, one after the other, and why that has failed. It is
// kept for a request that has brought some, whose sender supports it, or that is diverted here.
type history struct {
	entries []told // the cache of §9.1, by index
	parent  string // index of the request as it has come
	count   int    // targets that have got an index
	sent    []told // entries of targets that have not answered yet
	asked   bool   // responses tell it (§9.4)
}

// told is one hi-entry.
type told struct {
	index, uri, params string
	reasons            string // header component of the URI
	target             *Target
	ours               bool // it was made here
}

func (e *told) String() string {
	if e.reasons != "" {
		return "<" + e.uri + "?" + e.reasons + ">" + e.params
	}
	return "<" + e.uri + ">" + e.params
}

// recall makes the history of the request, if there is to be one.
func (c *Context) recall(diverts bool) *history {
	if c.history != nil || c.inDialog {
		return c.history
	}
	m := c.request
	asked := m.Has(sip.HistoryInfo) || m.HasOption(sip.Supported, "histinfo")
	if !asked && !diverts {
		return nil
	}
	h := &history{asked: asked}
	for text := range m.List(sip.HistoryInfo) {
		h.add(text)
	}
	uri := c.asCame()
	switch last := len(h.entries) - 1; {
	case last < 0:
		h.parent = "1"
		h.entries = append(h.entries, told{index: "1", uri: uri, params: ";index=1"})
	case h.entries[last].uri != uri: // somebody between has not told of it (§9.1, §10.3 rule 6)
		h.parent = h.entries[last].index + ".0"
		h.entries = append(h.entries, told{index: h.parent, uri: uri, params: ";index=" + h.parent})
	default:
		h.parent = h.entries[last].index
	}
	c.history = h
	return h
}

// asCame is the request URI before anybody here has changed it, as a SIP URI (§9.1).
func (c *Context) asCame() string {
	text := c.routing.URI
	if text == "" {
		text = c.request.URIText()
	}
	if number, tel := strings.CutPrefix(text, "tel:"); tel {
		number, _, _ = strings.Cut(number, ";")
		return "sip:" + number + "@" + c.env.Names.Domain() + ";user=phone"
	}
	return strings.Clone(text)
}

// add puts an entry that somebody else has written into the cache, where its index says, unless it is there.
func (h *history) add(text string) {
	a, err := sip.ParseAddress(text)
	if err != nil {
		return
	}
	index, ok := a.Params.Get("index")
	if !ok {
		return
	}
	e := told{index: strings.Clone(index), params: strings.Clone(string(a.Params)), reasons: strings.Clone(a.URI.Headers)}
	a.URI.Headers = ""
	e.uri = strings.Clone(a.URI.String())
	h.insert(e)
}

func (h *history) insert(e told) {
	at, there := slices.BinarySearchFunc(h.entries, e.index, func(have told, index string) int { return compareIndex(have.index, index) })
	if !there {
		h.entries = slices.Insert(h.entries, at, e)
	}
}

// compareIndex orders indexes as the tree they are of is walked: 1.2.1 stands after 1.2 and before 1.2.2 and 1.3 (§9.3).
func compareIndex(a, b string) int {
	for a != "" && b != "" {
		var x, y string
		x, a, _ = strings.Cut(a, ".")
		y, b, _ = strings.Cut(b, ".")
		if len(x) != len(y) {
			return len(x) - len(y)
		}
		if order := strings.Compare(x, y); order != 0 {
			return order
		}
	}
	return len(a) - len(b)
}

// divert tells a target what has become of the request: every entry of the cache and one for this target (§9.2), and for a
// request that is diverted the Diversion that those read who know nothing newer (RFC 5806 §5.4).
func (c *Context) divert(m *sip.Message, t *Target, why string) {
	h := c.recall(why != "")
	if h == nil {
		return
	}
	leaves := c.leaves(m, t)
	all := leaves && withholds(m)
	switch {
	case why != "" && all:
		m.Prepend("Diversion", "<"+anonymous+">;reason="+why+";privacy=full")
	case why != "":
		m.Prepend("Diversion", "<"+c.asCame()+">;reason="+why)
	}
	h.count++
	e := told{index: h.parent + "." + strconv.Itoa(h.count), uri: strings.Clone(m.URIText()), target: t, ours: true}
	e.params = ";index=" + e.index + c.mechanism(&e, t, why)
	h.sent = append(h.sent, e)
	c.show(m, append(slices.Clip(h.entries), e), leaves, all)
}

// show writes entries into a message: for who stands beyond this domain without what he is not to know.
func (c *Context) show(m *sip.Message, entries []told, leaves, all bool) {
	m.Remove("History-Info")
	for _, e := range entries {
		if leaves {
			e = c.beyond(e, all)
		}
		m.Add("History-Info", e.String())
	}
	if all {
		withheld(m)
	}
}

// mechanism is how the target was found (§10.4): another place of the same user, another user, or what was asked for. Of a
// redirection only who has redirected knows.
func (c *Context) mechanism(e *told, t *Target, why string) string {
	came, err := sip.ParseURI(c.asCame())
	if err != nil || t.redirected {
		return ""
	}
	to, err := sip.ParseURI(e.uri)
	switch {
	case err != nil:
		return ""
	case why != "":
		return ";mp=" + c.history.parent
	case to.Equal(&came):
		return ";np=" + c.history.parent
	case to.User == came.User || len(t.Path) > 0 || t.Flow != (sip.Flow{}):
		return ";rc=" + c.history.parent
	}
	return ";mp=" + c.history.parent
}

// tell notes in the history that a target has answered with a code, 0 for a provisional response: what it tells of itself,
// and why it has failed (§9.3).
func (c *Context) tell(t *Target, code int, r *sip.Message) {
	if c.origin == nil || c.history == nil || t == nil {
		return
	}
	h := c.history
	i := slices.IndexFunc(h.sent, func(e told) bool { return e.target == t })
	if i < 0 {
		return
	}
	e := h.sent[i]
	e.target = nil
	if code >= 300 {
		h.sent = slices.Delete(h.sent, i, i+1)
		e.reasons = "Reason=" + sip.EscapeHeader("SIP;cause="+strconv.Itoa(code))
		if r != nil {
			for v := range r.Values(sip.ReasonHeader) {
				e.reasons += "&Reason=" + sip.EscapeHeader(v)
			}
		}
		h.entries = slices.DeleteFunc(h.entries, func(have told) bool { return have.index == e.index }) // it has no reason yet
	}
	h.insert(e)
	if r != nil {
		for text := range r.List(sip.HistoryInfo) {
			h.add(text)
		}
	}
}

// retell puts the cache into a response that goes upstream, if its request has asked for that (§9.4).
func (c *Context) retell(r *sip.Message) {
	if c.origin == nil || c.history == nil {
		return
	}
	entries := c.history.entries
	if !c.history.asked {
		entries = nil
	}
	c.show(r, entries, true, withholds(r))
}
