package scenario

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sipscript/sipscript/engine"
	"github.com/sipscript/sipscript/engine/media"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
)

// through plays calls of two legs whose media passes through the server, with both legs on one shard and with them apart. Nothing may be
// left of them, and no port.
func through(t *testing.T, script string, ports media.Ports, f func(v *voices)) {
	t.Helper()
	t.Parallel()
	for _, setting := range []struct {
		name   string
		config engine.Config
	}{{"one shard", engine.Config{Shards: 1}}, {"legs apart on four", engine.Config{Shards: 4, Apart: true}}} {
		t.Run(setting.name, func(t *testing.T) {
			t.Parallel()
			siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
				srv := Start(t, s, script, Options{Engine: setting.config, Relay: &media.Config{Ports: ports}})
				v := &voices{t: t, s: s, srv: srv, a: alice(s).Reliable(), b: bob(s).Reliable()}
				v.mouth, v.ear = NewVoice(t, v.a, 4000), NewVoice(t, v.b, 5000)
				f(v)
				time.Sleep(70 * time.Second)
				synctest.Wait()
				if left := srv.Engine.Leaks(); len(left) > 0 {
					t.Errorf("left behind: %s", strings.Join(left, ", "))
				}
			})
		})
	}
}

var plenty = media.Ports{First: 20000, Last: 20099}

const connecting = `sip.on("INVITE", function(req) req:b2bua("sip:bob@192.0.2.20") end)`

// described is a body with these lines behind the session's own.
func described(lines ...string) siptest.Option {
	return siptest.Body("application/sdp", "v=0\r\no=- 1 1 IN IP4 192.0.2.10\r\ns=-\r\nc=IN IP4 192.0.2.10\r\nt=0 0\r\n"+strings.Join(lines, "\r\n")+"\r\n")
}

const pcma = "m=audio 4000 RTP/AVP 8"

// B110: an offer that cannot be taken is refused with 488, and with a Warning where there is one that says why.
func TestB110OffersThatCannotBeTaken(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, options string
		offer         siptest.Option
		code          int
		warning       string
	}{
		{"not SDP", "", siptest.Body("application/sdp", "v=0\r\nm=nonsense\r\n"), 488, "399"},
		{"an m-line of letters", "", described("m=audio four RTP/AVP 8"), 488, "399"},
		{"no codec that may be used", `codecs = { "PCMU" }`, described(pcma), 488, "305"},
	} {
		t.Run(row.name, func(t *testing.T) {
			through(t, `sip.on("INVITE", function(req) req:b2bua("sip:bob@192.0.2.20", { `+row.options+` }) end)`, plenty, func(v *voices) {
				v.a.Request(sip.INVITE, "sip:bob@192.0.2.1", row.offer)
				no := v.a.Expect("4xx", soon)
				v.a.ACK(no)
				if got := header(no, "Warning"); no.Status() != row.code || !strings.HasPrefix(got, row.warning) {
					v.t.Errorf("refused with %d, Warning %q", no.Status(), got)
				}
				v.b.ExpectNone(soon, sip.INVITE)
			})
		})
	}
}

// B110: an answer that cannot be taken: the callee gets ACK and BYE, the caller a refusal.
func TestB110AnswerThatCannotBeTaken(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]siptest.Option{
		"not SDP":            siptest.Body("application/sdp", "v=0\r\nm=nonsense\r\n"),
		"more m-lines":       described(pcma, "m=audio 4002 RTP/AVP 8"),
		"a codec of its own": described("m=audio 4000 RTP/AVP 97", "a=rtpmap:97 opus/48000/2"),
	} {
		t.Run(name, func(t *testing.T) {
			through(t, connecting, plenty, func(v *voices) {
				v.a.Request(sip.INVITE, "sip:bob@192.0.2.1", described(pcma))
				v.b.Reply(v.b.Expect(sip.INVITE, soon), 200, answer)
				v.b.Expect(sip.ACK, soon)
				v.b.Reply(v.b.Expect(sip.BYE, soon), 200)
				v.a.ACK(v.a.Expect("488", soon))
			})
		})
	}
}

