package scenario

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sipscript/sipscript/engine/media"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
)

// audio is a body with one stream of PCMU at an address.
func audio(at netip.AddrPort, extra ...string) siptest.Option {
	return siptest.Body("application/sdp", fmt.Sprintf("v=0\r\no=- 1 1 IN IP4 %[1]s\r\ns=-\r\nc=IN IP4 %[1]s\r\nt=0 0\r\nm=audio %[2]d RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n%[3]s",
		at.Addr(), at.Port(), strings.Join(extra, "")))
}

// mediaOf is where a description says that its audio is to be sent.
func mediaOf(t *testing.T, m *sip.Message) netip.AddrPort {
	t.Helper()
	var addr string
	var port uint16
	for line := range bytes.Lines(m.Body()) {
		_, _ = fmt.Sscanf(string(line), "c=IN IP4 %s", &addr)
		_, _ = fmt.Sscanf(string(line), "m=audio %d", &port)
	}
	a, err := netip.ParseAddr(addr)
	if err != nil || port == 0 {
		t.Fatalf("no media in\n%v", m)
	}
	return netip.AddrPortFrom(a, port)
}

// voices are both sides of a call whose media is relayed.
type voices struct {
	t                  *testing.T
	s                  *siptest.Scene
	srv                *Server
	a, b               *siptest.UA
	mouth, ear         *Voice         // alice's and bob's
	nearAlice, nearBob netip.AddrPort // the server's ports, as alice and bob were told
}

// hear fails unless what each says is heard by the other, from the address that was described.
func (v *voices) hear() {
	v.t.Helper()
	v.mouth.Heard()
	v.ear.Heard()
	for range 2 { // the first of each side teaches the server where it is
		v.mouth.Say(v.nearAlice, "hello bob")
		v.ear.Say(v.nearBob, "hello alice")
		time.Sleep(soon)
	}
	if got, from := v.ear.Heard(); !slices.Contains(got, "hello bob") || from != v.nearBob {
		v.t.Errorf("bob hears %q from %v, want alice from %v", got, from, v.nearBob)
	}
	if got, from := v.mouth.Heard(); !slices.Contains(got, "hello alice") || from != v.nearAlice {
		v.t.Errorf("alice hears %q from %v, want bob from %v", got, from, v.nearAlice)
	}
}

// gone fails unless nothing is heard any more and the ports are given back.
func (v *voices) gone() {
	v.t.Helper()
	v.mouth.Heard()
	v.ear.Heard()
	v.mouth.Say(v.nearAlice, "still there?")
	v.ear.Say(v.nearBob, "still there?")
	time.Sleep(soon)
	if got, _ := v.ear.Heard(); len(got) > 0 {
		v.t.Errorf("bob hears %q after the end", got)
	}
	if got, _ := v.mouth.Heard(); len(got) > 0 {
		v.t.Errorf("alice hears %q after the end", got)
	}
	if n := v.srv.Engine.Tracked(); n != 0 {
		v.t.Errorf("%d calls tracked after the end", n)
	}
}

const anchoring = `sip.on("INVITE", function(req) req:proxy("sip:bob@192.0.2.20", { media = "relay" }) end)
	sip.on_end(function(cdr) log.info("end", { cause = cdr.cause, code = cdr.code, by = cdr.ended_by or "nobody", legs = #cdr.media,
		heard = cdr.media[1] and cdr.media[1].packets or 0, sent = cdr.media[2] and cdr.media[2].sent.packets or 0 }) end)`

// relayed plays with a server that relays the media of its calls, by its own relay and by one that answers later, from another goroutine.
func relayed(t *testing.T, script string, f func(v *voices)) {
	t.Helper()
	t.Parallel()
	for _, late := range []bool{false, true} {
		t.Run(fmt.Sprintf("late=%v", late), func(t *testing.T) {
			t.Parallel()
			siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
				srv := Start(t, s, script, Options{Relay: &media.Config{Ports: media.Ports{First: 20000, Last: 20099}}, Late: late})
				v := &voices{t: t, s: s, srv: srv, a: alice(s), b: bob(s)}
				v.mouth, v.ear = NewVoice(t, v.a, 4000), NewVoice(t, v.b, 5000)
				f(v)
			})
		})
	}
}

