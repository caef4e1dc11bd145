package media

import (
	"errors"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sipscript/sipscript/engine/media/description"
)

func TestTwoPhonesHearEachOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCall(t)
		c.talks()
		if got := c.told(); got != "latched, latched" {
			t.Errorf("told %q", got)
		}
		c.talks()
		s := c.relay.Close(c.a)
		if s.Received.Packets != 2 || s.Sent.Packets != 2 || s.Received.Bytes != 34 || s.Received.Lost != 0 || s.Dropped != (Drops{}) {
			t.Errorf("figures %+v", s)
		}
		if s.MOS < 4.3 {
			t.Errorf("MOS %v of a perfect line", s.MOS)
		}
		if again := c.relay.Close(c.a); again != s {
			t.Errorf("closing again: %+v, want %+v", again, s)
		}
	})
}

// B135: RTCP goes by the port above.
func TestB135PortsAreEvenWithRTCPAbove(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCall(t)
		if c.forA.Port()%2 != 0 || c.forB.Port()%2 != 0 {
			t.Errorf("RTP at %v and %v", c.forA, c.forB)
		}
		rtcpA, rtcpB := c.net.phone(t, "10.0.0.1:4001"), c.net.phone(t, "10.0.0.2:5001")
		up := func(a netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(a.Addr(), a.Port()+1) }
		report := []byte{0x80, 201, 0, 1, 1, 2, 3, 4}
		rtcpA.send(up(c.forA), report)
		rtcpB.hears(report, up(c.forB))
		rtcpB.send(up(c.forB), report)
		rtcpA.hears(report, up(c.forA))
	})
}

// B135: where both sides agree RTP and RTCP share a port, and where only one of them does the relay takes them apart (RFC 5761 §5.1.1).
func TestB135MuxedLegMeetsOneThatIsNot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		c := &call{rig: r, a: r.open("call"), b: r.open("call"), alice: r.net.phone(t, "10.0.0.1:4000"), bob: r.net.phone(t, "10.0.0.2:5000")}
		c.agree(audioAt("10.0.0.1", 4000, "a=rtcp-mux"), audioAt("10.0.0.2", 5000))
		if !strings.Contains(string(c.toAlice), "a=rtcp-mux") {
			t.Fatalf("not accepted:\n%s", c.toAlice)
		}
		c.talks()
		rtcpB := c.net.phone(t, "10.0.0.2:5001")
		report := []byte{0x80, 201, 0, 1, 1, 2, 3, 4}
		c.alice.send(c.forA, report)
		rtcpB.hears(report, netip.AddrPortFrom(c.forB.Addr(), c.forB.Port()+1))
		rtcpB.send(netip.AddrPortFrom(c.forB.Addr(), c.forB.Port()+1), report)
		c.alice.hears(report, c.forA)
	})
}

// B135: a source that changes is passed as it is, and so are the reports and the BYE that tell of it (RFC 3550 §8.2).
func TestB135SourcesAndTheirReportsPassUnchanged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCall(t)
		c.talks()
		rtcpA, rtcpB := c.net.phone(t, "10.0.0.1:4001"), c.net.phone(t, "10.0.0.2:5001")
		above := func(a netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(a.Addr(), a.Port()+1) }
		for _, ssrc := range []uint32{77, 78} {
			packet := rtpOf(0, 9000, 160, ssrc, []byte("voice"))
			c.alice.send(c.forA, packet)
			c.bob.hears(packet, c.forB)
			farewell := make([]byte, 36)
			farewell[0], farewell[1], farewell[3], farewell[7] = 0x80, senderReport, 6, byte(ssrc)
			copy(farewell[28:], []byte{0x81, 203, 0, 1, 0, 0, 0, byte(ssrc)})
			rtcpA.send(above(c.forA), farewell)
			rtcpB.hears(farewell, above(c.forB))
		}
	})
}

func TestIPv4MeetsIPv6(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		c := &call{rig: r, a: r.open("call"), b: r.open("call"), alice: r.net.phone(t, "10.0.0.1:4000"), bob: r.net.phone(t, "[2001:db8::b]:5000")}
		r.relay.Signalled(c.b, ours6, netip.MustParseAddr("2001:db8::b"))
		c.agree(audioAt("10.0.0.1", 4000), audioAt("2001:db8::b", 5000))
		if c.forA.Addr() != ours4 || c.forB.Addr() != ours6 {
			t.Fatalf("alice sends to %v, bob to %v", c.forA, c.forB)
		}
		c.talks()
	})
}

