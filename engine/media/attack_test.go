package media

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/srtp/v3"

	"github.com/sipscript/sipscript/engine/media/description"
)

// floods aims packets of all kinds at both ports of a call, from where nobody was described.
func floods(c *call, mallory *phone) {
	for _, to := range []netip.AddrPort{c.forA, c.forB} {
		mallory.talk(to)
		mallory.send(to, rtpOf(101, 9, 9, 9, []byte{1, 0x8a, 3, 0x20}))
		mallory.send(netip.AddrPortFrom(to.Addr(), to.Port()+1), []byte{0x80, 203, 0, 1, 0, 0, 0, 9}) // BYE
		mallory.send(to, []byte{0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42})                                  // STUN
	}
}

// B131: RTP bleed and RTP injection (CVE-2025-53399): packets of others neither reach a peer nor take its stream, at no time.
func TestB131PacketsOfOthersAreRefused(t *testing.T) {
	t.Parallel()
	for _, when := range []string{"before the answer", "before the latch", "after the latch", "during a re-INVITE", "after a re-INVITE"} {
		t.Run(when, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				mallory := r.net.phone(t, "10.6.6.6:4000")
				c := &call{rig: r, a: r.open("call"), b: r.open("call"), alice: r.net.phone(t, "10.0.0.1:4000"), bob: r.net.phone(t, "10.0.0.2:5000")}
				attack := func(at string) {
					if at == when {
						floods(c, mallory)
						mallory.hearsNothing()
						c.alice.hearsNothing()
						c.bob.hearsNothing()
					}
				}
				offer, answer := audioAt("10.0.0.1", 4000), audioAt("10.0.0.2", 5000)
				c.toBob = c.pass(c.a, c.b, RoleOffer, offer)
				c.relay.Connect(c.a, c.b)
				c.forB = portOf(t, c.toBob, 0)
				c.forA = netip.AddrPortFrom(c.forB.Addr(), c.forB.Port()+2)
				attack("before the answer")
				c.toAlice = c.pass(c.b, c.a, RoleAnswer, answer)
				c.forA = portOf(t, c.toAlice, 0)
				attack("before the latch")
				c.talks()
				attack("after the latch")
				c.talks()
				c.pass(c.a, c.b, RoleOffer, offer)
				attack("during a re-INVITE")
				c.talks()
				c.pass(c.b, c.a, RoleAnswer, answer)
				attack("after a re-INVITE")
				c.talks()
				mallory.hearsNothing()
				if got := strings.ReplaceAll(c.told(), "latched, latched", ""); got != "" {
					t.Errorf("told %q", got)
				}
			})
		})
	}
}

// Once latched, a port follows nobody, not even from the address that was described.
func TestB131LatchedPortFollowsNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCall(t)
		neighbour := c.net.phone(t, "10.0.0.1:6666") // behind the same NAT as alice
		c.talks()
		neighbour.talk(c.forA)
		c.bob.hearsNothing()
		if got := c.a.Stats().Dropped.Foreign; got != 1 {
			t.Errorf("%d foreign packets", got)
		}
		c.agree(audioAt("10.0.0.1", 4000), audioAt("10.0.0.2", 5000)) // nothing has changed
		neighbour.talk(c.forA)
		c.bob.hearsNothing()
		c.talks()
	})
}

// B131: a phone behind a NAT is heard from the address that its signalling comes from, whatever it describes, and gets its media there.
func TestB131PhoneBehindNATIsLatchedTo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		c := &call{rig: r, a: r.open("call"), b: r.open("call"), alice: r.net.phone(t, "203.0.113.9:61000"), bob: r.net.phone(t, "10.0.0.2:5000")}
		r.relay.Signalled(c.a, ours4, netip.MustParseAddr("203.0.113.9"))
		c.agree(audioAt("192.168.1.2", 4000), audioAt("10.0.0.2", 5000))
		c.bob.talk(c.forB)
		c.alice.hearsNothing() // nobody knows yet where she is
		c.talks()
	})
}

// What is in flight when a phone moves does not take the latch back, and where it says to be it is heard.
func TestLatchFollowsADescriptionThatMoves(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCall(t)
		c.talks()
		old := c.alice
		c.alice = c.net.phone(t, "10.0.0.1:4100")
		c.agree(audioAt("10.0.0.1", 4100), audioAt("10.0.0.2", 5000))
		old.talk(c.forA)
		c.bob.hearsNothing()
		c.talks()
		old.talk(c.forA)
		c.bob.hearsNothing()
		old.hearsNothing()
	})
}