// call sets up a call with an offer in the INVITE.
func (v *voices) call() (caller, callee *siptest.Dialog) {
	v.t.Helper()
	v.a.Request(sip.INVITE, "sip:bob@192.0.2.1", audio(v.mouth.addr))
	got := v.b.Expect(sip.INVITE, soon)
	v.nearBob = mediaOf(v.t, got)
	v.b.Reply(got, 200, audio(v.ear.addr))
	ok := v.a.Expect("200", soon)
	v.nearAlice = mediaOf(v.t, ok)
	caller, callee = v.a.Dialog(ok), v.b.Dialog(got)
	caller.ACK()
	v.b.Expect(sip.ACK, soon)
	return caller, callee
}

func TestMediaOfAProxiedCallPassesHere(t *testing.T) {
	relayed(t, anchoring, func(v *voices) {
		caller, _ := v.call()
		server := netip.MustParseAddr("192.0.2.1")
		if v.nearAlice.Addr() != server || v.nearBob.Addr() != server || v.nearAlice == v.nearBob {
			v.t.Errorf("alice is told to send to %v, bob to %v", v.nearAlice, v.nearBob)
		}
		v.hear()

		// bob holds, from another port.
		moved := NewVoice(v.t, v.b, 6000)
		caller.ReINVITE(audio(v.mouth.addr, "a=sendonly\r\n"))
		re := v.b.Expect(sip.INVITE, soon)
		if near := mediaOf(v.t, re); near != v.nearBob || !bytes.Contains(re.Body(), []byte("a=sendonly")) {
			v.t.Errorf("the port for bob was %v and is\n%s", v.nearBob, re.Body())
		}
		v.b.Reply(re, 200, audio(moved.addr, "a=recvonly\r\n"))
		ok := v.a.Expect("200", soon)
		if near := mediaOf(v.t, ok); near != v.nearAlice {
			v.t.Errorf("the port for alice was %v and is %v", v.nearAlice, near)
		}
		caller.Accepted(ok).ACK()
		v.b.Expect(sip.ACK, soon)
		v.mouth.Say(v.nearAlice, "music")
		time.Sleep(soon)
		if got, _ := moved.Heard(); !slices.Equal(got, []string{"music"}) {
			v.t.Errorf("at his new port bob hears %q", got)
		}
		caller.ReINVITE(audio(v.mouth.addr))
		re = v.b.Expect(sip.INVITE, soon)
		v.b.Reply(re, 488)
		v.b.Expect(sip.ACK, soon)
		v.a.ACK(v.a.Expect("488", soon))
		v.mouth.Say(v.nearAlice, "music again")
		time.Sleep(soon)
		if got, _ := moved.Heard(); !slices.Equal(got, []string{"music again"}) {
			v.t.Errorf("after a re-INVITE that was refused bob hears %q: the session stays as it was", got)
		}
		bye(v.t, caller, v.a, v.b)
		time.Sleep(soon)
		v.gone()
		wantEnd(v.t, v.srv, "cause=answered", "by=caller", "legs=2", "heard=4", "sent=4")
	})
}

// The offer may come with the answer to the INVITE, and its own answer with the ACK.
func TestLateOfferIsRelayed(t *testing.T) {
	relayed(t, anchoring, func(v *voices) {
		v.a.Request(sip.INVITE, "sip:bob@192.0.2.1")
		got := v.b.Expect(sip.INVITE, soon)
		if len(got.Body()) > 0 {
			v.t.Errorf("an INVITE without an offer arrives with\n%s", got.Body())
		}
		v.b.Reply(got, 200, audio(v.ear.addr))
		ok := v.a.Expect("200", soon)
		v.nearAlice = mediaOf(v.t, ok)
		caller := v.a.Dialog(ok)
		caller.ACK(audio(v.mouth.addr))
		v.nearBob = mediaOf(v.t, v.b.Expect(sip.ACK, soon))
		v.hear()
		bye(v.t, caller, v.a, v.b)
		time.Sleep(soon)
		v.gone()
	})
}