func TestAdvertisedAddressIsWrittenAndNotBound(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		public := netip.MustParseAddr("198.51.100.7")
		r := newRig(t, func(c *Config) { c.Interfaces = []Interface{{Address: ours4, Advertise: public}} })
		a, b := r.open("call"), r.open("call")
		at := portOf(t, r.pass(a, b, RoleOffer, audioAt("10.0.0.1", 4000)), 0)
		if at.Addr() != public {
			t.Errorf("advertised %v", at)
		}
		if r.net.sockets[netip.AddrPortFrom(ours4, at.Port())] == nil {
			t.Errorf("nothing is bound at port %d of %v", at.Port(), ours4)
		}
	})
}

// The interface of a leg is the one that its signalling comes in by.
func TestInterfaceFollowsSignalling(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		inside := netip.MustParseAddr("10.0.0.100")
		r := newRig(t, func(c *Config) { c.Interfaces = append(c.Interfaces, Interface{Address: inside}) })
		a, b := r.open("call"), r.open("call")
		r.relay.Signalled(b, inside, netip.MustParseAddr("10.0.0.2"))
		if at := portOf(t, r.pass(a, b, RoleOffer, audioAt("10.0.0.1", 4000)), 0); at.Addr() != inside {
			t.Errorf("bob is told %v", at)
		}
	})
}

func TestSeveralMediaFlowSideBySide(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		a, b := r.open("call"), r.open("call")
		r.relay.Connect(a, b)
		media := func(address string, base int) []byte {
			return sdp(address, "m=audio "+strconv.Itoa(base)+" RTP/AVP 0", "m=video "+strconv.Itoa(base+2)+" RTP/AVP 96", "a=rtpmap:96 VP8/90000",
				"m=image "+strconv.Itoa(base+4)+" udptl t38")
		}
		toB := r.pass(a, b, RoleOffer, media("10.0.0.1", 4000))
		toA := r.pass(b, a, RoleAnswer, media("10.0.0.2", 5000))
		packets := [][]byte{
			rtpOf(0, 1, 160, 1, []byte("sound")), rtpOf(96, 1, 3000, 2, []byte("sight")), []byte("fax, which is not RTP"),
		}
		for i, packet := range packets {
			alice, bob := r.net.phone(t, "10.0.0.1:"+strconv.Itoa(4000+2*i)), r.net.phone(t, "10.0.0.2:"+strconv.Itoa(5000+2*i))
			alice.send(portOf(t, toA, i), packet)
			bob.hears(packet, portOf(t, toB, i))
			bob.send(portOf(t, toB, i), packet)
			alice.hears(packet, portOf(t, toA, i))
		}
	})
}

// B136: a telephone-event keeps marker, timestamp and duration, and gets the number that its receiver has given it.
func TestB136DigitsAreRenumberedAndTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		c := &call{rig: r, a: r.open("call"), b: r.open("call"), alice: r.net.phone(t, "10.0.0.1:4000"), bob: r.net.phone(t, "10.0.0.2:5000")}
		// Bob answers with another number than he was offered, as RFC 3264 §6.1 lets him.
		c.agree(audioAt("10.0.0.1", 4000), sdp("10.0.0.2", "m=audio 5000 RTP/AVP 0 96", "a=rtpmap:96 telephone-event/8000"))
		c.talks()
		c.told()
		press := func(end bool, duration uint16, sequence uint16, payload uint8) []byte {
			body := []byte{5, 10, byte(duration >> 8), byte(duration)}
			if end {
				body[1] |= 0x80
			}
			return rtpOf(payload, sequence, 8000, 4000, body)
		}
		for i, end := range []bool{false, false, true, true, true} {
			duration, sequence := uint16(160*(i+1)), uint16(100+i)
			mark := uint8(0)
			if i == 0 {
				mark = 0x80
			}
			c.alice.send(c.forA, press(end, duration, sequence, mark|101))
			c.bob.hears(press(end, duration, sequence, mark|96), c.forB)
		}
		if got := c.told(); got != "digit 5" {
			t.Errorf("told %q", got)
		}
		c.relay.BlockDigits(c.a, true)
		body := rtpOf(101, 110, 16000, 4000, []byte{11, 0x8a, 3, 0x20})
		c.alice.send(c.forA, body)
		c.bob.hearsNothing()
		if got := c.told(); got != "digit #" {
			t.Errorf("told %q", got)
		}
		c.talks()
	})
}

func TestPartedLegsAreSilentAndConnectToOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCall(t)
		c.talks()
		c.relay.Part(c.b)
		c.alice.talk(c.forA)
		c.bob.hearsNothing()
		if got := c.a.Stats(); got.Dropped.Unrouted != 1 || got.Received.Packets != 2 {
			t.Errorf("figures %+v", got)
		}

		carol, d := c.net.phone(t, "10.0.0.3:6000"), c.open("other")
		var offer []byte
		c.relay.Offer(d, Options{}, func(b []byte, err error) {
			if err != nil {
				t.Fatal(err)
			}
			offer = b
		})
		c.relay.Accept(d, audioAt("10.0.0.3", 6000), Options{}, func(err error) {
			if err != nil {
				t.Fatal(err)
			}
		})
		c.relay.Connect(c.a, d)
		carol.hears(c.alice.talk(c.forA), portOf(t, offer, 0))
		c.alice.hears(carol.talk(portOf(t, offer, 0)), c.forA)
		c.bob.talk(c.forB)
		c.alice.hearsNothing()
		c.relay.Connect(c.a, c.b) // and back
		c.talks()
		carol.talk(portOf(t, offer, 0))
		c.alice.hearsNothing()
	})
}

// B137: ports are kept over re-INVITE and hold; c=0.0.0.0 holds in the old way.
func TestB137PortsStayOverHoldAndAddedMedia(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCall(t)
		c.talks()
		forA, forB := c.forA, c.forB

		c.agree(audioAt("0.0.0.0", 4000), audioAt("10.0.0.2", 5000))
		c.bob.talk(c.forB)
		c.alice.hearsNothing()
		c.agree(audioAt("10.0.0.1", 4000), audioAt("10.0.0.2", 5000))
		c.talks()

		c.agree(audioAt("10.0.0.1", 4000, "a=sendonly"), audioAt("10.0.0.2", 5000, "a=recvonly"))
		c.bob.hears(c.alice.talk(c.forA), c.forB)
		c.agree(audioAt("10.0.0.1", 4000, "m=video 4002 RTP/AVP 96", "a=rtpmap:96 VP8/90000"),
			audioAt("10.0.0.2", 5000, "m=video 5002 RTP/AVP 96", "a=rtpmap:96 VP8/90000"))
		c.talks()
		video := rtpOf(96, 1, 1, 1, []byte("picture"))
		eye := c.net.phone(t, "10.0.0.2:5002")
		c.net.phone(t, "10.0.0.1:4002").send(portOf(t, c.toAlice, 1), video)
		eye.hears(video, portOf(t, c.toBob, 1))

		c.agree(audioAt("10.0.0.1", 4000, "m=video 0 RTP/AVP 96", "a=rtpmap:96 VP8/90000"),
			audioAt("10.0.0.2", 5000, "m=video 0 RTP/AVP 96", "a=rtpmap:96 VP8/90000"))
		c.talks()
		if c.forA != forA || c.forB != forB {
			t.Errorf("ports moved from %v and %v to %v and %v", forA, forB, c.forA, c.forB)
		}
	})
}

// RFC 3261 §14.1: a re-INVITE that fails leaves the session as it was.
func TestRefusedOfferLeavesTheSessionAndGivesItsPortsBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCall(t)
		c.talks()
		free := c.relay.pools[0].free()
		c.pass(c.a, c.b, RoleOffer, audioAt("10.0.0.1", 4444, "m=video 4002 RTP/AVP 96", "a=rtpmap:96 VP8/90000"))
		c.talks() // nothing has changed yet
		if got := c.relay.pools[0].free(); got >= free {
			t.Errorf("%d pairs free, and %d before the offer of another m-line", got, free)
		}
		c.relay.Rollback(c.a)
		c.relay.Rollback(c.b)
		c.talks()
		if got := c.relay.pools[0].free(); got != free {
			t.Errorf("%d pairs free, want %d", got, free)
		}
		c.agree(audioAt("10.0.0.1", 4000), audioAt("10.0.0.2", 5000))
		c.talks()
	})
}