// A NAT gives a phone another port between two calls of its own: a re-INVITE that changes nothing lets it in again once the old port is silent.
func TestLatchFollowsASilentSourceAfterSignallingOnly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCall(t)
		c.talks()
		time.Sleep(time.Minute)
		moved := c.net.phone(t, "10.0.0.1:4200")
		moved.talk(c.forA)
		c.bob.hearsNothing()
		c.agree(audioAt("10.0.0.1", 4000), audioAt("10.0.0.2", 5000))
		c.bob.hears(moved.talk(c.forA), c.forB)
		moved.hears(c.bob.talk(c.forB), c.forA)
	})
}

func TestUnknownPacketsAreCountedAndToldOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCall(t)
		c.talks()
		c.told()
		for _, b := range [][]byte{
			{0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4}, // STUN
			{22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},     // DTLS
			{64, 0, 0, 4, 1, 2, 3, 4},                        // TURN channel
			{0xff}, {},
		} {
			c.alice.send(c.forA, b)
		}
		c.bob.hearsNothing()
		if got := c.a.Stats().Dropped.Unknown; got != 5 {
			t.Errorf("%d unknown packets", got)
		}
		if got := c.told(); got != "unknown" {
			t.Errorf("told %q", got)
		}
	})
}

// secret is a=crypto with a key.
func secret(suite description.Suite, key []byte) string {
	return "a=crypto:1 " + suite.String() + " inline:" + base64.StdEncoding.EncodeToString(key)
}

func keyOf(suite description.Suite, seed byte) []byte {
	return bytes.Repeat([]byte{seed}, suite.KeyLen()+suite.SaltLen())
}

func contextOf(t *testing.T, suite description.Suite, key []byte) *srtp.Context {
	t.Helper()
	c, err := srtp.CreateContext(key[:suite.KeyLen()], key[suite.KeyLen():], profiles[suite])
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// secured is a call between alice, who speaks SRTP, and bob, who does not.
type secured struct {
	*call
	sends, hears *srtp.Context // alice's
}

func newSecured(t *testing.T, suite description.Suite) *secured {
	t.Helper()
	r := newRig(t)
	s := &secured{call: &call{rig: r, a: r.open("call"), b: r.open("call"), alice: r.net.phone(t, "10.0.0.1:4000"), bob: r.net.phone(t, "10.0.0.2:5000")}}
	s.agreeSecured(t, suite, 7)
	return s
}

func (s *secured) agreeSecured(t *testing.T, suite description.Suite, seed byte) {
	t.Helper()
	key := keyOf(suite, seed)
	s.toBob = s.pass(s.a, s.b, RoleOffer, sdp("10.0.0.1", "m=audio 4000 RTP/SAVP 0", secret(suite, key)), Options{SRTP: description.SRTPOff})
	s.relay.Connect(s.a, s.b)
	s.toAlice = s.pass(s.b, s.a, RoleAnswer, sdp("10.0.0.2", "m=audio 5000 RTP/AVP 0"))
	s.forB, s.forA = portOf(t, s.toBob, 0), portOf(t, s.toAlice, 0)
	answer, err := description.Parse(s.toAlice)
	if err != nil || len(answer.Media[0].Crypto) != 1 || answer.Media[0].Crypto[0].Suite != suite {
		t.Fatalf("error %v of\n%s", err, s.toAlice)
	}
	s.sends, s.hears = contextOf(t, suite, key), contextOf(t, suite, answer.Media[0].Crypto[0].Key)
}

func (s *secured) seal(t *testing.T, b []byte) []byte {
	t.Helper()
	sealed, err := s.sends.EncryptRTP(nil, b, nil)
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

func TestSRTPMeetsRTP(t *testing.T) {
	t.Parallel()
	for _, suite := range []description.Suite{description.AES128SHA80, description.AES128SHA32, description.AES128GCM, description.AES256GCM} {
		t.Run(suite.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newSecured(t, suite)
				for sequence := range uint16(3) {
					plain := rtpOf(0, 65534+sequence, 160, 1, []byte("voice")) // over the end of the sequence numbers, too
					s.alice.send(s.forA, s.seal(t, plain))
					s.bob.hears(plain, s.forB)
					back := rtpOf(0, 65534+sequence, 160, 2, []byte("answer"))
					s.bob.send(s.forB, back)
					got := s.alice.heard()
					if len(got) != 1 || bytes.Contains(got[0].b, []byte("answer")) {
						t.Fatalf("alice gets %v", got)
					}
					if open, err := s.hears.DecryptRTP(nil, got[0].b, nil); err != nil || !bytes.Equal(open, back) {
						t.Fatalf("alice opens %x, error %v", open, err)
					}
				}
				rtcpA, rtcpB := s.net.phone(t, "10.0.0.1:4001"), s.net.phone(t, "10.0.0.2:5001")
				up := func(a netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(a.Addr(), a.Port()+1) }
				report := []byte{0x80, 201, 0, 1, 1, 2, 3, 4}
				sealed, err := s.sends.EncryptRTCP(nil, report, nil)
				if err != nil {
					t.Fatal(err)
				}
				rtcpA.send(up(s.forA), sealed)
				rtcpB.hears(report, up(s.forB))
				rtcpB.send(up(s.forB), report)
				got := rtcpA.heard()
				if len(got) != 1 {
					t.Fatalf("alice gets %v", got)
				}
				if open, err := s.hears.DecryptRTCP(nil, got[0].b, nil); err != nil || !bytes.Equal(open, report) {
					t.Fatalf("alice opens %x, error %v", open, err)
				}
				if d := s.a.Stats().Dropped; d != (Drops{}) {
					t.Errorf("dropped %+v", d)
				}
			})
		})
	}
}

