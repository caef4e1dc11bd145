package proxy

import (
	"slices"
	"strconv"

	"github.com/sipscript/sipscript/sip"
)

const (
	// mostBreadth is our maximum of Max-Breadth, and what a request without one gets (RFC 5393 §5.3.3).
	mostBreadth = 60
	// keptBreadth is what a group leaves for targets that are tried later. Those given up count until they have ended
	// for good, which takes the dead ones among them 32 s.
	keptBreadth = 16
)

// pick takes the next group off the list: of it what was not tried yet, as many as may ring at once. The rest comes
// next. The branches share breadth.
func (f *fork) pick() (g Group, breadth int) {
	breadth = f.ctx.breadth()
	g, rest := f.fresh(f.groups[0], min(f.ctx.env.maxBranches(), breadth))
	f.groups = f.groups[1:]
	f.ahead = max(f.ahead-1, 0)
	switch {
	case len(g) == 0 && len(rest) > 0:
		f.note(&answer{code: 440})
	case len(rest) > 0:
		f.groups = append([]Group{rest}, f.groups...)
		f.ahead++
	}
	return g, max(breadth-keptBreadth, len(g))
}

// breadth is the Max-Breadth that the request has left: branches without a final hold theirs (RFC 5393 §5.3.3.1).
func (c *Context) breadth() int {
	left := incomingBreadth(c.request)
	for _, b := range c.open {
		left -= b.breadth
	}
	return max(left, 0)
}

func incomingBreadth(m *sip.Message) int {
	if v, ok := m.Value(sip.MaxBreadth); ok {
		if n, err := strconv.Atoi(v); err == nil && n >= 0 && n < mostBreadth {
			return n
		}
	}
	return mostBreadth
}

// way is what makes two targets the same: one phone behind a NAT may have the Contact of another.
type way struct {
	uri  sip.URI
	text string
	flow sip.Flow
	path []string
}

// fresh takes from g up to most targets that can be tried: each once, and no contact of a redirection whose life is
// over. The rest is g from the first there was no room for.
func (f *fork) fresh(g Group, most int) (taken, rest Group) {
	if len(g) == 1 && len(f.groups) == 1 && !f.begun && !f.options.Recurse && most > 0 {
		return g, nil // by far the most
	}
	now := f.ctx.env.Loop.Wheel().Now()
	for i := range g {
		t, w := &g[i], wayOf(&g[i])
		known := slices.ContainsFunc(f.tried, func(v way) bool { return v.same(&w) })
		if known || !t.until.IsZero() && !now.Before(t.until) {
			continue
		}
		if len(taken) == most {
			return taken, g[i:]
		}
		taken = append(taken, *t)
		f.tried = append(f.tried, w)
	}
	return taken, nil
}

func wayOf(t *Target) way {
	w := way{text: t.URI, flow: t.Flow, path: t.Path}
	w.uri, _ = sip.ParseURI(t.URI) // what is none is refused where it is used
	return w
}

func (w *way) same(v *way) bool {
	return (w.text == v.text || w.uri.Scheme != "" && w.uri.Equal(&v.uri)) &&
		(w.flow == v.flow || w.flow == (sip.Flow{}) || v.flow == (sip.Flow{})) && slices.Equal(w.path, v.path)
}