// B110, B137: no m-line is removed: what is not relayed is refused with port 0 on both sides, and the rest is heard.
func TestB110B137UnknownMediaIsRefusedByItsPort(t *testing.T) {
	through(t, connecting, plenty, func(v *voices) {
		v.a.Request(sip.INVITE, "sip:bob@192.0.2.1", described("m=application 4004 TCP/MRCPv2 1", pcma, "m=audio 0 RTP/AVP 0"))
		got := v.b.Expect(sip.INVITE, soon)
		kinds := func(m *sip.Message) (list []string) {
			for line := range strings.Lines(string(m.Body())) {
				if rest, ok := strings.CutPrefix(line, "m="); ok {
					f := strings.Fields(rest)
					if f[1] != "0" {
						f[1] = "port"
					}
					list = append(list, f[0]+" "+f[1])
				}
			}
			return list
		}
		want := []string{"application 0", "audio port", "audio 0"}
		if lines := kinds(got); !slices.Equal(lines, want) {
			v.t.Errorf("bob is offered %q, not %q", lines, want)
		}
		v.b.Reply(got, 200, described("m=application 0 TCP/MRCPv2 1", "m=audio 5000 RTP/AVP 8", "m=audio 0 RTP/AVP 0"))
		v.b.Expect(sip.ACK, soon)
		ok := v.a.Expect("200", soon)
		if lines := kinds(ok); !slices.Equal(lines, want) {
			v.t.Errorf("alice is answered %q, not %q", lines, want)
		}
		caller := v.a.Dialog(ok)
		caller.ACK()
		bye(v.t, caller, v.a, v.b)
	})
}

// B111: what has to be understood and is not gets 415 with what would be, in the call and before it; what need not be is passed over.
func TestB111BodiesOfATwoLeggedCall(t *testing.T) {
	perform(t, connecting, func(s *stage) {
		for _, option := range []siptest.Option{
			siptest.Body("application/isup", "x"),
			siptest.Body("multipart/mixed;boundary=b", "--b\r\nContent-Type: application/isup\r\n\r\nx\r\n--b--\r\n"),
			func(m *sip.Message) {
				siptest.SDP(s.alice.Addr().Addr())(m)
				m.Add("Content-Encoding", "gzip")
			},
		} {
			no := s.alice.Final(s.alice.Request(sip.INVITE, "sip:bob@192.0.2.1", option))
			if no.Status() != 415 || header(no, "Accept") == "" || header(no, "Accept-Encoding") == "" {
				s.t.Errorf("refused with\n%v", no)
			}
			s.alice.ACK(no)
		}
		s.alice.Request(sip.INVITE, "sip:bob@192.0.2.1", siptest.Body("application/isup", "x"), siptest.Header("Content-Disposition", "signal;handling=optional"))
		in := s.bob.Expect(sip.INVITE, soon)
		if len(in.Body()) > 0 {
			s.t.Errorf("what nobody understands goes on:\n%v", in)
		}
		s.bob.Reply(in, 486)
		s.alice.ACK(s.alice.Expect("486", soon))
	})
}

// B112: an extension that is required and unknown is named, a method that is not is 501, one that is not for here 405 with Allow.
func TestB112WhatIsUnknownIsNamed(t *testing.T) {
	perform(t, connecting, func(s *stage) {
		no := s.alice.Final(s.call(siptest.Header("Require", "100rel, frobnicate")))
		if no.Status() != 420 || header(no, "Unsupported") != "frobnicate" {
			s.t.Errorf("refused with\n%v", no)
		}
		s.alice.ACK(no)
		s.bob.ExpectNone(soon)
	})
}

