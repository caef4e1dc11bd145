package scenario

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/sipscript/sipscript/engine/media"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
)

// household plays an example whose users make calls over this server, with a relay and the phones of alice, bob and carol,
// which have registered. What happened is compared with the ladder of this name.
func household(t *testing.T, script, ladder string, o Options, f func(s *stage)) {
	t.Helper()
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		o.Engine = oneShard()
		o.Relay = &media.Config{Ports: media.Ports{First: 20000, Last: 20999}}
		st := &stage{Scene: s, Server: Start(t, s, Example(t, script), o), t: t}
		t.Cleanup(func() {
			if t.Failed() {
				t.Logf("%s\n%s", s.Ladder(), st.Log)
			}
		})
		nameServer(s)
		st.alice = officeUA(s, "alice", "192.0.2.10:5060", "wonderland")
		st.bob = officeUA(s, "bob", "192.0.2.20:5060", "builder")
		st.carol = officeUA(s, "carol", "192.0.2.30:5060", "christmas")
		// What two phones send at the same moment has no order. These are at different distances.
		server := s.Net.Host(netip.MustParseAddrPort(s.Server).Addr())
		s.Net.Link(server, st.bob.Host(), siptest.Link{Delay: 1310 * time.Microsecond})
		s.Net.Link(server, st.carol.Host(), siptest.Link{Delay: 1730 * time.Microsecond})
		for _, u := range []*siptest.UA{st.alice, st.bob, st.carol} {
			if got := u.Register("", ""); got.Status() != 200 && u != st.carol {
				t.Fatalf("registering %s: %d", u.Name(), got.Status())
			}
		}
		f(st)
		siptest.Golden(t, "testdata/"+ladder+".ladder", s.Ladder())
		st.clean()
	})
}

// talk is a call from one phone to what another one answers, with both sides' dialogs.
func (s *stage) talk(from, to *siptest.UA, uri string) (caller, callee *siptest.Dialog) {
	s.t.Helper()
	from.Request(sip.INVITE, uri, siptest.SDP(from.Addr().Addr()))
	invite := to.Expect(sip.INVITE, time.Second)
	to.Reply(invite, 180)
	from.Expect("180", time.Second)
	to.Reply(invite, 200, siptest.SDP(to.Addr().Addr()))
	to.Expect(sip.ACK, time.Second)
	caller = from.Dialog(from.Expect("200 INVITE", time.Second))
	caller.ACK()
	return caller, to.Dialog(invite)
}

// takes expects a request, and answers it with 200.
func (s *stage) takes(u *siptest.UA, method string, opts ...siptest.Option) *sip.Message {
	s.t.Helper()
	m := u.Expect(method, 5*time.Second)
	u.Reply(m, 200, opts...)
	return m
}

// line is the first line of a body that begins so, without that.
func line(m *sip.Message, begin string) string {
	for l := range strings.Lines(string(m.Body())) {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(l), begin); ok {
			return rest
		}
	}
	return ""
}

func TestB2BUAExampleConnectsTwoUsers(t *testing.T) {
	household(t, "b2bua.lua", "b2bua_call", Options{}, func(s *stage) {
		s.alice.Request(sip.INVITE, "sip:bob@192.0.2.1", siptest.SDP(s.alice.Addr().Addr()), siptest.Header("Subject", "lunch"), siptest.Header("P-Secret", "alice's"))
		invite := s.bob.Expect(sip.INVITE, time.Second)
		if line(invite, "c=") != "IN IP4 192.0.2.1" || strings.Contains(invite.String(), "192.0.2.10") || strings.Contains(invite.String(), "P-Secret") {
			s.t.Errorf("bob sees\n%v", invite)
		}
		if v, _ := invite.Get("Subject"); v != "lunch" {
			s.t.Errorf("Subject %q", v)
		}
		s.bob.Reply(invite, 180)
		s.alice.Expect("180", time.Second)
		s.bob.Reply(invite, 200, siptest.SDP(s.bob.Addr().Addr()))
		s.bob.Expect(sip.ACK, time.Second)
		ok := s.alice.Expect("200 INVITE", time.Second)
		d := s.alice.Dialog(ok)
		d.ACK()
		a, b := NewVoice(s.t, s.alice, 4000), NewVoice(s.t, s.bob, 4000)
		relayed := func(m *sip.Message) netip.AddrPort {
			return netip.MustParseAddrPort("192.0.2.1:" + strings.Fields(line(m, "m=audio "))[0])
		}
		a.Say(relayed(ok), "hello bob")
		time.Sleep(20 * time.Millisecond)
		b.Say(relayed(invite), "hello alice")
		time.Sleep(time.Second)
		a.Say(relayed(ok), "now")
		time.Sleep(20 * time.Millisecond)
		b.Say(relayed(invite), "then")
		time.Sleep(9 * time.Second)
		if heard, _ := a.Heard(); fmt.Sprint(heard) != "[hello alice then]" {
			s.t.Errorf("alice heard %q", heard)
		}
		if heard, _ := b.Heard(); fmt.Sprint(heard) != "[hello bob now]" {
			s.t.Errorf("bob heard %q", heard)
		}
		d.BYE()
		s.takes(s.bob, sip.BYE)
		s.alice.Expect("200 BYE", time.Second)
		time.Sleep(time.Second)
		if !s.logged("msg=over", "by=caller", "cause=answered", "seconds=10", "from=alice") {
			s.t.Error("the end is not in the log")
		}
	})
}

