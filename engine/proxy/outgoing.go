package proxy

import (
	"strconv"

	"github.com/sipscript/sipscript/sip"
)

const defaultMaxForwards = 70

// outgoing makes the request a branch sends, RFC 3261 §16.6 steps 1 to 6 without Record-Route and Via, which depend
// on the address it will go to. The answer says why a target cannot be used.
func (c *Context) outgoing(m *sip.Message, t *Target, breadth int) *answer {
	c.request.CloneTo(m)
	if t.URI != "" {
		if refused := c.retarget(m, t.URI); refused != nil {
			return refused
		}
	}
	if c.dialer != nil {
		c.address(m)
	}
	if c.env.leftBehind(m, &c.routing, t.URI) {
		m.Remove("Route")
	}
	c.env.countDown(m)
	m.Set("Max-Breadth", strconv.Itoa(breadth))
	for i := len(t.Path) - 1; i >= 0; i-- {
		m.Prepend("Route", t.Path[i])
	}
	for _, h := range t.Headers {
		m.Set(h.Name, h.Value)
	}
	return nil
}

// retarget sets the request URI to a target: without what may not stand there (RFC 3261 §16.6(2), §19.1.1), and
// neither from sips to sip nor the other way (RFC 5630 §5.3).
func (c *Context) retarget(m *sip.Message, text string) *answer {
	to, err := sip.ParseURI(text)
	if err != nil {
		return &answer{code: 416}
	}
	from, err := c.request.URI()
	if err != nil {
		return &answer{code: 400}
	}
	if from.IsSIPS() && !to.IsSIPS() {
		return c.refuse(sipsNotAllowed)
	}
	if to.IsSIPS() && !from.IsSIPS() {
		to.Scheme = "sip" // used over TLS all the same: nextHop sees the contact's own scheme
	}
	to.Headers = ""
	to.Params = to.Params.Without("method")
	m.SetURI(to.String())
	return nil
}

// The warnings of RFC 5630 §5.3.
const (
	sipsNotAllowed = `380 sipscript "SIPS Not Allowed"`
	sipsRequired   = `381 sipscript "SIPS Required"`
)

// refuse is a 480 made here that carries a Warning.
func (c *Context) refuse(warning string) *answer {
	r := c.made(480)
	r.Add("Warning", warning)
	return &answer{code: 480, reply: r}
}

// countDown decrements Max-Forwards or adds it, RFC 3261 §16.6(3).
func (e *Env) countDown(m *sip.Message) {
	n, ok, err := m.MaxForwards()
	if !ok || err != nil {
		n = defaultMaxForwards + 1
	}
	m.Set("Max-Forwards", strconv.Itoa(max(n-1, 0)))
}

// stamp puts Record-Route and Via on m for the address at, and returns the flow to send it by and the branch
// parameter; false: no listener of ours can send there.
func (c *Context) stamp(m *sip.Message, at hop, rr RecordRoute, t *Target) (sip.Flow, string, bool) {
	flow, l, ok := c.env.source(at, c.from)
	if !ok {
		return sip.Flow{}, "", false
	}
	if c.dialer != nil {
		m.Set("Contact", c.dialer.Contact(l))
	} else if rr == RecordRouteAlways || rr == RecordRouteDefault && !c.inDialog && formsDialog(m.Method()) {
		c.recordRoute(m, l, t)
	}
	value, mark := via(l, stateful, c.env.Random(), c.routing.Loop.all)
	m.Prepend("Via", value)
	return flow, mark, true
}

func formsDialog(method string) bool {
	return method == sip.INVITE || method == sip.SUBSCRIBE || method == sip.REFER
}
