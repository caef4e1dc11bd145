package proxy

import (
	"strings"

	"github.com/sipscript/sipscript/sip"
)

// answer is a final response a branch ended with: a received one, or one made here for it (408, 503).
type answer struct {
	code    int
	reply   *sip.Message // without our Via; nil: made here
	branch  *branch
	leftOut bool // OnBranch has left the target out: it was never asked
	full    bool // this server has no room for it: what it asks for cannot be had here now
}

// best is the final that goes upstream, RFC 3261 §16.7(6); nil when there is none. Of equals the first.
func (c *Context) best(all []*answer) *answer {
	var best *answer
	for _, a := range all {
		if best == nil || a.rank(c.invite) < best.rank(c.invite) {
			best = a
		}
	}
	return best
}

// rank is the lower the better. A 6xx wins, else the lowest class; within 4xx those that tell the client how to do
// better come first. What was made here ranks behind what a server said, and 503 behind every other 5xx, since it goes
// upstream as a 500 that says nothing. The 408 of a non-INVITE is better than nothing for a script, and goes nowhere
// (RFC 4320 §4.2).
func (a *answer) rank(invite bool) int {
	rank := a.code / 100 * 100
	switch {
	case a.leftOut:
		return 9000
	case a.code == 408 && !invite:
		return 8000
	case rank == 600:
		rank = 0
	case a.code == 401 || a.code == 407:
		rank += 1
	case a.code == 415 || a.code == 420 || a.code == 484:
		rank += 2
	case a.code == 503:
		rank += 8
	default:
		rank += 5
	}
	if a.reply == nil {
		rank += 50
	}
	return rank
}

// text is the reason phrase, for whoever outlives the reply.
func (a *answer) text() string {
	usual := sip.Reason(a.code)
	if a.reply == nil || a.reply.Reason() == usual {
		return usual
	}
	return strings.Clone(a.reply.Reason())
}

// challenges adds to a 401 or 407 the challenges of all the others: the client has to answer every one of them, since
// a forked request reaches every server again (RFC 3261 §16.7(7)).
func challenges(best *sip.Message, all []*answer) *sip.Message {
	out := best
	for _, a := range all {
		if a.reply == nil || a.reply == best || a.code != 401 && a.code != 407 {
			continue
		}
		for _, n := range [...]sip.Name{sip.WWWAuthenticate, sip.ProxyAuthenticate} {
			for v := range a.reply.Values(n) {
				if out == best {
					out = best.Clone()
				}
				out.Add(n.String(), v)
			}
		}
	}
	return out
}