func TestSRTPRefusesForgedReplayedAndClearPackets(t *testing.T) {
	t.Parallel()
	for _, suite := range []description.Suite{description.AES128SHA80, description.AES128SHA32, description.AES128GCM, description.AES256GCM} {
		t.Run(suite.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newSecured(t, suite)
				mallory := s.net.phone(t, "10.6.6.6:4000")
				plain := rtpOf(0, 1, 160, 1, []byte("voice"))
				sealed := s.seal(t, plain)
				forged := bytes.Clone(sealed)
				forged[len(forged)-1] ^= 1
				report := []byte{0x80, 201, 0, 1, 1, 2, 3, 4}

				mallory.send(s.forA, forged)
				s.alice.send(s.forA, forged)
				s.alice.send(s.forA, plain) // no downgrade
				s.alice.send(netip.AddrPortFrom(s.forA.Addr(), s.forA.Port()+1), report)
				s.alice.send(s.forA, rtpOf(0, 1, 160, 1, nil))
				s.bob.hearsNothing()
				if d := s.a.Stats().Dropped; d != (Drops{Forged: 5}) {
					t.Fatalf("dropped %+v", d)
				}
				// What is not authentic did not latch.
				s.alice.send(s.forA, sealed)
				s.bob.hears(plain, s.forB)
				s.alice.send(s.forA, sealed)
				mallory.send(s.forA, sealed)
				s.bob.hearsNothing()
				if d := s.a.Stats().Dropped; d != (Drops{Forged: 5, Replayed: 1, Foreign: 1}) {
					t.Errorf("dropped %+v", d)
				}
			})
		})
	}
}

// B136: a digit that is encrypted on one side is renumbered, and told, as any other.
func TestB136DigitsCrossFromSRTP(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		s := &secured{call: &call{rig: r, a: r.open("call"), b: r.open("call"), alice: r.net.phone(t, "10.0.0.1:4000"), bob: r.net.phone(t, "10.0.0.2:5000")}}
		suite := description.AES128SHA80
		key := keyOf(suite, 7)
		s.toBob = s.pass(s.a, s.b, RoleOffer, sdp("10.0.0.1", "m=audio 4000 RTP/SAVP 0 101", "a=rtpmap:101 telephone-event/8000", secret(suite, key)), Options{SRTP: description.SRTPOff})
		s.relay.Connect(s.a, s.b)
		s.toAlice = s.pass(s.b, s.a, RoleAnswer, sdp("10.0.0.2", "m=audio 5000 RTP/AVP 0 96", "a=rtpmap:96 telephone-event/8000"))
		s.forB, s.forA = portOf(t, s.toBob, 0), portOf(t, s.toAlice, 0)
		s.sends = contextOf(t, suite, key)
		s.told()
		for i, end := range []byte{0, 0x80, 0x80, 0x80} {
			event := []byte{5, end | 10, 0, byte(40 * (i + 1))}
			s.alice.send(s.forA, s.seal(t, rtpOf(101, uint16(i+1), 8000, 4000, event)))
			s.bob.hears(rtpOf(96, uint16(i+1), 8000, 4000, event), s.forB)
		}
		if got := s.told(); !strings.Contains(got, "digit 5") || strings.Count(got, "digit") != 1 {
			t.Errorf("told %q", got)
		}
	})
}

// A peer may send from wherever it likes before the latch: its key vouches for it.
func TestSRTPVouchesForASource(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSecured(t, description.AES128GCM)
		roaming := s.net.phone(t, "203.0.113.77:999")
		plain := rtpOf(0, 1, 160, 1, []byte("voice"))
		roaming.send(s.forA, s.seal(t, plain))
		s.bob.hears(plain, s.forB)
		s.bob.talk(s.forB)
		if got := roaming.heard(); len(got) != 1 {
			t.Errorf("roaming gets %v", got)
		}
	})
}