// B115: Retry-After and Warning of a callee reach the caller, Reason of a CANCEL reaches the callee, and who has rung in vain is told that
// somebody else has answered (RFC 3326 §2).
func TestB115ReasonsCrossTheTwoLegs(t *testing.T) {
	perform(t, `sip.on("INVITE", function(req) req:b2bua({ "sip:bob@192.0.2.20", "sip:carol@192.0.2.30" }) end)`, func(s *stage) {
		s.call()
		for _, u := range []*siptest.UA{s.bob, s.carol} {
			u.Reply(u.Expect(sip.INVITE, soon), 480, siptest.Header("Retry-After", "30"), siptest.Header("Warning", `399 gw "trunk down"`))
		}
		no := s.alice.Expect("480", soon)
		if header(no, "Retry-After") != "30" || header(no, "Warning") != `399 gw "trunk down"` {
			s.t.Errorf("alice gets\n%v", no)
		}
		s.alice.ACK(no)

		invite := s.call()
		ringing := []*sip.Message{s.bob.Expect(sip.INVITE, soon), s.carol.Expect(sip.INVITE, soon)}
		s.bob.Reply(ringing[0], 180)
		s.carol.Reply(ringing[1], 180)
		s.alice.Expect("180", soon)
		s.alice.CANCEL(invite, siptest.Header("Reason", "Q.850;cause=19"))
		s.alice.ACK(s.alice.Expect("487", soon))
		for i, u := range []*siptest.UA{s.bob, s.carol} {
			cancel := u.Expect(sip.CANCEL, soon)
			if got := header(cancel, "Reason"); got != "Q.850;cause=19" {
				s.t.Errorf("CANCEL with Reason %q", got)
			}
			u.Reply(cancel, 200)
			u.Reply(ringing[i], 487)
		}

		s.call()
		one, two := s.bob.Expect(sip.INVITE, soon), s.carol.Expect(sip.INVITE, soon)
		s.carol.Reply(two, 180)
		s.bob.Reply(one, 200, siptest.SDP(s.bob.Addr().Addr()))
		cancel := s.carol.Expect(sip.CANCEL, soon)
		if got := header(cancel, "Reason"); !strings.HasPrefix(got, "SIP;cause=200") {
			s.t.Errorf("CANCEL with Reason %q", got)
		}
		s.carol.Reply(cancel, 200)
		s.carol.Reply(two, 487)
		d := s.answered()
		time.Sleep(soon)
		bye(s.t, d, s.alice, s.bob)
	})
}

// B132: an answer takes one of the offered cryptos with its tag and has a key of its own; where only encryption will do and none can be
// had the stream is refused, and no side is ever downgraded.
func TestB132EncryptionOfTwoLegs(t *testing.T) {
	const key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	cryptos := []string{"a=crypto:7 F8_128_HMAC_SHA1_80 inline:" + key, "a=crypto:3 AES_CM_128_HMAC_SHA1_80 inline:" + key, "a=crypto:5 AES_CM_128_HMAC_SHA1_32 inline:" + key}
	secure := described(append([]string{"m=audio 4000 RTP/SAVP 8"}, cryptos...)...)
	t.Run("SAVP to AVP", func(t *testing.T) {
		through(t, strings.Replace(connecting, `")`, `", { srtp = "off" })`, 1), plenty, func(v *voices) {
			v.a.Request(sip.INVITE, "sip:bob@192.0.2.1", secure)
			in := v.b.Expect(sip.INVITE, soon)
			if body := string(in.Body()); !strings.Contains(body, " RTP/AVP 8") || strings.Contains(body, "crypto") {
				v.t.Errorf("bob is offered\n%s", body)
			}
			v.b.Reply(in, 200, described("m=audio 5000 RTP/AVP 8"))
			ok := v.a.Expect("200", soon)
			body := string(ok.Body())
			if strings.Count(body, "a=crypto:") != 1 || !strings.Contains(body, "a=crypto:3 AES_CM_128_HMAC_SHA1_80 inline:") || strings.Contains(body, key) || !strings.Contains(body, " RTP/SAVP 8") {
				v.t.Errorf("alice is answered\n%s", body)
			}
			_, own, _ := strings.Cut(body, "inline:")
			own, _, _ = strings.Cut(own, "\r\n")
			caller := v.a.Dialog(ok)
			caller.ACK()
			bye(v.t, caller, v.a, v.b)
			if log := v.srv.Log.String(); strings.Contains(log, key) || strings.Contains(log, own) {
				v.t.Error("a key is in the log")
			}
		})
	})
	t.Run("nothing usable", func(t *testing.T) {
		through(t, connecting, plenty, func(v *voices) {
			v.a.Request(sip.INVITE, "sip:bob@192.0.2.1", described("m=audio 4000 RTP/SAVP 8", cryptos[0]))
			v.a.ACK(v.a.Expect("488", soon))
			v.b.ExpectNone(soon)
		})
	})
	t.Run("no downgrade by the answer", func(t *testing.T) {
		through(t, connecting, plenty, func(v *voices) {
			v.a.Request(sip.INVITE, "sip:bob@192.0.2.1", secure)
			v.b.Reply(v.b.Expect(sip.INVITE, soon), 200, described("m=audio 5000 RTP/AVP 8"))
			v.b.Expect(sip.ACK, soon)
			v.b.Reply(v.b.Expect(sip.BYE, soon), 200)
			v.a.ACK(v.a.Expect("488", soon))
		})
	})
}

