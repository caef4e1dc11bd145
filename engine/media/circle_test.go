package media

import (
	"net/netip"
	"testing"
	"testing/synctest"
)

// streamAt is the stream that receives at a port.
func (r *rig) streamAt(at netip.AddrPort) *stream {
	r.t.Helper()
	r.relay.wiring.Lock()
	defer r.relay.wiring.Unlock()
	s := r.relay.owner(at)
	if s == nil {
		r.t.Fatalf("nobody receives at %v", at)
	}
	return s
}

// turns is how often a packet that is on its way from one port of the relay to another comes in again, at most most times.
func (r *rig) turns(from, to netip.AddrPort, most int) (n int) {
	r.t.Helper()
	for n < most {
		s := r.streamAt(to)
		b := append(make([]byte, 0, 256), rtpOf(0, uint16(n+1), 0, 1, []byte("voice"))...)
		out := s.rtp.treat(r.relay.now(), b, from)
		if out.by == nil || r.relay.owner(out.to) == nil {
			return n
		}
		from, to = out.by.addr, out.to
		n++
	}
	return n
}

// named is a description of one stream at a port.
func named(at netip.AddrPort) []byte { return audioAt(at.Addr().String(), int(at.Port())) }

// Descriptions that name ports of this relay do not make it turn a packet round and round, within a call or over several.
func TestMediaIsNotTurnedRound(t *testing.T) {
	t.Parallel()
	ring := func(calls int) func(r *rig) (from, to netip.AddrPort) {
		return func(r *rig) (from, to netip.AddrPort) {
			var all []*call
			for range calls {
				c := &call{rig: r, a: r.open("call"), b: r.open("call")}
				c.agree(audioAt("10.0.0.1", 4000), audioAt("10.0.0.2", 5000))
				all = append(all, c)
			}
			for i, c := range all { // what comes in by the first leg leaves for the next call's
				next, last := all[(i+1)%calls], all[(i+calls-1)%calls]
				c.agree(named(last.forB), named(next.forA))
			}
			return all[calls-1].forB, all[0].forA
		}
	}
	for name, build := range map[string]func(r *rig) (from, to netip.AddrPort){
		"one call, each leg names the other's port": ring(1),
		"two calls":    ring(2),
		"five calls":   ring(5),
		"twenty calls": ring(20),
		"a port of its own": func(r *rig) (from, to netip.AddrPort) {
			c := &call{rig: r, a: r.open("call"), b: r.open("call")}
			c.agree(audioAt("10.0.0.1", 4000), audioAt("10.0.0.2", 5000))
			c.agree(named(c.forA), named(c.forB))
			return c.forA, c.forA
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				from, to := build(r)
				if n := r.turns(from, to, 1000); n == 1000 {
					t.Errorf("a packet has come in %d times", n)
				}
			})
		})
	}
}

// A peer on the address of this relay has its port for RTP right below the one that its call comes in by, so that RTCP would be sent there: that must not silence
// the call.
func TestAPeerBesideAPortOfThisRelayIsHeard(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		c := &call{rig: r, a: r.open("call"), b: r.open("call")}
		c.agree(audioAt("10.0.0.1", 4000), audioAt("10.0.0.2", 5000))
		c.agree(audioAt("10.0.0.1", 4000), named(netip.AddrPortFrom(c.forA.Addr(), c.forA.Port()-1)))
		if s := c.streamAt(c.forA); s.route.Load() == nil || c.streamAt(c.forB).route.Load() == nil {
			t.Error("the call leads nowhere")
		}
	})
}

// A port of this relay that nobody has described is not heard, though its address was: else the source that is latched to would lead round.
func TestAnotherPortOfThisRelayIsNotHeard(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCall(t)
		other := &call{rig: c.rig, a: c.open("other"), b: c.open("other")}
		other.agree(audioAt("10.0.0.3", 4000), audioAt("10.0.0.4", 5000))
		c.agree(named(other.forA), audioAt("10.0.0.2", 5000))
		s := c.streamAt(c.forA)
		for from, want := range map[netip.AddrPort]bool{other.forA: true, other.forB: false, c.forB: false, c.forA: false} {
			if got := s.rules.Load().allows(from); got != want {
				t.Errorf("%v heard: %v", from, got)
			}
		}
	})
}

// A call that leaves this server and comes back, over somebody who leaves descriptions as they are, is heard from end to end.
func TestACallThatComesBackIsHeard(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		out := &call{rig: r, a: r.open("out"), b: r.open("out"), alice: r.net.phone(t, "10.0.0.1:4000")}
		in := &call{rig: r, a: r.open("in"), b: r.open("in"), bob: r.net.phone(t, "10.0.0.2:5000")}
		carrier := netip.MustParseAddr("203.0.113.9")
		r.relay.Signalled(out.b, ours4, carrier)
		r.relay.Signalled(in.a, ours4, carrier)
		offer := r.pass(out.a, out.b, RoleOffer, audioAt("10.0.0.1", 4000))
		r.relay.Connect(out.a, out.b)
		toBob := r.pass(in.a, in.b, RoleOffer, offer)
		r.relay.Connect(in.a, in.b)
		answer := r.pass(in.b, in.a, RoleAnswer, audioAt("10.0.0.2", 5000))
		toAlice := r.pass(out.b, out.a, RoleAnswer, answer)
		c := &call{rig: r, alice: out.alice, bob: in.bob, forA: portOf(t, toAlice, 0), forB: portOf(t, toBob, 0)}
		c.talks()
		c.talks()
	})
}

// Whoever names an address of this server beside the ports for media would have it speak with its own other services: only who is on this machine may.
func TestMediaGoesToNoOtherServiceOfThisServer(t *testing.T) {
	t.Parallel()
	for signalled, want := range map[string]bool{"10.0.0.1": false, "192.0.2.1": true, "127.0.0.1": true} {
		t.Run(signalled, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				c := &call{rig: r, a: r.open("call"), b: r.open("call"), alice: r.net.phone(t, "192.0.2.1:5060"), bob: r.net.phone(t, "10.0.0.2:5000")}
				r.relay.Signalled(c.a, ours4, netip.MustParseAddr(signalled))
				c.agree(audioAt("192.0.2.1", 5060), audioAt("10.0.0.2", 5000))
				c.bob.talk(c.forB)
				if heard := len(c.alice.heard()) > 0; heard != want {
					t.Errorf("heard: %v", heard)
				}
			})
		})
	}
}