// RFC 4568 §7.1.4: while the key stays, so do its counters; with another key they begin anew.
func TestSRTPContextLivesAsLongAsItsKey(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSecured(t, description.AES128SHA80)
		first := s.seal(t, rtpOf(0, 1, 160, 1, []byte("voice")))
		s.alice.send(s.forA, first)
		s.bob.heard()
		s.agreeSecured(t, description.AES128SHA80, 7)
		s.alice.send(s.forA, first)
		s.bob.hearsNothing()
		if d := s.a.Stats().Dropped; d.Replayed != 1 {
			t.Errorf("dropped %+v", d)
		}
		s.agreeSecured(t, description.AES128SHA80, 8)
		s.alice.send(s.forA, first)
		s.bob.hearsNothing()
		if d := s.a.Stats().Dropped; d.Forged != 1 {
			t.Errorf("dropped %+v", d)
		}
		plain := rtpOf(0, 1, 160, 1, []byte("voice"))
		s.alice.send(s.forA, s.seal(t, plain))
		s.bob.hears(plain, s.forB)
	})
}

// Between an offer of SRTP and its answer nothing passes in the clear.
func TestSRTPOfferedPassesNothingInTheClear(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		a, b := r.open("call"), r.open("call")
		r.relay.Signalled(b, ours4, netip.MustParseAddr("10.0.0.2"))
		alice, bob := r.net.phone(t, "10.0.0.1:4000"), r.net.phone(t, "10.0.0.2:5000")
		toBob := r.pass(a, b, RoleOffer, audioAt("10.0.0.1", 4000), Options{SRTP: description.SRTPRequired})
		r.relay.Connect(a, b)
		bob.talk(portOf(t, toBob, 0))
		alice.hearsNothing()
		if d := b.Stats().Dropped; d.Unrouted != 1 {
			t.Errorf("dropped %+v", d)
		}
	})
}

// Each SSRC under a key holds state: a peer that draws new ones for ever is not served for ever.
func TestSRTPServesAFewSourcesUnderAKey(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSecured(t, description.AES128GCM)
		for ssrc := range uint32(maxSources + 10) {
			s.alice.send(s.forA, s.seal(t, rtpOf(0, 1, 160, ssrc, []byte("voice"))))
		}
		if got := len(s.bob.heard()); got != maxSources {
			t.Errorf("bob gets %d packets", got)
		}
		plain := rtpOf(0, 2, 320, 3, []byte("voice"))
		s.alice.send(s.forA, s.seal(t, plain))
		s.bob.hears(plain, s.forB)
	})
}

// B135: the way to a peer and back is told by its reports about what was passed to it (RFC 3550 §6.4.1).
func TestB135ReportsTellRoundTripAndLoss(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCall(t)
		c.talks()
		rtcpA, rtcpB := c.net.phone(t, "10.0.0.1:4001"), c.net.phone(t, "10.0.0.2:5001")
		up := func(a netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(a.Addr(), a.Port()+1) }
		report := make([]byte, 28)
		report[0], report[1], report[3] = 0x80, senderReport, 6
		binary.BigEndian.PutUint32(report[4:], 4000)
		binary.BigEndian.PutUint64(report[8:], 0x1111_2222_3333_4444)
		rtcpA.send(up(c.forA), report)
		rtcpB.hears(report, up(c.forB))
		time.Sleep(580 * time.Millisecond) // 80 on the way, and half a second at bob's

		answer := make([]byte, 32)
		answer[0], answer[1], answer[3] = 0x81, receiverReport, 7
		binary.BigEndian.PutUint32(answer[4:], 5000)
		binary.BigEndian.PutUint32(answer[8:], 4000)
		answer[15] = 9                              // lost
		binary.BigEndian.PutUint32(answer[20:], 80) // jitter: 10 ms of 8 kHz
		binary.BigEndian.PutUint32(answer[24:], 0x2222_3333)
		binary.BigEndian.PutUint32(answer[28:], 1<<16/2)
		rtcpB.send(up(c.forB), answer)
		rtcpA.hears(answer, up(c.forA))
		got := c.b.Stats()
		if got.RTT.Round(time.Millisecond) != 80*time.Millisecond || got.Sent.Lost != 9 || got.Sent.Jitter != 10*time.Millisecond {
			t.Errorf("figures %+v", got)
		}
	})
}

// A packet that comes twice in the clear is encrypted once: the same index again, with other contents, would give away both (RFC 3711 §9.1).
func TestSRTPEncryptsNoIndexTwice(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSecured(t, description.AES128SHA80)
		s.bob.send(s.forB, rtpOf(0, 1, 160, 2, []byte("once")))
		s.bob.send(s.forB, rtpOf(0, 1, 160, 2, []byte("more")))
		if got := s.alice.heard(); len(got) != 1 {
			t.Errorf("alice gets %v", got)
		}
		if d := s.b.Stats().Dropped; d != (Drops{Replayed: 1}) {
			t.Errorf("dropped %+v", d)
		}
	})
}