// Several early dialogs of a forked INVITE answer the same offer.
func TestLaterAnswerTakesThePlaceOfAnEarlierOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCall(t)
		c.talks()
		carol := c.net.phone(t, "10.0.0.3:6000")
		c.toAlice = c.pass(c.b, c.a, RoleAnswer, audioAt("10.0.0.3", 6000))
		carol.hears(c.alice.talk(c.forA), c.forB)
		c.alice.hears(carol.talk(c.forB), c.forA)
		c.bob.talk(c.forB)
		c.alice.hearsNothing()
		if got := portOf(t, c.toAlice, 0); got != c.forA {
			t.Errorf("alice is told %v, was told %v", got, c.forA)
		}
	})
}

func TestServerHoldsAndResumes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCall(t)
		hold := func(on bool) string {
			var out []byte
			c.relay.Hold(c.b, on, func(b []byte, err error) {
				if err != nil {
					t.Fatal(err)
				}
				out = b
			})
			return string(out)
		}
		if got := hold(true); !strings.Contains(got, "a=sendonly") || portOf(t, []byte(got), 0) != c.forB {
			t.Fatalf("to hold:\n%s", got)
		}
		c.relay.Accept(c.b, audioAt("10.0.0.2", 5000, "a=recvonly"), Options{}, func(err error) {
			if err != nil {
				t.Fatal(err)
			}
		})
		time.Sleep(150 * time.Second)
		if got := c.told(); strings.Count(got, "timeout") != 2 { // of alice alone, who is not held, after one and two minutes
			t.Errorf("told %q", got)
		}
		if got := hold(false); strings.Contains(got, "a=sendonly") {
			t.Fatalf("to resume:\n%s", got)
		}
	})
}

// B138: a leg that is silent for too long is told of, and told again, unless it is held.
func TestB138SilenceIsTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCall(t)
		for range 40 {
			c.alice.talk(c.forA)
			c.bob.talk(c.forB)
			time.Sleep(time.Second)
		}
		c.told()
		for range 58 {
			c.alice.talk(c.forA)
			time.Sleep(time.Second)
		}
		if got := c.told(); got != "" {
			t.Errorf("told %q", got)
		}
		for range 4 {
			c.alice.talk(c.forA)
			time.Sleep(time.Second)
		}
		if got := c.told(); got != "timeout" {
			t.Errorf("told %q, want that of bob alone", got)
		}
		c.agree(audioAt("10.0.0.1", 4000, "a=inactive"), audioAt("10.0.0.2", 5000, "a=inactive"))
		time.Sleep(time.Hour)
		if got := c.told(); got != "" {
			t.Errorf("told %q of a call on hold", got)
		}
	})
}

// B138: no port is left is an error at once, and what was taken comes back.
func TestB138ExhaustedPortsAreAnError(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(c *Config) { c.Ports = Ports{20000, 20005} })
		a, b := r.open("call"), r.open("call")
		r.pass(a, b, RoleOffer, audioAt("10.0.0.1", 4000))
		r.pass(b, a, RoleAnswer, audioAt("10.0.0.2", 5000))
		c, d := r.open("call"), r.open("call")
		two := audioAt("10.0.0.3", 4000, "m=video 4002 RTP/AVP 96", "a=rtpmap:96 VP8/90000")
		if _, err := r.try(c, d, RoleOffer, two); !errors.Is(err, ErrNoPorts) {
			t.Fatalf("error %v", err)
		}
		r.relay.Close(c)
		r.relay.Close(d)
		r.relay.Close(a)
		r.relay.Close(b)
		if got := r.relay.pools[0].free(); got != 3 {
			t.Errorf("%d pairs free", got)
		}
		if len(r.net.sockets) != 0 {
			t.Errorf("sockets left: %v", r.net.sockets)
		}
		// They rest.
		e, f := r.open("next"), r.open("next")
		if _, err := r.try(e, f, RoleOffer, two); !errors.Is(err, ErrNoPorts) {
			t.Fatalf("error %v", err)
		}
		time.Sleep(portRest)
		r.pass(e, f, RoleOffer, two)
	})
}

func TestPortsAreUsedInTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(c *Config) { c.Ports = Ports{20000, 20019} })
		var seen []uint16
		for range 10 {
			a, b := r.open("call"), r.open("call")
			port := portOf(t, r.pass(a, b, RoleOffer, audioAt("10.0.0.1", 4000)), 0).Port()
			if slices.Contains(seen, port) {
				t.Fatalf("port %d again, after %v", port, seen)
			}
			seen = append(seen, port)
			r.relay.Close(a)
			r.relay.Close(b)
		}
		if slices.IsSorted(seen) {
			t.Errorf("ports can be guessed: %v", seen)
		}
	})
}

// Somebody else may hold a port of the range.
func TestPortsThatOthersHoldArePassedOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(c *Config) { c.Ports = Ports{20000, 20007} })
		for _, port := range []string{"20000", "20003", "20004"} {
			r.net.phone(t, "192.0.2.1:"+port)
		}
		a, b := r.open("call"), r.open("call")
		if got := portOf(t, r.pass(a, b, RoleOffer, audioAt("10.0.0.1", 4000)), 0).Port(); got != 20006 {
			t.Errorf("port %d", got)
		}
	})
}

func TestLatePacketsOfACallDoNotReachTheNext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCall(t, func(c *Config) { c.Ports = Ports{20000, 20003} })
		c.talks()
		forA, forB := c.forA, c.forB
		c.relay.Close(c.a)
		c.relay.Close(c.b)
		time.Sleep(portRest)
		next := &call{rig: c.rig, a: c.open("next"), b: c.open("next"), alice: c.net.phone(t, "10.0.0.3:4000"), bob: c.net.phone(t, "10.0.0.4:5000")}
		next.agree(audioAt("10.0.0.3", 4000), audioAt("10.0.0.4", 5000))
		if next.forA != forA && next.forA != forB {
			t.Fatalf("ports %v and %v are not those of before, %v and %v", next.forA, next.forB, forA, forB)
		}
		for range 2 { // before the latch, and after
			c.alice.talk(forA)
			c.alice.talk(forB)
			c.bob.talk(forA)
			c.bob.talk(forB)
			next.alice.hearsNothing()
			next.bob.hearsNothing()
			next.talks()
		}
	})
}

func TestAnswerOfTheServerItself(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		a := r.open("call")
		alice := r.net.phone(t, "10.0.0.1:4000")
		var answer []byte
		r.relay.Answer(a, audioAt("10.0.0.1", 4000), Options{}, func(b []byte, err error) {
			if err != nil {
				t.Fatal(err)
			}
			answer = b
		})
		alice.talk(portOf(t, answer, 0))
		if s := a.Stats(); s.Received.Packets != 1 || s.Dropped.Unrouted != 1 {
			t.Errorf("figures %+v", s)
		}
	})
}

func TestErrors(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(c *Config) { c.Interfaces = c.Interfaces[:1] })
		a, b := r.open("call"), r.open("call")
		if _, err := r.try(a, b, RoleAnswer, audioAt("10.0.0.1", 4000)); !errors.Is(err, ErrNoOffer) {
			t.Errorf("answer first: %v", err)
		}
		if _, err := r.try(a, a, RoleOffer, audioAt("10.0.0.1", 4000)); err == nil {
			t.Error("a leg is passed to itself")
		}
		var refused *description.Error
		if _, err := r.try(a, b, RoleOffer, []byte("nonsense")); !errors.As(err, &refused) || refused.Status != 488 {
			t.Errorf("nonsense: %v", err)
		}
		r.relay.Signalled(b, netip.Addr{}, netip.MustParseAddr("2001:db8::b"))
		if _, err := r.try(a, b, RoleOffer, audioAt("10.0.0.1", 4000)); !errors.Is(err, ErrNoInterface) {
			t.Errorf("IPv6 without an interface: %v", err)
		}
		if _, err := r.try(a, stranger{}, RoleOffer, audioAt("10.0.0.1", 4000)); !errors.Is(err, ErrForeign) {
			t.Errorf("terminal of another backend: %v", err)
		}
		r.relay.Close(b)
		if _, err := r.try(a, b, RoleOffer, audioAt("10.0.0.1", 4000)); !errors.Is(err, ErrClosed) {
			t.Errorf("closed: %v", err)
		}
		r.relay.Stop()
		if _, err := r.relay.Open("late", nil); !errors.Is(err, ErrClosed) {
			t.Errorf("stopped: %v", err)
		}
	})
}

// stranger is a terminal of another backend.
type stranger struct{}

func (stranger) ID() string   { return "" }
func (stranger) Stats() Stats { return Stats{} }
