package track

import (
	"slices"
	"strings"
	"time"

	"github.com/sipscript/sipscript/engine/cdr"
	"github.com/sipscript/sipscript/engine/media"
	"github.com/sipscript/sipscript/engine/proxy"
	"github.com/sipscript/sipscript/sip"
)

// longestLife is after how long a call counts as over whose BYE was never seen.
const longestLife = 12 * time.Hour

// Table holds the tracked calls of one shard.
type Table struct {
	env   *proxy.Env
	media media.Backend    // nil: there is no relay
	calls map[key]*Call    // the first of those with one key
	named map[string]*Call // those that are not over, by the ID of their record
	order []*Call          // all, in no order that matters beyond being the same in every run
}

// key names the caller's side of a call.
type key struct{ callID, tag string }

// NewTable returns a table without calls. relay keeps the media of those that want it kept here; nil: nobody does.
func NewTable(env *proxy.Env, relay media.Backend) *Table {
	return &Table{env: env, media: relay, calls: make(map[key]*Call), named: make(map[string]*Call)}
}

// Len is how many calls are tracked, those included that only wait for late messages.
func (t *Table) Len() int { return len(t.order) }

// Begin tracks the call that an INVITE is to make, before it is proxied. The request is as it came; from is the flow it came by, and by is asked
// to refuse it.
func (t *Table) Begin(r *cdr.Record, invite *sip.Message, from sip.Flow, by Invitation) *Call {
	c := &Call{table: t, Record: r, invitation: by, key: key{strings.Clone(invite.CallID()), strings.Clone(invite.FromTag())}, place: len(t.order)}
	c.caller.read(invite, from)
	c.from, c.to = value(invite, sip.From), value(invite, sip.To)
	if cseq, err := invite.CSeq(); err == nil {
		c.invite, c.caller.sent = cseq.Number, cseq.Number
	}
	c.timer.Bind(c)
	// An INVITE may come round with another request URI (a spiral): each time it makes a call of its own with the same key, and what passes later
	// passes all of them, in the order in which the INVITE did.
	if first := t.calls[c.key]; first != nil {
		for first.next != nil {
			first = first.next
		}
		first.next = c
	} else {
		t.calls[c.key] = c
	}
	t.order = append(t.order, c)
	t.named[r.ID] = c
	return c
}

// remove forgets a call.
func (t *Table) remove(c *Call) {
	last := len(t.order) - 1
	t.order[last].place = c.place
	t.order[c.place] = t.order[last]
	t.order[last] = nil
	t.order = t.order[:last]

	first := t.calls[c.key]
	switch {
	case first == c && c.next == nil:
		delete(t.calls, c.key)
	case first == c:
		t.calls[c.key] = c.next
	default:
		for ; first != nil; first = first.next {
			if first.next == c {
				first.next = c.next
				break
			}
		}
	}
}

// Find returns the passage of a request inside a dialog through the tracked calls it belongs to, or nil.
func (t *Table) Find(m *sip.Message) *Passing {
	if len(t.order) == 0 {
		return nil
	}
	method, callID, from, to := m.Method(), m.CallID(), m.FromTag(), m.ToTag()
	var p *Passing
	for c := t.calls[key{callID, from}]; c != nil; c = c.next {
		p = p.with(c, method, to, true)
	}
	if p != nil {
		return p
	}
	for c := t.calls[key{callID, to}]; c != nil; c = c.next {
		p = p.with(c, method, from, false)
	}
	if p != nil {
		p.reverse()
	}
	return p
}

// Get is the call with the ID of its record, or nil when there is none that is not over.
func (t *Table) Get(id string) *Call { return t.named[id] }

// Named is the call that has a dialog of these tags, given in whichever order; nil when there is none that is not over.
func (t *Table) Named(callID, tag, other string) *Call {
	for range 2 {
		for c := t.calls[key{callID, tag}]; c != nil; c = c.next {
			if c.state != over && slices.ContainsFunc(c.dialogs, func(d *dialog) bool { return d.tag == other }) {
				return c
			}
		}
		tag, other = other, tag
	}
	return nil
}

// Each calls f for each call that is not over, until it returns false.
func (t *Table) Each(f func(*Call) bool) {
	for _, c := range t.order {
		if c.state != over && !f(c) {
			return
		}
	}
}

// Close ends the records of all calls: the server goes down under them. The shard does not run any more.
func (t *Table) Close() {
	now := time.Now() // its clock stands still
	for _, c := range t.order {
		c.releaseMedia()
		c.Record.End(now, cdr.ByShutdown)
	}
}

func value(m *sip.Message, n sip.Name) string {
	v, _ := m.Value(n)
	return strings.Clone(v)
}
