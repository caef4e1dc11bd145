package proxy

import (
	"slices"
	"strconv"
	"time"

	"github.com/sipscript/sipscript/sip"
)

// recurse takes the contacts of a 3xx into the target set, ahead of the groups that are left, in the order of their
// q: RFC 3261 §16.5 and §16.6. None is taken across the border of sips (RFC 5630 §5.3), none at all for a request that
// is not this server's to route, and no more than may ring at once, since redirections could go on for ever. What is
// taken is taken out of the 3xx; it returns what is left of the answer, nil when that is nothing.
func (f *fork) recurse(a *answer) *answer {
	uri, err := sip.ParseURI(f.ctx.routing.URI) // as it came: a script may rewrite the request URI of any domain
	if err != nil || uri.Params.Has("maddr") || !f.ctx.env.Names.IsLocal(&uri) {
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
		if c.Star || c.URI.IsSIPS() != uri.IsSIPS() || !c.URI.IsSIP() || f.taken == f.ctx.env.maxBranches() {
			left = append(left, c.String())
			continue
		}
		f.taken++
		c.URI.Headers = ""
		c.URI.Params = c.URI.Params.Without("method")
		next = append(next, taken{Target{URI: c.URI.String(), redirected: true, until: f.expiry(a.reply, c)}, quality(c)})
	}
	if len(next) == 0 {
		return a
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
	f.ahead += len(groups)
	if len(left) == 0 {
		return nil
	}
	a.reply.Remove("Contact")
	for _, v := range left {
		a.reply.Add("Contact", v)
	}
	return a
}

// expiry is until when a contact is good: by its own parameter, else by Expires, an hour when that is malformed
// (RFC 3261 §21.3, §20.10). Zero: for this request.
func (f *fork) expiry(r *sip.Message, c *sip.Address) time.Time {
	text, ok := c.Params.Get("expires")
	if !ok {
		if text, ok = r.Value(sip.Expires); !ok {
			return time.Time{}
		}
	}
	life := time.Hour
	if n, err := strconv.ParseUint(text, 10, 32); err == nil {
		life = time.Duration(n) * time.Second
	}
	return f.ctx.env.Loop.Wheel().Now().Add(life)
}

// quality is the q of a contact in thousandths, 1000 when it has none.
func quality(a *sip.Address) int {
	v, ok := a.Params.Get("q")
	if !ok {
		return 1000
	}
	q, err := strconv.ParseFloat(v, 64)
	if err != nil || !(q >= 0 && q <= 1) {
		return 1000
	}
	return int(q*1000 + 0.5)
}
