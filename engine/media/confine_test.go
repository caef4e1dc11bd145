package media

import (
	"net/netip"
	"testing"
	"testing/synctest"
)

// A peer must not have this server speak with what trusts its machine, or with everybody at once, by naming them in its description.
func TestMediaGoesToNobodyBehindOrAroundThisServer(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, victim string
	}{
		{name: "loopback", victim: "127.0.0.1"},
		{name: "loopback of IPv6", victim: "::1"},
		{name: "broadcast", victim: "255.255.255.255"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := newCall(t)
				victim := c.net.phone(t, netip.AddrPortFrom(netip.MustParseAddr(tt.victim), 4000).String())
				c.agree(audioAt(tt.victim, 4000), audioAt("10.0.0.2", 5000))
				c.bob.talk(c.forB)
				victim.hearsNothing()
			})
		})
	}
}

func TestReportsGoToNobodyBehindThisServer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCall(t)
		victim := c.net.phone(t, "127.0.0.1:53")
		c.agree(audioAt("10.0.0.1", 4000, "a=rtcp:53 IN IP4 127.0.0.1"), audioAt("10.0.0.2", 5000))
		c.bob.talk(c.forB)
		c.bob.send(netip.AddrPortFrom(c.forB.Addr(), c.forB.Port()+1), []byte{0x80, 201, 0, 1, 0, 0, 0, 1})
		victim.hearsNothing()
	})
}

// A phone on this machine may be heard there.
func TestMediaGoesToAPhoneOnThisMachine(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		local := netip.MustParseAddr("127.0.0.1")
		c := &call{rig: r, a: r.open("call"), b: r.open("call"), alice: r.net.phone(t, "127.0.0.1:4000"), bob: r.net.phone(t, "10.0.0.2:5000")}
		r.relay.Signalled(c.a, local, local)
		c.agree(audioAt("127.0.0.1", 4000), audioAt("10.0.0.2", 5000))
		said := c.bob.talk(c.forB)
		c.alice.hears(said, c.forA)
	})
}