func TestB2BUAExampleRefuses(t *testing.T) {
	household(t, "b2bua.lua", "b2bua_refused", Options{}, func(s *stage) {
		if got := s.alice.Final(s.alice.Request(sip.INVITE, "sip:nobody@192.0.2.1")).Status(); got != 404 {
			s.t.Errorf("a call to nobody: %d", got)
		}
		for range 3 {
			s.bob.AutoReply(486)
			if got := s.alice.Final(s.alice.Request(sip.INVITE, "sip:bob@192.0.2.1", siptest.SDP(s.alice.Addr().Addr()))).Status(); got != 486 {
				s.t.Errorf("a call to who is busy: %d", got)
			}
		}
		time.Sleep(time.Second)
	})
}

// sdes is an offer of one encrypted audio stream, or with a request the answer to it.
func sdes(u *siptest.UA, offer ...*sip.Message) siptest.Option {
	tag := "1"
	for _, m := range offer {
		for l := range strings.Lines(string(m.Body())) {
			if rest, ok := strings.CutPrefix(l, "a=crypto:"); ok && strings.Contains(l, "AES_CM_128_HMAC_SHA1_80") {
				tag, _, _ = strings.Cut(rest, " ")
			}
		}
	}
	addr := u.Addr().Addr()
	return siptest.Body("application/sdp", fmt.Sprintf("v=0\r\no=- 1 1 IN IP4 %[1]v\r\ns=-\r\nc=IN IP4 %[1]v\r\nt=0 0\r\nm=audio 4000 RTP/SAVP 8 0\r\n"+
		"a=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\na=crypto:%[2]s AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\r\n", addr, tag))
}

// sbc plays a test with the session border controller, two phones and the trunk.
func sbc(t *testing.T, ladder string, f func(s *stage, trunk *siptest.UA)) {
	t.Helper()
	household(t, "sbc.lua", "sbc_"+ladder, Options{}, func(s *stage) {
		trunk := s.UA("trunk", "192.0.2.50:5060", sip.UDP).Reliable()
		f(s, trunk)
	})
}

func TestSBCExampleCallsOut(t *testing.T) {
	sbc(t, "out", func(s *stage, trunk *siptest.UA) {
		s.alice.Request(sip.INVITE, "sip:+4930999@192.0.2.1", sdes(s.alice), siptest.Set("From", "<sip:alice@192.0.2.1>;tag=alice-1"))
		invite := trunk.Expect(sip.INVITE, time.Second)
		text := invite.String()
		for _, secret := range []string{"192.0.2.10", "alice", "RTP/SAVP", "a=crypto"} {
			if strings.Contains(text, secret) {
				s.t.Errorf("%q is shown to the trunk:\n%v", secret, text)
			}
		}
		from, err := invite.From()
		if err != nil || from.URI.User != "+493012345610" {
			s.t.Errorf("the trunk sees %v calling", from)
		}
		trunk.Reply(invite, 180)
		s.alice.Expect("180", time.Second)
		trunk.Reply(invite, 200, siptest.SDP(trunk.Addr().Addr()))
		trunk.Expect(sip.ACK, time.Second)
		ok := s.alice.Expect("200 INVITE", time.Second)
		if !strings.Contains(string(ok.Body()), "RTP/SAVP") || line(ok, "a=crypto:") == "" || strings.Contains(ok.String(), "192.0.2.50") {
			s.t.Errorf("alice is answered\n%v", ok)
		}
		d := s.alice.Dialog(ok)
		d.ACK()
		time.Sleep(5 * time.Second)
		d.BYE()
		s.takes(trunk, sip.BYE)
		s.alice.Expect("200 BYE", time.Second)
		time.Sleep(time.Second)
	})
}

