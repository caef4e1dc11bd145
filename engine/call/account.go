package call

import "github.com/sipscript/sipscript/engine/proxy"

// Recorder begins the record of a call that no INVITE has made here: one that this server has originated, or what is left
// when a caller has sent its callee on. It is called on the shard of the leg c.
type Recorder func(c *Call, p Parties) Account

// Account is such a record. Its methods are called on the leg's shard.
type Account interface {
	Vars() map[string]any
	// Over is told, once, that the talk of the leg c is over, with the URI of whom was called.
	Over(c *Call, target string)
}

// Parties are who talks in such a call, seen from the leg that it lasts as long as.
type Parties struct {
	From, To string // URIs; "" where unknown
	Calls    bool   // the leg's peer counts as the caller, not as the callee
	Vars     map[string]any
}

// account is the record of a call that no INVITE has made, at the leg that it lasts as long as.
type account struct {
	Account
	calls bool
}

// Account is the record of a call that no INVITE has made, as long as it is up; nil where there is none.
func (c *Call) Account() Account {
	if c.account == nil {
		return nil
	}
	return c.account.Account
}

// open begins such a record.
func (c *Call) open(p Parties) {
	c.counted.Store(true)
	if begin := c.env.Record; begin != nil {
		c.account = &account{begin(c, p), p.Calls}
	}
}

// openPair begins the record of the two that are left when the caller has gone out between them. The record of the
// caller's call has ended with it.
func (c *Call) openPair() {
	l := c.link
	if l == nil || !c.joined || c.counted.Load() || l.other(c).counted.Load() {
		return
	}
	c.callIDs = append([]string{c.session.dialog.ID().CallID}, c.callIDs...)
	c.open(Parties{From: c.toURI, To: c.target, Calls: true})
}

// conclude tells who has the record of the leg's call, if that is not somebody else's, that the leg is over.
func (c *Call) conclude() {
	switch a := c.account; {
	case c.origin != nil:
		c.origin.Over(c)
	case a != nil:
		c.account = nil
		a.Over(c, c.reached(a))
	}
}

// reached is whom the call of a record has reached, or was refused by.
func (c *Call) reached(a *account) string {
	switch {
	case a.calls:
		return c.target
	case !c.Answered() && c.best != nil && c.best.Target != nil:
		return c.best.Target.URI
	}
	return c.toURI
}

// brought notes why a call that this server has originated was not answered.
func (c *Call) brought(res proxy.Result) {
	if res.Code/100 != 2 {
		res.Reply = nil // it may be as long as a message can be, and nobody reads it any more
		c.best = &brought{Result: res}
	}
}

// firstOf is the URI that is called first.
func firstOf(groups []proxy.Group) string {
	for _, g := range groups {
		if len(g) > 0 {
			return g[0].URI
		}
	}
	return ""
}