// B138: a call that finds no port is refused with 503 and not with silence, and has its place when another has ended. The callee's port is
// needed first.
func TestB138PortsRunOut(t *testing.T) {
	for _, row := range []struct {
		name  string
		ports media.Ports
		rings bool
	}{{"for the callee", media.Ports{First: 20000, Last: 20003}, false}, {"for the caller", media.Ports{First: 20000, Last: 20005}, true}} {
		t.Run(row.name, func(t *testing.T) {
			through(t, connecting, row.ports, func(v *voices) {
				caller, _ := v.call()
				v.a.Request(sip.INVITE, "sip:bob@192.0.2.1", audio(v.mouth.addr))
				if row.rings {
					v.b.Reply(v.b.Expect(sip.INVITE, soon), 200, audio(v.ear.addr))
					v.b.Expect(sip.ACK, soon)
					v.b.Reply(v.b.Expect(sip.BYE, soon), 200)
				}
				no := v.a.Expect("503", soon)
				if header(no, "Retry-After") == "" {
					v.t.Errorf("no Retry-After in\n%v", no)
				}
				v.a.ACK(no)
				v.b.ExpectNone(soon)
				bye(v.t, caller, v.a, v.b)
				time.Sleep(5 * time.Second) // ports rest
				caller, _ = v.call()
				v.hear()
				bye(v.t, caller, v.a, v.b)
			})
		})
	}
}

// B138: a leg from which nothing comes any more ends, and the other one with it; one that is held may be silent.
func TestB138SilenceEndsACallThatIsNotHeld(t *testing.T) {
	through(t, connecting, plenty, func(v *voices) {
		caller, _ := v.call()
		v.hear()
		caller.ReINVITE(audio(v.mouth.addr, "a=inactive\r\n"))
		v.b.Reply(v.b.Expect(sip.INVITE, soon), 200, audio(v.ear.addr, "a=inactive\r\n"))
		caller.Accepted(v.a.Expect("200", soon)).ACK()
		v.a.ExpectNone(5*time.Minute, sip.BYE)
		caller.ReINVITE(audio(v.mouth.addr))
		v.b.Reply(v.b.Expect(sip.INVITE, soon), 200, audio(v.ear.addr))
		caller.Accepted(v.a.Expect("200", soon)).ACK()
		v.a.Reply(v.a.Expect(sip.BYE, 70*time.Second), 200)
		v.b.Reply(v.b.Expect(sip.BYE, soon), 200)
		v.gone()
	})
}

// B105: who hangs up twice is told that there is nothing left, and the other side is not.
func TestB105ByeTwice(t *testing.T) {
	perform(t, connecting, func(s *stage) {
		got := obliging(s.bob)
		s.call()
		d := s.answered()
		time.Sleep(soon)
		d.BYE()
		d.BYE()
		s.alice.Expect("200 BYE", soon)
		s.alice.Expect("481 BYE", soon)
		if n := got.String(); n != "INVITE BYE" {
			s.t.Errorf("bob gets %s", n)
		}
	})
}

// B096: a request that has come far goes on as far as it may, and no copy of it further (RFC 5393 §5).
func TestB096BreadthAndHopsAreCarriedAcross(t *testing.T) {
	perform(t, `sip.on("INVITE", function(req) req:b2bua({ "sip:bob@192.0.2.20", "sip:carol@192.0.2.30" }) end)`, func(s *stage) {
		s.call(siptest.Set("Max-Forwards", "9"), siptest.Header("Max-Breadth", "7"))
		sum := 0
		for _, u := range []*siptest.UA{s.bob, s.carol} {
			in := u.Expect(sip.INVITE, soon)
			var n int
			if _, err := fmt.Sscan(header(in, "Max-Breadth"), &n); err != nil || header(in, "Max-Forwards") != "8" {
				s.t.Errorf("Max-Forwards %q, Max-Breadth %q", header(in, "Max-Forwards"), header(in, "Max-Breadth"))
			}
			sum += n
			u.Reply(in, 486)
		}
		if sum < 2 || sum > 7 {
			s.t.Errorf("the breadths of the branches are %d in sum, of 7", sum)
		}
		s.alice.ACK(s.alice.Expect("486", soon))
	})
}
