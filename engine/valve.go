package engine

import (
	"strconv"
	"time"

	"github.com/sipscript/sipscript/engine/observe"
	"github.com/sipscript/sipscript/sip"
)

const (
	valveCloses = 200 * time.Millisecond
	valveOpens  = 100 * time.Millisecond
)

// valve refuses new work while the shard is behind: closed when a message has waited over 200 ms, open again under
// 100 ms.
type valve struct{ closed bool }

func (v *valve) observe(waited time.Duration) {
	switch {
	case waited > valveCloses:
		v.closed = true
	case waited < valveOpens:
		v.closed = false
	}
}

// closedTo answers a new request outside a dialog with 503 when the shard is behind, too many handlers wait, or the
// server is going down. It is asked after the transaction lookup: what was accepted is served, retransmissions too. A call for help
// is let in whatever the load is; only a server that goes down sends it to the next one, as it would cut the call off.
func (c *core) closedTo(m *sip.Message, flow sip.Flow) bool {
	e := c.engine
	kind := ""
	switch {
	case e.draining.Load():
		kind = "refused_draining"
	case c.valve.closed:
		kind = "refused_overload"
	case e.parked.Load() >= int64(e.cfg.Limits.ParkedRuns):
		kind = "refused_parked"
	default:
		return false
	}
	if kind != "refused_draining" && c.forHelp(m) {
		return false
	}
	e.trouble(observe.Event{Kind: kind, Source: flow.Remote, CallID: m.CallID()})
	// 5 to 30 s, so that those refused together do not come back together.
	wait := 5 + c.rand.Uint64()%26
	c.reply(m, flow, 503, sip.Field{Name: "Retry-After", Value: strconv.FormatUint(wait, 10)})
	return true
}
