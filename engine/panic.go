package engine

import (
	"runtime/debug"

	"github.com/sipscript/sipscript/engine/proxy"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/transaction"
	"github.com/sipscript/sipscript/sip/transport"
)

// panicked is told of a panic while in was handled, or in a post or a timer. It answers for the request whose handling
// went wrong, so that its peer does not wait.
func (c *core) panicked(in *transport.Inbound, v any, stack []byte) {
	c.engine.count("panic")
	log := c.engine.cfg.Log
	if in == nil {
		log.Error("panic on a shard", "panic", v, "stack", string(stack))
	} else {
		log.Error("panic while handling a message", "panic", v, "call_id", in.Msg.CallID(), "stack", string(stack))
	}
	defer func() {
		// What is broken may break what ends it, too; the other calls of the shard have nothing to do with either.
		if v := recover(); v != nil {
			log.Error("panic while ending a request", "panic", v, "stack", string(debug.Stack()))
		}
	}()
	c.legs.Broken()
	if in != nil {
		c.abort(in.Msg, in.Flow)
	}
}

// abort ends the request that m is, or that m brings a response to, with a 500.
func (c *core) abort(m *sip.Message, flow sip.Flow) {
	if !m.IsRequest() {
		// Not found by the response: its Via is taken off on the way.
		if tx := c.receiving; tx != nil {
			c.receiving = nil
			c.abortServer(proxy.ServerOf(tx))
		}
		return
	}
	if m.Method() == sip.ACK {
		return
	}
	s, answered := c.table.Request(m)
	if answered || c.abortServer(s) {
		return
	}
	if s != nil {
		if s.Final() {
			return // the leg it belongs to has answered before
		}
		s.Dissolve()
	}
	c.reply(m, flow, 500)
}

// abortServer reports whether s is the transaction of a request, which has had its answer then.
func (c *core) abortServer(s *transaction.Server) bool {
	if s == nil {
		return false
	}
	r, ok := s.User().(*Request)
	if ok {
		r.answerError()
		r.unwound(CauseBug)
	}
	return ok
}
