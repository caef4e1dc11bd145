package call

// Attend waits for another leg to Bridge this one, and tells done when that conversation has ended. This leg then stays, as
// the one that has bridged does. stop ends the conversation, or the wait; withdraw ends the wait alone, and tells nobody. A
// leg that is over or has a conversation already is told so at once.
func (c *Call) Attend(done func(BridgeEnd)) (stop, withdraw func()) {
	b := &bridge{call: c, done: done, began: c.env.now()}
	if !c.state.live() || c.bridge != nil || c.joined {
		b.fail(c.wrong())
		return func() {}, func() {}
	}
	c.bridge = b
	return func() { b.end(EndStopped) }, func() {
		if c.bridge == b && !c.joined {
			c.bridge = nil
		}
	}
}
