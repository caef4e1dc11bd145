package proxy

import (
	"slices"
	"strconv"

	"github.com/sipscript/sipscript/sip"
)

// recurse takes the contacts of a 3xx into the target set, ahead of the groups that are left, in the order of their
// q: RFC 3261 §16.5 and §16.6. Each URI is tried once, none across the border of sips (RFC 5630 §5.3), and none at
// all for a request that is not this server's to route. What is tried is taken out of the 3xx; it returns what is
// left of the answer, nil when every contact is tried.
func (f *fork) recurse(a *answer) *answer {
	uri, err := f.ctx.request.URI()
	if err != nil || !f.ctx.env.Names.IsLocal(uri) {
		return a
	}
	contacts, err := a.reply.Contacts()
	if err != nil {
		return a
	}
	type taken struct {
		target Target
		q      int
	}
	var next []taken
	var left []string
	for i := range contacts {
		c := &contacts[i]
		text := c.URI.String()
		if c.Star || c.URI.IsSIPS() != uri.IsSIPS() || !c.URI.IsSIP() && !c.URI.IsSIPS() {
			left = append(left, c.String())
			continue
		}
		if f.seen[text] {
			continue
		}
		f.remember(text)
		next = append(next, taken{Target{URI: text}, quality(c)})
	}
	slices.SortStableFunc(next, func(a, b taken) int { return b.q - a.q })
	var groups []Group
	for i, t := range next {
		if i == 0 || t.q != next[i-1].q {
			groups = append(groups, nil)
		}
		last := len(groups) - 1
		groups[last] = append(groups[last], t.target)
	}
	f.groups = append(groups, f.groups...)
	f.recursed += len(groups)
	if len(left) == 0 {
		return nil
	}
	a.reply.Remove("Contact")
	for _, v := range left {
		a.reply.Add("Contact", v)
	}
	return a
}

func (f *fork) remember(uri string) {
	if f.seen == nil {
		f.seen = map[string]bool{}
	}
	f.seen[uri] = true
}

// quality is the q of a contact in thousandths, 1000 when it has none.
func quality(a *sip.Address) int {
	v, ok := a.Params.Get("q")
	if !ok {
		return 1000
	}
	q, err := strconv.ParseFloat(v, 64)
	if err != nil || q < 0 || q > 1 {
		return 1000
	}
	return int(q*1000 + 0.5)
}
