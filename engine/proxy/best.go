package proxy

import "github.com/sipscript/sipscript/sip"

// answer is a final response a branch ended with: a received one, or one made here for it (408, 503).
type answer struct {
	code   int
	reason string
	reply  *sip.Message // without our Via; nil: made here
	branch *branch
}

// better reports whether a is to be preferred to b, RFC 3261 §16.7(6): a 6xx wins, else the lowest class; within
// 4xx those that tell the client how to do better come first. What was made here ranks behind what a server said,
// and 503 behind every other 5xx, since it goes upstream as a 500 that says nothing.
func (a *answer) better(b *answer) bool {
	if b == nil {
		return true
	}
	return a.rank() < b.rank()
}

func (a *answer) rank() int {
	class := a.code / 100
	if class == 6 {
		return 0
	}
	rank := class * 100
	switch a.code {
	case 401, 407:
		rank += 1
	case 415, 420, 484:
		rank += 2
	case 503:
		rank += 8
	default:
		rank += 5
	}
	if a.reply == nil {
		rank += 50
	}
	return rank
}

// challenges adds to the best response, when it is a 401 or 407, the challenges of all the others: the client has
// to answer every one of them, since a forked request reaches every server again (RFC 3261 §16.7(7)).
func challenges(best *answer, all []*answer) *sip.Message {
	out := best.reply
	cloned := false
	for _, a := range all {
		if a == best || a.reply == nil || a.code != 401 && a.code != 407 {
			continue
		}
		for _, n := range [...]sip.Name{sip.WWWAuthenticate, sip.ProxyAuthenticate} {
			for v := range a.reply.Values(n) {
				if !cloned {
					out, cloned = best.reply.Clone(), true
				}
				out.Add(n.String(), v)
			}
		}
	}
	return out
}