func TestSBCExampleTakesCallsFromTheTrunk(t *testing.T) {
	sbc(t, "in", func(s *stage, trunk *siptest.UA) {
		trunk.Request(sip.INVITE, "sip:+493012345611@192.0.2.1", siptest.SDP(trunk.Addr().Addr()))
		invite := s.bob.Expect(sip.INVITE, time.Second)
		if !strings.Contains(string(invite.Body()), "RTP/SAVP") || strings.Contains(invite.String(), "192.0.2.50") {
			s.t.Errorf("bob is offered\n%v", invite)
		}
		s.bob.Reply(invite, 200, sdes(s.bob, invite))
		s.bob.Expect(sip.ACK, time.Second)
		ok := trunk.Expect("200 INVITE", time.Second)
		if strings.Contains(ok.String(), "RTP/SAVP") || strings.Contains(ok.String(), "192.0.2.20") {
			s.t.Errorf("the trunk is answered\n%v", ok)
		}
		trunk.Dialog(ok).ACK()
		time.Sleep(5 * time.Second)
		s.bob.Dialog(invite).BYE()
		s.takes(trunk, sip.BYE)
		s.bob.Expect("200 BYE", time.Second)
		time.Sleep(time.Second)
	})
}

func TestSBCExampleRefuses(t *testing.T) {
	sbc(t, "refused", func(s *stage, trunk *siptest.UA) {
		if got := trunk.Final(trunk.Request(sip.INVITE, "sip:+4930777@192.0.2.1", siptest.SDP(trunk.Addr().Addr()))).Status(); got != 404 {
			s.t.Errorf("a number of nobody's: %d", got)
		}
		stranger := s.UA("stranger", "192.0.2.66:5060", sip.UDP).Reliable()
		if got := stranger.Final(stranger.Request(sip.INVITE, "sip:+4930999@192.0.2.1", siptest.SDP(stranger.Addr().Addr()))).Status(); got != 407 {
			s.t.Errorf("a stranger's call to the trunk: %d", got)
		}
		trunk.AutoAnswer(time.Second)
		if got := s.alice.Final(s.alice.Request(sip.INVITE, "sip:+4930999@192.0.2.1", siptest.SDP(s.alice.Addr().Addr()))).Status(); got != 488 {
			s.t.Errorf("a phone without SRTP: %d", got)
		}
		time.Sleep(time.Second)
	})
}

func TestClickToCallExample(t *testing.T) {
	household(t, "click-to-call.lua", "click_call", Options{}, func(s *stage) {
		click := s.alice.Request(sip.MESSAGE, "sip:click@192.0.2.1", siptest.Body("text/plain", "bob"))
		if got := s.alice.Final(click).Status(); got != 202 {
			s.t.Fatalf("answered %d", got)
		}
		first := s.alice.Expect(sip.INVITE, time.Second)
		if from, err := first.From(); err != nil || from.URI.User != "bob" {
			s.t.Errorf("alice's phone shows %v", from)
		}
		s.alice.Reply(first, 180)
		time.Sleep(time.Second)
		s.alice.Reply(first, 200, siptest.SDP(s.alice.Addr().Addr()))
		s.alice.Expect(sip.ACK, time.Second)
		second := s.bob.Expect(sip.INVITE, time.Second)
		s.bob.Reply(second, 200, siptest.SDP(s.bob.Addr().Addr()))
		s.bob.Expect(sip.ACK, time.Second)
		s.takes(s.alice, sip.INVITE, siptest.SDP(s.alice.Addr().Addr())) // it learns whom it talks with
		s.alice.Expect(sip.ACK, time.Second)
		time.Sleep(5 * time.Second)
		s.alice.Dialog(first).BYE()
		s.takes(s.bob, sip.BYE)
		time.Sleep(time.Second)
		if !s.logged("msg=connected", "user=alice", "wanted=bob") {
			s.t.Error("the call is not in the log")
		}
	})
}

func TestClickToCallExampleRefuses(t *testing.T) {
	household(t, "click-to-call.lua", "click_refused", Options{}, func(s *stage) {
		for body, want := range map[string]int{"carol": 404} {
			if got := s.alice.Final(s.alice.Request(sip.MESSAGE, "sip:click@192.0.2.1", siptest.Body("text/plain", body))).Status(); got != want {
				s.t.Errorf("%s: %d", body, got)
			}
		}
		s.alice.Final(s.alice.Request(sip.MESSAGE, "sip:click@192.0.2.1", siptest.Body("text/plain", "bob")))
		s.alice.Reply(s.alice.Expect(sip.INVITE, time.Second), 486)
		time.Sleep(time.Second)
		if !s.logged("the user has not answered", "cause=busy") {
			s.t.Error("it is not in the log")
		}
	})
}
