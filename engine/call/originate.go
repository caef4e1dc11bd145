package call

import (
	"github.com/sipscript/sipscript/engine/proxy"
	"github.com/sipscript/sipscript/sip"
)

// Originate calls targets for nobody: this server is the caller. done is told once, with the leg that has answered or
// nil. A call to no targets fails as one whose targets are all unavailable, and has its record, too. On the shard of e.
func (e *Env) Originate(groups []proxy.Group, o DialOptions, done func(*Call, proxy.Result)) (cancel func()) {
	leg := e.newCall(e.name(e), e.keepOptions(o.Leg))
	leg.dialled = true
	leg.root = e.Proxy.Random()
	from := o.From
	if from == "" {
		from = "<sip:" + e.Proxy.Names.Domain() + ">"
	}
	m := sip.NewRequest(sip.INVITE, "sip:"+e.Proxy.Names.Domain())
	m.Add("From", from+";tag="+proxy.NewDialTag(e.Proxy.Random, leg.root))
	leg.callIDs = []string{e.draw(e.Loop.Index(), 2)}
	m.Add("Call-ID", leg.callIDs[0])
	m.Add("CSeq", "1 INVITE")
	m.Add("Allow", methods)
	m.Add("Supported", supported)
	add(m, o.Leg.Extra)
	if o.Identity != nil {
		o.Identity.Show(m)
	}
	d := &dial{leg: leg, calls: &calls{request: m, groups: groups, options: o.Options}}
	leg.fromURI, leg.toURI = partyOf(m, sip.From), firstOf(groups)
	over := false
	d.report = func(res proxy.Result) {
		leg.brought(res)
		if over {
			return
		}
		over = true
		if res.Code/100 != 2 {
			done(nil, res)
			return
		}
		leg.settleAlone(func(err error) {
			if err != nil {
				done(nil, made(488, proxy.Rejected))
				return
			}
			done(leg, res)
		})
	}
	e.Loop.Post(func() {
		e.run(leg, func() {
			leg.open(Parties{From: leg.fromURI, To: leg.toURI, Vars: o.Vars})
			if len(groups) == 0 {
				leg.state, leg.callIDs = calling, nil
				d.over(dialled{result: made(480, proxy.Unavailable)})
				return
			}
			leg.start(d, nil, nil)
		})
	})
	return func() {
		if !over {
			over = true
			leg.On(func(c *Call) { c.Hangup(Cause{By: ByServer}) })
			done(nil, canceled)
		}
	}
}

// settleAlone takes the answer to this server's own offer.
func (c *Call) settleAlone(done func(error)) {
	if !c.state.live() {
		done(ErrOver)
		return
	}
	land(c, func(done func([]byte, error)) {
		c.backend.Accept(c.terminal, c.session.remote, c.options.Media, func(err error) { done(nil, err) })
	}, func(_ []byte, err error) {
		if err != nil {
			c.Hangup(Cause{By: ByServer, Code: 488})
		}
		done(err)
	})
}