// Early media, its PRACK, and an UPDATE by the callee before the answer.
func TestEarlyMediaIsRelayed(t *testing.T) {
	relayed(t, anchoring, func(v *voices) {
		v.a.Request(sip.INVITE, "sip:bob@192.0.2.1", audio(v.mouth.addr))
		got := v.b.Expect(sip.INVITE, soon)
		v.nearBob = mediaOf(v.t, got)
		v.b.Reply(got, 183, audio(v.ear.addr), siptest.Header("Require", "100rel"), siptest.Header("RSeq", "1"))
		early := v.a.Expect("183", soon)
		v.nearAlice = mediaOf(v.t, early)
		v.hear()
		caller := v.a.Dialog(early)
		caller.Request(sip.PRACK, siptest.Header("RAck", "1 1 INVITE"), audio(v.mouth.addr))
		prack := v.b.Expect(sip.PRACK, soon)
		if near := mediaOf(v.t, prack); near != v.nearBob {
			v.t.Errorf("the offer in PRACK names %v, want %v", near, v.nearBob)
		}
		v.b.Reply(prack, 200, audio(v.ear.addr))
		if near := mediaOf(v.t, v.a.Expect("200", soon)); near != v.nearAlice {
			v.t.Errorf("its answer names %v, want %v", near, v.nearAlice)
		}
		callee := v.b.Dialog(got)
		callee.Request(sip.UPDATE, audio(v.ear.addr))
		update := v.a.Expect(sip.UPDATE, soon)
		if near := mediaOf(v.t, update); near != v.nearAlice {
			v.t.Errorf("the offer in UPDATE names %v, want %v", near, v.nearAlice)
		}
		v.a.Reply(update, 200, audio(v.mouth.addr))
		if near := mediaOf(v.t, v.b.Expect("200", soon)); near != v.nearBob {
			v.t.Errorf("its answer names %v, want %v", near, v.nearBob)
		}
		v.b.Reply(got, 200)
		v.a.Expect("200", soon)
		caller.ACK()
		v.b.Expect(sip.ACK, soon)
		v.hear()
		bye(v.t, callee, v.b, v.a)
		time.Sleep(soon)
		v.gone()
	})
}

func TestB138FailedCallGivesItsPortsBack(t *testing.T) {
	relayed(t, anchoring, func(v *voices) {
		for _, code := range []int{486, 200} { // eighty calls, of four ports each, where there are a hundred
			for range 40 {
				v.a.Request(sip.INVITE, "sip:bob@192.0.2.1", audio(v.mouth.addr))
				got := v.b.Expect(sip.INVITE, soon)
				v.nearBob = mediaOf(v.t, got)
				v.nearAlice = v.nearBob
				if code == 200 {
					v.b.Reply(got, 200, audio(v.ear.addr))
					caller := v.a.Dialog(v.a.Expect("200", soon))
					caller.ACK()
					v.b.Expect(sip.ACK, soon)
					bye(v.t, caller, v.a, v.b)
				} else {
					refuse(v.b, got, code)
					v.a.ACK(v.a.Expect("486", soon))
				}
				time.Sleep(3 * time.Second) // ports rest
			}
		}
		v.gone()
	})
}

// Twenty-five calls take all ports; the next is refused, and gets in when one has ended.
func TestB138NoPortsIsAnAnswer(t *testing.T) {
	relayed(t, anchoring, func(v *voices) {
		var first *siptest.Dialog
		for range 25 {
			caller, _ := v.call()
			if first == nil {
				first = caller
			}
		}
		v.a.Request(sip.INVITE, "sip:bob@192.0.2.1", audio(v.mouth.addr))
		full := v.a.Expect("503", soon) // it is this server that has no room: so every such call would end (RFC 3261 §16.7(6))
		if after, _ := full.Get("Retry-After"); after == "" {
			v.t.Error("it is not told when to try again")
		}
		v.a.ACK(full)
		v.b.ExpectNone(soon, sip.INVITE)
		bye(v.t, first, v.a, v.b)
		time.Sleep(3 * time.Second)
		v.call()
	})
}

// A call without a packet is a call with nobody.
func TestB138SilentCallGetsItsBYE(t *testing.T) {
	relayed(t, anchoring, func(v *voices) {
		v.call()
		v.hear()
		v.a.Reply(v.a.Expect(sip.BYE, 70*time.Second), 200)
		v.b.Reply(v.b.Expect(sip.BYE, soon), 200)
		time.Sleep(soon)
		v.gone()
		wantEnd(v.t, v.srv, "by=media", "cause=answered", "legs=2")
	})
}

