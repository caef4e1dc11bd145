package engine

import (
	"github.com/sipscript/sipscript/engine/call"
	"github.com/sipscript/sipscript/engine/proxy"
	"github.com/sipscript/sipscript/engine/shard"
	"github.com/sipscript/sipscript/sip"
)

// TransferDecider is a Script that decides where a REFER may lead. Without one only addresses that are registered here can be
// transferred to.
type TransferDecider interface {
	// Transfer is called on t's Loop and must not block. It reports whether it decides; later, too, by t.
	Transfer(t *Transfer) bool
}

// Transfer is a REFER that a call here has got: its peer sends the other party to somebody else (RFC 3515).
type Transfer struct {
	*call.Transfer
	Loop *shard.Loop
}

func (c *core) transfer(t *call.Transfer) {
	if s, ok := c.engine.script.(TransferDecider); ok && s.Transfer(&Transfer{t, &c.shard.Loop}) {
		return
	}
	c.transferToRegistered(t)
}

// transferToRegistered is the default: a phone may send its party to phones that are registered here, and cannot dial the
// world through this server.
func (c *core) transferToRegistered(t *call.Transfer) {
	uri, err := sip.ParseURI(t.Target)
	if err != nil || !c.engine.names.IsLocal(&uri) {
		t.Refuse(603)
		return
	}
	var group proxy.Group
	bindings, _ := c.engine.Location.Lookup(c.engine.names.AOR(&uri), c.shard.Wheel().Now())
	for _, b := range bindings {
		group = append(group, proxy.Target{URI: b.URI, Path: b.Path, Flow: b.Flow})
	}
	if len(group) == 0 {
		t.Refuse(603)
		return
	}
	t.Accept([]proxy.Group{group}, call.DialOptions{})
}