// Both phones that ring are offered the same port; who answers is heard.
func TestForkedCallIsRelayedToWhoAnswers(t *testing.T) {
	script := strings.Replace(anchoring, `"sip:bob@192.0.2.20"`, `{ "sip:bob@192.0.2.20", "sip:carol@192.0.2.30" }`, 1)
	relayed(t, script, func(v *voices) {
		c := carol(v.s)
		other := NewVoice(v.t, c, 7000)
		v.a.Request(sip.INVITE, "sip:bob@192.0.2.1", audio(v.mouth.addr))
		one, two := v.b.Expect(sip.INVITE, soon), c.Expect(sip.INVITE, soon)
		v.nearBob = mediaOf(v.t, one)
		if near := mediaOf(v.t, two); near != v.nearBob {
			v.t.Errorf("bob is told %v, carol %v", v.nearBob, near)
		}
		c.Reply(two, 183, audio(other.addr))
		v.nearAlice = mediaOf(v.t, v.a.Expect("183", soon))
		v.b.Reply(one, 200, audio(v.ear.addr))
		ok := v.a.Expect("200", soon)
		v.nearAlice = mediaOf(v.t, ok)
		c.Reply(c.Expect(sip.CANCEL, soon), 200)
		refuse(c, two, 487)
		caller := v.a.Dialog(ok)
		caller.ACK()
		v.b.Expect(sip.ACK, soon)
		v.hear()
		if got, _ := other.Heard(); len(got) > 0 {
			v.t.Errorf("carol hears %q", got)
		}
		bye(v.t, caller, v.a, v.b)
		time.Sleep(soon)
		v.gone()
	})
}

func TestDescriptionsThatCannotBeReadAreRefused(t *testing.T) {
	bad := siptest.Body("application/sdp", "v=0\r\nm=nonsense\r\n")
	t.Run("offer", func(t *testing.T) {
		relayed(t, anchoring, func(v *voices) {
			v.a.Request(sip.INVITE, "sip:bob@192.0.2.1", bad)
			r := v.a.Expect("4xx", soon)
			if r.Status() != 488 && r.Status() != 400 {
				v.t.Errorf("refused with %d", r.Status())
			}
			v.a.ACK(r)
			v.b.ExpectNone(soon, sip.INVITE)
			time.Sleep(soon)
			if n := v.srv.Engine.Tracked(); n != 0 {
				v.t.Errorf("%d calls tracked", n)
			}
		})
	})
	t.Run("answer", func(t *testing.T) {
		relayed(t, anchoring, func(v *voices) {
			v.a.Request(sip.INVITE, "sip:bob@192.0.2.1", audio(v.mouth.addr))
			v.b.Reply(v.b.Expect(sip.INVITE, soon), 200, bad)
			v.b.Expect(sip.ACK, soon)
			v.b.Reply(v.b.Expect(sip.BYE, soon), 200)
			r := v.a.Expect("4xx", soon)
			if r.Status() != 488 && r.Status() != 400 {
				v.t.Errorf("the caller got %d", r.Status())
			}
			v.a.ACK(r)
			time.Sleep(soon)
			if n := v.srv.Engine.Tracked(); n != 0 {
				v.t.Errorf("%d calls tracked", n)
			}
		})
	})
}

// A part of a multipart body is rewritten, and the rest of it stays.
func TestDescriptionInAMultipartBodyIsRelayed(t *testing.T) {
	relayed(t, anchoring, func(v *voices) {
		sdp := sip.NewRequest(sip.INVITE, "sip:x")
		audio(v.mouth.addr)(sdp)
		v.a.Request(sip.INVITE, "sip:bob@192.0.2.1", siptest.Body(`multipart/mixed; boundary="b1"`,
			"--b1\r\nContent-Type: text/plain\r\n\r\nm=audio 1 in words\r\n--b1\r\nContent-Type: application/sdp\r\n\r\n"+string(sdp.Body())+"\r\n--b1--\r\n"))
		got := v.b.Expect(sip.INVITE, soon)
		body := string(got.Body())
		if !strings.HasPrefix(body, "--b1\r\nContent-Type: text/plain\r\n\r\nm=audio 1 in words\r\n--b1\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n") ||
			!strings.HasSuffix(body, "\r\n--b1--\r\n") || strings.Contains(body, "192.0.2.10") || !strings.Contains(body, "c=IN IP4 192.0.2.1\r\n") {
			v.t.Errorf("bob gets\n%s", body)
		}
		refuse(v.b, got, 486)
		v.a.ACK(v.a.Expect("486", soon))
		synctest.Wait()
	})
}

func TestRelayNeedsARelay(t *testing.T) {
	raises(t, Options{}, []example{
		{"req:proxy('sip:a@b', { media = 'relay' })", "request:proxy: this server relays no media: the config has no media.interfaces", nil},
		{"req:proxy('sip:a@b', { media = 'direct' })", "request:proxy: bad argument #2 (option 'media': unknown value 'direct' (known: none, relay))", nil},
	})
}
