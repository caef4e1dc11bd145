package scenario

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
)

// The transaction layer as the peers of a whole server see it. Its own tests go row by row.

// sends lists when packets that begin like this left one address for another, from the first of them on.
func sends(s *siptest.Scene, from, to, prefix string) (at []time.Duration) {
	src, dst := netip.MustParseAddr(from), netip.MustParseAddr(to)
	var first time.Duration
	for _, e := range s.Net.Trace() {
		if e.Src.Addr() != src || e.Dst.Addr() != dst || !bytes.HasPrefix(e.Bytes, []byte(prefix)) {
			continue
		}
		if at == nil {
			first = e.Sent
		}
		at = append(at, (e.Sent - first).Round(10*time.Millisecond))
	}
	return at
}

const ms = time.Millisecond

func wantSends(t *testing.T, what string, got []time.Duration, want ...time.Duration) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s was sent at %v, want %v", what, got, want)
	}
}

func TestB016InviteGets100WithinFifth(t *testing.T) {
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		Start(t, s, `
			sip.on("INVITE", function(req)
				if req.uri.user == "quick" then req:reply(480) return end
				sleep(5)
				req:reply(480)
			end)`, Options{})
		alice := s.UA("alice", "192.0.2.10:5060", sip.UDP)
		alice.Request(sip.INVITE, "sip:slow@192.0.2.1")
		trying := alice.Expect("100", 200*ms)
		if tag := trying.ToTag(); tag != "" {
			t.Errorf("the 100 has To tag %q", tag)
		}
		alice.Expect("480", 6*time.Second)
		alice.Request(sip.INVITE, "sip:quick@192.0.2.1")
		alice.Expect("480", 200*ms)
		alice.ExpectNone(300*ms, "100")
	})
}

func TestB016NonInviteGets100WhenDueAndNoOther1xx(t *testing.T) {
	t.Parallel()
	for _, over := range []sip.Transport{sip.UDP, sip.TCP} {
		t.Run(over.String(), func(t *testing.T) {
			t.Parallel()
			siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
				srv := Start(t, s, `
					sip.on("MESSAGE", function(req)
						for _, code in ipairs { 180, 183, 199, 101 } do
							local ok, err = pcall(req.reply, req, code)
							if ok then log.error("sent " .. code) end
						end
						req:reply(100)
						sleep(5)
						req:reply(202)
					end)`, Options{})
				alice := s.UA("alice", "192.0.2.10:5060", over)
				alice.Request(sip.MESSAGE, "sip:bob@192.0.2.1")
				if over == sip.UDP {
					alice.ExpectNone(3490 * ms) // earlier a lost final would take 4 s to be asked for again (RFC 4320 §4.1)
				}
				alice.Expect("100", 3600*ms)
				alice.Expect("202", 6*time.Second)
				if left := alice.Unread(); len(left) > 0 {
					t.Errorf("also came %q", left)
				}
				if strings.Contains(srv.Log.String(), "level=ERROR") {
					t.Error(srv.Log)
				}
			})
		})
	}
}

func TestB017RetransmissionsReplayTheLastResponseAndAreNotForwarded(t *testing.T) {
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		Start(t, s, `
			sip.on("INVITE", function(req) req:proxy("sip:bob@192.0.2.20") end)
			sip.on("MESSAGE", function(req) req:proxy("sip:bob@192.0.2.20") end)`, Options{})
		alice := s.UA("alice", "192.0.2.10:5060", sip.UDP)
		bob := s.UA("bob", "192.0.2.20:5060", sip.UDP).Reliable()
		invite := alice.Request(sip.INVITE, "sip:bob@192.0.2.1")
		message := alice.Request(sip.MESSAGE, "sip:bob@192.0.2.1")
		called, written := bob.Expect(sip.INVITE, time.Second), bob.Expect(sip.MESSAGE, time.Second)
		alice.Expect("100 INVITE", time.Second)
		again := func(req *sip.Message, want string) {
			t.Helper()
			time.Sleep(50 * ms)
			alice.SendAgain(req)
			if want != "" {
				alice.Expect(want, 50*ms)
			}
			alice.ExpectNone(50 * ms)
			bob.ExpectNone(50 * ms)
		}
		again(invite, "100 INVITE")
		again(message, "") // Trying absorbs
		bob.Reply(called, 183)
		alice.Expect("183 INVITE", time.Second)
		again(invite, "183 INVITE")
		bob.Reply(written, 202)
		alice.Expect("202 MESSAGE", time.Second)
		again(message, "202 MESSAGE")
		bob.Reply(called, 486)
		alice.ACK(alice.Expect("486 INVITE", time.Second))
		bob.Expect(sip.ACK, time.Second)
		again(invite, "") // Confirmed absorbs
	})
}

func TestB018InviteIsRetransmittedUntilTimerBWithoutACap(t *testing.T) {
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		srv := Start(t, s, `
			sip.on("INVITE", function(req)
				local result = req:proxy("sip:bob@192.0.2.20")
				log.info("over", { code = result.code, cause = result.cause })
			end)`, Options{})
		alice := s.UA("alice", "192.0.2.10:5060", sip.UDP).Reliable()
		s.UA("bob", "192.0.2.20:5060", sip.UDP)
		invite := alice.Request(sip.INVITE, "sip:bob@192.0.2.1")
		begun := time.Now()
		if got := alice.Final(invite); got.Status() != 408 { // Timer B
			t.Errorf("got %d, want 408", got.Status())
		}
		if took := time.Since(begun).Round(100 * ms); took != 32*time.Second {
			t.Errorf("it took %v, want 64·T1", took)
		}
		srv.logs("msg=over", "code=408", "cause=failed")
		wantSends(t, "INVITE", sends(s, "192.0.2.1", "192.0.2.20", "INVITE "),
			0, 500*ms, 1500*ms, 3500*ms, 7500*ms, 15500*ms, 31500*ms)
	})
}

func TestB018RetransmissionEndsAtAProvisionalForInviteOnly(t *testing.T) {
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		Start(t, s, `
			sip.on("INVITE", function(req) req:proxy("sip:bob@192.0.2.20", { timeout = 60 }) end)
			sip.on("MESSAGE", function(req) req:proxy("sip:bob@192.0.2.20") end)
			sip.on("INFO", function(req) req:proxy("sip:carol@192.0.2.30") end)`, Options{})
		alice := s.UA("alice", "192.0.2.10:5060", sip.UDP)
		bob := s.UA("bob", "192.0.2.20:5060", sip.UDP)
		s.UA("carol", "192.0.2.30:5060", sip.UDP)
		alice.Request(sip.INVITE, "sip:bob@192.0.2.1")
		alice.Request(sip.MESSAGE, "sip:bob@192.0.2.1")
		alice.Request(sip.INFO, "sip:carol@192.0.2.1")
		time.Sleep(600 * ms)
		bob.Reply(bob.Expect(sip.INVITE, 0), 180)
		bob.Reply(bob.Expect(sip.MESSAGE, 0), 100)
		time.Sleep(40 * time.Second)
		wantSends(t, "INVITE", sends(s, "192.0.2.1", "192.0.2.20", "INVITE "), 0, 500*ms)
		// A 100 does not make the final response reliable: E goes on at T2. The timer that ran keeps its time.
		wantSends(t, "MESSAGE", sends(s, "192.0.2.1", "192.0.2.20", "MESSAGE "),
			0, 500*ms, 1500*ms, 5500*ms, 9500*ms, 13500*ms, 17500*ms, 21500*ms, 25500*ms, 29500*ms)
		wantSends(t, "INFO", sends(s, "192.0.2.1", "192.0.2.30", "INFO "),
			0, 500*ms, 1500*ms, 3500*ms, 7500*ms, 11500*ms, 15500*ms, 19500*ms, 23500*ms, 27500*ms, 31500*ms)
	})
}

func TestB018NothingIsRetransmittedOverTCP(t *testing.T) {
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		Start(t, s, `
			sip.on("INVITE", function(req) req:proxy("sip:bob@192.0.2.20;transport=tcp") end)
			sip.on("MESSAGE", function(req) req:proxy("sip:bob@192.0.2.20;transport=tcp") end)`, Options{})
		alice := s.UA("alice", "192.0.2.10:5060", sip.UDP)
		bob := s.UA("bob", "192.0.2.20:5060", sip.TCP)
		alice.Request(sip.INVITE, "sip:bob@192.0.2.1")
		alice.Request(sip.MESSAGE, "sip:bob@192.0.2.1")
		bob.Expect(sip.INVITE, time.Second)
		bob.Expect(sip.MESSAGE, time.Second)
		bob.ExpectNone(40 * time.Second)
		alice.Expect("408 INVITE", 0) // Timer B counts over TCP too
	})
}

func TestB021ACKForAFailureIsMadeHopByHop(t *testing.T) {
	t.Parallel()
	for _, over := range []sip.Transport{sip.UDP, sip.TCP} {
		t.Run(over.String(), func(t *testing.T) {
			t.Parallel()
			siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
				Start(t, s, `sip.on("INVITE", function(req) req:proxy("sip:bob@192.0.2.20;transport=`+over.Param()+`") end)`, Options{})
				alice := s.UA("alice", "192.0.2.10:5060", over)
				bob := s.UA("bob", "192.0.2.20:5060", over)
				alice.Request(sip.INVITE, "sip:bob@192.0.2.1", siptest.Header("Route", "<sip:192.0.2.1;lr>"),
					siptest.Header("Route", "<sip:192.0.2.20;lr;transport="+over.Param()+";x=y>"))
				invite := bob.Expect(sip.INVITE, time.Second)
				bob.Reply(invite, 486)
				ack := bob.Expect(sip.ACK, time.Second)
				for name, values := range map[sip.Name][2][]string{
					sip.Via:    {slices.Collect(invite.List(sip.Via))[:1], slices.Collect(ack.List(sip.Via))},
					sip.Route:  {slices.Collect(invite.List(sip.Route)), slices.Collect(ack.List(sip.Route))},
					sip.From:   {slices.Collect(invite.Values(sip.From)), slices.Collect(ack.Values(sip.From))},
					sip.CallID: {{invite.CallID()}, {ack.CallID()}},
				} {
					if !slices.Equal(values[0], values[1]) {
						t.Errorf("%v of the ACK is %q, want %q", name, values[1], values[0])
					}
				}
				if ack.URIText() != invite.URIText() {
					t.Errorf("request URI of the ACK is %s, want %s", ack.URIText(), invite.URIText())
				}
				final := alice.Expect("486", time.Second)
				if ack.ToTag() != final.ToTag() || ack.ToTag() == "" {
					t.Errorf("To tag of the ACK is %q, want %q", ack.ToTag(), final.ToTag())
				}
				alice.ACK(final)
				bob.ExpectNone(time.Minute) // the caller's ACK ends here
				alice.ExpectNone(time.Second)
			})
		})
	}
}

func TestB024InviteIsAbsorbedAfterA2xxWhichTheCalleeRepeats(t *testing.T) {
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		Start(t, s, `sip.on("INVITE", function(req) req:proxy("sip:bob@192.0.2.20") end)`, Options{})
		alice := s.UA("alice", "192.0.2.10:5060", sip.UDP)
		bob := s.UA("bob", "192.0.2.20:5060", sip.UDP)
		request := alice.Request(sip.INVITE, "sip:bob@192.0.2.1")
		invite := bob.Expect(sip.INVITE, time.Second)
		bob.Reply(invite, 200)
		answer := alice.Expect("200", time.Second)
		for range 7 { // for 64·T1
			alice.SendAgain(request)
			alice.ExpectNone(2*time.Second, "200", "100", "4xx", "5xx")
			bob.ExpectNone(ms)
			bob.Reply(invite, 200)
			alice.Expect("200", time.Second)
			alice.Dialog(answer).ACK()
			bob.Expect(sip.ACK, time.Second)
			time.Sleep(2 * time.Second)
		}
		time.Sleep(5 * time.Second)
		bob.Reply(invite, 200) // nobody is left to take it (RFC 6026 §8.9)
		alice.ExpectNone(time.Second)
	})
}

func TestB025SecondAnswerOfAnotherPhoneIsPassed(t *testing.T) {
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		Start(t, s, `sip.on("INVITE", function(req) req:proxy("sip:fork@192.0.2.20") end)`, Options{})
		alice := s.UA("alice", "192.0.2.10:5060", sip.UDP)
		fork := s.UA("fork", "192.0.2.20:5060", sip.UDP) // a proxy with two phones behind it
		alice.Request(sip.INVITE, "sip:bob@192.0.2.1")
		invite := fork.Expect(sip.INVITE, time.Second)
		tagged := func(tag string) siptest.Option {
			return func(m *sip.Message) { m.Set("To", "<sip:bob@192.0.2.1>;tag="+tag) }
		}
		fork.Reply(invite, 200, tagged("one"))
		alice.Expect("200", time.Second)
		time.Sleep(30 * time.Second)
		fork.Reply(invite, 200, tagged("two"))
		if got := alice.Expect("200", time.Second); got.ToTag() != "two" {
			t.Errorf("the second answer has tag %q", got.ToTag())
		}
		fork.Reply(invite, 180, tagged("three"))
		fork.Reply(invite, 486, tagged("three"))
		alice.ExpectNone(time.Second)
		time.Sleep(2 * time.Second)
		fork.Reply(invite, 200, tagged("four")) // Timer M is over
		alice.ExpectNone(time.Second)
	})
}

func TestB026ResponsesThatBelongToNothingAreDropped(t *testing.T) {
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		srv := Start(t, s, `sip.on("INVITE", function(req) req:proxy("sip:bob@192.0.2.20") end)`, Options{})
		alice := s.UA("alice", "192.0.2.10:5060", sip.UDP)
		bob := s.UA("bob", "192.0.2.20:5060", sip.UDP)
		alice.Request(sip.INVITE, "sip:bob@192.0.2.1")
		invite := bob.Expect(sip.INVITE, time.Second)
		alice.Expect("100", time.Second)
		for _, strange := range []siptest.Option{
			func(m *sip.Message) {
				m.ReplaceTop(sip.Via, "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKt0000000000000aaaaaaaaaaaaa")
			},
			func(m *sip.Message) {
				m.ReplaceTop(sip.Via, "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKs0000000000000aaaaaaaaaaaaa")
			},
			func(m *sip.Message) { m.ReplaceTop(sip.Via, "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK-theirs") },
			func(m *sip.Message) { m.ReplaceTop(sip.Via, "SIP/2.0/UDP 192.0.2.1") },
			func(m *sip.Message) { m.ReplaceTop(sip.Via, "SIP/2.0/UDP 192.0.2.99;branch=z9hG4bK-not-ours") },
			func(m *sip.Message) { m.RemoveTop(sip.Via) },
		} {
			bob.Reply(invite, 486, strange)
		}
		alice.ExpectNone(time.Second)
		bob.ExpectNone(ms, sip.ACK, "4xx", "5xx")
		if n := srv.Engine.Counters.Total("response_not_ours") + srv.Engine.Counters.Total("response_stray"); n != 6 {
			t.Errorf("%d were counted, want 6", n)
		}
		bob.Reply(invite, 486)
		alice.ACK(alice.Expect("486", time.Second))
		time.Sleep(40 * time.Second) // both transactions are gone
		bob.Reply(invite, 200)
		alice.ExpectNone(time.Second)
	})
}

func TestB027FailureIsRetransmittedUntilTheACK(t *testing.T) {
	t.Parallel()
	for _, over := range []sip.Transport{sip.UDP, sip.TCP} {
		t.Run(over.String(), func(t *testing.T) {
			t.Parallel()
			siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
				Start(t, s, `sip.on("INVITE", function(req) req:reply(486) end)`, Options{})
				alice := s.UA("alice", "192.0.2.10:5060", over)
				alice.Request(sip.INVITE, "sip:bob@192.0.2.1")
				time.Sleep(40 * time.Second) // Timer H: 64·T1
				if over == sip.TCP {
					wantSends(t, "486 over TCP", sends(s, "192.0.2.1", "192.0.2.10", "SIP/2.0 486"), 0)
					return
				}
				wantSends(t, "486", sends(s, "192.0.2.1", "192.0.2.10", "SIP/2.0 486"),
					0, 500*ms, 1500*ms, 3500*ms, 7500*ms, 11500*ms, 15500*ms, 19500*ms, 23500*ms, 27500*ms, 31500*ms)
			})
		})
	}
}

func TestB027TimerIAbsorbsTheACKsOfCopies(t *testing.T) {
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		srv := Start(t, s, `
			sip.on("INVITE", function(req) req:reply(486) end)
			sip.on_indialog(function(req) log.info("a handler got " .. req.method) end)`, Options{})
		alice := s.UA("alice", "192.0.2.10:5060", sip.UDP)
		invite := alice.Request(sip.INVITE, "sip:bob@192.0.2.1")
		time.Sleep(2 * time.Second)
		final := alice.Expect("486", 0)
		for range 3 {
			alice.ACK(final)
			time.Sleep(time.Second)
			alice.SendAgain(invite) // Confirmed absorbs it
		}
		time.Sleep(time.Minute)
		wantSends(t, "486", sends(s, "192.0.2.1", "192.0.2.10", "SIP/2.0 486"), 0, 500*ms, 1500*ms)
		if strings.Contains(srv.Log.String(), "a handler got") {
			t.Error("the ACK of a failure reached the script")
		}
	})
}

// raw is a request as text; each pair of changes replaces text in it.
func raw(method string, change ...string) string {
	text := strings.NewReplacer(change...).Replace(method + ` sip:bob@192.0.2.1 SIP/2.0
Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK-raw
Max-Forwards: 70
From: <sip:alice@192.0.2.1>;tag=a1
To: <sip:bob@192.0.2.1>
Call-ID: raw@192.0.2.10
CSeq: 1 ` + method + `
Content-Length: 0

`)
	return strings.ReplaceAll(text, "\n", "\r\n")
}

// counting is a script that says in the reason phrase how many requests of each method it has seen on all shards.
const counting = `
	local function count(req)
		local n = kv.incr(req.method)
		sleep(1)
		req:reply(480, req.method .. " " .. n)
	end
	for _, method in ipairs { "INVITE", "MESSAGE", "INFO" } do sip.on(method, count) end`

func TestB028TransactionKeyIsBranchSentByAndMethod(t *testing.T) {
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		Start(t, s, counting, Options{})
		alice := s.UA("alice", "192.0.2.10:5060", sip.UDP)
		alice.Send(raw(sip.INVITE))
		alice.Expect("100", time.Second)
		// The same in another case is a retransmission (a branch is a token, RFC 3261 §7.3.1).
		alice.Send(raw(sip.INVITE, "z9hG4bK-raw", "Z9HG4BK-RAW"))
		alice.Expect("100", time.Second)
		alice.Send(raw(sip.MESSAGE)) // another method
		if got := alice.Expect("480 MESSAGE", 2*time.Second).Reason(); got != "MESSAGE 1" {
			t.Errorf("another method got %q", got)
		}
		if got := alice.Expect("480 INVITE", 2*time.Second).Reason(); got != "INVITE 1" {
			t.Errorf("got %q", got)
		}
		alice.Send(raw(sip.ACK, "To: <sip:bob@192.0.2.1>", "To: <sip:bob@192.0.2.1>;tag=x"))
		time.Sleep(time.Second)
		alice.ExpectNone(10 * time.Second)
		// Another branch, port or host of the sent-by is another transaction, another parameter is not.
		for other, want := range map[string]string{
			"192.0.2.10:5060;branch=z9hG4bK-raw2": "INFO 1", "192.0.2.10:5060;x=y;branch=z9hG4bK-raw2": "INFO 1",
		} {
			alice.Send(raw(sip.INFO, "192.0.2.10:5060;branch=z9hG4bK-raw", other))
			if got := alice.Expect("480 INFO", 2*time.Second).Reason(); got != want {
				t.Errorf("%s got %q, want %q", other, got, want)
			}
		}
		// A CANCEL has the key of what it cancels, and is a transaction of its own.
		alice.Send(raw(sip.INVITE, "-raw", "-raw4"))
		time.Sleep(100 * ms)
		alice.Send(raw(sip.CANCEL, "-raw", "-RAW4"))
		alice.Expect("200 CANCEL", time.Second)
		alice.Expect("487 INVITE", time.Second)
		alice.Send(raw(sip.CANCEL, "-raw", "-raw4"))
		alice.Expect("200 CANCEL", time.Second)
	})
}

func TestB029OldStyleRequestsAreMatchedByTheirFields(t *testing.T) {
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		Start(t, s, counting, Options{})
		alice := s.UA("alice", "192.0.2.10:5060", sip.UDP)
		old := func(method string, change ...string) string {
			return raw(method, append([]string{";branch=z9hG4bK-raw", ";branch=1"}, change...)...)
		}
		alice.Send(old(sip.INVITE))
		alice.Expect("100", time.Second)
		alice.Send(old(sip.INVITE))
		alice.Expect("100", 100*ms)
		final := alice.Expect("480", 2*time.Second)
		if final.Reason() != "INVITE 1" {
			t.Errorf("a retransmission got %q", final.Reason())
		}
		alice.Send(old(sip.ACK, "To: <sip:bob@192.0.2.1>", "To: <sip:bob@192.0.2.1>;tag="+final.ToTag()))
		alice.ExpectNone(2 * time.Second) // the ACK was matched: nothing is retransmitted
		for i, change := range [][]string{
			{"CSeq: 1 ", "CSeq: 2 "}, {"tag=a1", "tag=a2"}, {"raw@192", "other@192"}, {"branch=z9hG4bK-raw", "branch=2"},
			{"sip:bob@192.0.2.1 SIP", "sip:carol@192.0.2.1 SIP"},
		} {
			for range 2 {
				alice.Send(old(sip.MESSAGE, change...))
			}
			if got, want := alice.Expect("480", 2*time.Second).Reason(), fmt.Sprint("MESSAGE ", i+1); got != want {
				t.Errorf("with %q it got %q, want %q", change[1], got, want)
			}
		}
		alice.Send(old(sip.INVITE, "CSeq: 1 ", "CSeq: 9 "))
		time.Sleep(100 * ms)
		alice.Send(old(sip.CANCEL, "CSeq: 1 ", "CSeq: 9 "))
		alice.Expect("200 CANCEL", time.Second)
		alice.Expect("487 INVITE", time.Second)
	})
}

func TestB030BareCookieIsNoKey(t *testing.T) {
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		Start(t, s, counting, Options{})
		alice := newPeer(t, s, "192.0.2.10:5060")
		for i := range 3 { // each of these would be the same transaction
			alice.send(raw(sip.INVITE, "z9hG4bK-raw", "z9hG4bK", "raw@192", fmt.Sprint("call", i, "@192")))
		}
		time.Sleep(time.Minute) // a stateless answer is not repeated
		got := alice.answers()
		if len(got) != 3 {
			t.Errorf("three calls got %d answers", len(got))
		}
		for i, a := range got {
			if !strings.HasPrefix(a, "SIP/2.0 400 ") || !strings.Contains(a, fmt.Sprint("call", i, "@192")) {
				t.Errorf("call %d got\n%s", i, a)
			}
		}
	})
}

func TestB031SameBranchOfTwoClientsIsTwoTransactions(t *testing.T) {
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		Start(t, s, counting, Options{})
		alice := s.UA("alice", "192.0.2.10:5060", sip.UDP)
		carol := s.UA("carol", "192.0.2.30:5060", sip.UDP)
		alice.Send(raw(sip.INVITE))
		carol.Send(raw(sip.INVITE, "192.0.2.10:5060", "192.0.2.30:5060"))
		one, two := alice.Expect("480", 2*time.Second).Reason(), carol.Expect("480", 2*time.Second).Reason()
		if one == two {
			t.Errorf("both got %q", one)
		}
		// A sent-by without a port is one with the default port (RFC 3261 §18.1.1).
		alice.Send(raw(sip.INVITE, "192.0.2.10:5060", "192.0.2.10"))
		if got := alice.Expect("480", 2*time.Second).Reason(); got != one {
			t.Errorf("got %q, want %q again", got, one)
		}
	})
}

func TestB032ResponsesAfterAFinalAreAbsorbedAndForeignMethodsDropped(t *testing.T) {
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		Start(t, s, `sip.on("MESSAGE", function(req) req:proxy("sip:bob@192.0.2.20") end)`, Options{})
		alice := s.UA("alice", "192.0.2.10:5060", sip.UDP)
		bob := s.UA("bob", "192.0.2.20:5060", sip.UDP)
		alice.Request(sip.MESSAGE, "sip:bob@192.0.2.1")
		message := bob.Expect(sip.MESSAGE, time.Second)
		for _, cseq := range []string{"1 INVITE", "1 INFO", "1 CANCEL"} {
			bob.Reply(message, 200, siptest.Set("CSeq", cseq))
		}
		alice.ExpectNone(time.Second)
		bob.Reply(message, 404)
		alice.Expect("404", time.Second)
		for _, code := range []int{404, 200, 100, 503} {
			bob.Reply(message, code)
		}
		alice.ExpectNone(time.Minute)
	})
}

func TestB140EveryFailureIsAcknowledgedAndPassedOnce(t *testing.T) {
	t.Parallel()
	for _, over := range []sip.Transport{sip.UDP, sip.TCP} {
		t.Run(over.String(), func(t *testing.T) {
			t.Parallel()
			siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
				Start(t, s, `sip.on("INVITE", function(req) req:proxy("sip:bob@192.0.2.20;transport=`+over.Param()+`") end)`, Options{})
				alice := s.UA("alice", "192.0.2.10:5060", sip.UDP)
				bob := s.UA("bob", "192.0.2.20:5060", over)
				var last *sip.Message
				for _, code := range []int{300, 404, 503, 603} {
					alice.Request(sip.INVITE, "sip:bob@192.0.2.1")
					last = bob.Expect(sip.INVITE, time.Second)
					bob.Reply(last, code)
					bob.Expect(sip.ACK, time.Second)
					alice.ACK(alice.Final(last))
					if over == sip.UDP {
						bob.Reply(last, code)
						bob.Expect(sip.ACK, time.Second)
					}
				}
				if over == sip.TCP {
					bob.Reply(last, 603) // Timer D is zero
					bob.ExpectNone(time.Second)
					return
				}
				time.Sleep(31 * time.Second)
				bob.Reply(last, 603)
				bob.Expect(sip.ACK, time.Second)
				time.Sleep(2 * time.Second)
				bob.Reply(last, 603) // it was Timer D, of at least 32 s
				bob.ExpectNone(time.Second)
				alice.ExpectNone(time.Second)
			})
		})
	}
}

func TestB141UndeliverableResponseEndsNoTransaction(t *testing.T) {
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		srv := Start(t, s, `
			sip.on("INVITE", function(req)
				log.info("ran")
				req:proxy { "sip:bob@192.0.2.20", "sip:carol@192.0.2.30" }
			end)`, Options{})
		alice := s.UA("alice", "192.0.2.10:5060", sip.UDP)
		bob := s.UA("bob", "192.0.2.20:5060", sip.UDP)
		carol := s.UA("carol", "192.0.2.30:5060", sip.UDP)
		// Responses go to a port where nobody listens, and ICMP says so.
		deaf := raw(sip.INVITE, "192.0.2.10:5060", "192.0.2.10:5099")
		alice.Send(deaf)
		ringing, busy := bob.Expect(sip.INVITE, time.Second), carol.Expect(sip.INVITE, time.Second)
		bob.Reply(ringing, 180)
		time.Sleep(time.Second)
		alice.Send(deaf)
		time.Sleep(time.Second)
		bob.ExpectNone(ms, sip.CANCEL, sip.INVITE)
		carol.Reply(busy, 486)
		carol.Expect(sip.ACK, time.Second)
		bob.Reply(ringing, 603)
		bob.Expect(sip.ACK, time.Second)
		time.Sleep(time.Second)
		alice.Send(deaf)
		time.Sleep(time.Second)
		if n := strings.Count(srv.Log.String(), "msg=ran"); n != 1 {
			t.Errorf("the handler ran %d times", n)
		}
		if n := srv.Engine.Counters.Total("returned"); n < 4 {
			t.Errorf("ICMP has given back %d responses", n)
		}
	})
}

func TestB015ACKAndResponsesNeverDrawAnAnswer(t *testing.T) {
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		Start(t, s, `
			sip.on("*", function(req) req:reply(200) end)
			sip.on_indialog(function(req) req:proxy() end)`, Options{})
		alice := s.UA("alice", "192.0.2.10:5060", sip.UDP)
		response := strings.Replace(raw(sip.INVITE), "INVITE sip:bob@192.0.2.1 SIP/2.0", "SIP/2.0 200 OK", 1)
		for name, text := range map[string]string{
			"ACK":                               raw(sip.ACK),
			"ACK in a dialog":                   raw(sip.ACK, "To: <sip:bob@192.0.2.1>", "To: <sip:bob@192.0.2.1>;tag=b"),
			"ACK that is short of a header":     raw(sip.ACK, "Call-ID: raw@192.0.2.10\n", ""),
			"ACK with a bad CSeq":               raw(sip.ACK, "CSeq: 1 ACK", "CSeq: x ACK"),
			"ACK of another version":            raw(sip.ACK, "sip:bob@192.0.2.1 SIP/2.0", "sip:bob@192.0.2.1 SIP/7.0"),
			"ACK with no hops left":             raw(sip.ACK, "Max-Forwards: 70", "Max-Forwards: 0"),
			"ACK with an unknown scheme":        raw(sip.ACK, "sip:bob@192.0.2.1 SIP", "soap:bob SIP"),
			"ACK of an unsupported extension":   raw(sip.ACK, "CSeq", "Proxy-Require: x\nCSeq"),
			"response":                          response,
			"response of another version":       strings.Replace(response, "SIP/2.0 200", "SIP/7.0 200", 1),
			"response with a strange status":    strings.Replace(response, "200 OK", "777 OK", 1),
			"response with no status":           strings.Replace(response, "SIP/2.0 200 OK", "SIP/2.0", 1),
			"response that is short of headers": "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.0.2.10\r\n\r\n",
			"no SIP at all":                     "GET / HTTP/1.1\r\nHost: 192.0.2.1\r\n\r\n",
			"a start line only":                 "INVITE\r\n\r\n",
			"nothing but line ends":             "\r\n\r\n",
			"an answer to what never was":       "SIP/2.0 400 Bad Request\r\n\r\n",
		} {
			alice.Send(text)
			time.Sleep(100 * ms)
			if came := alice.Unread(); len(came) > 0 {
				t.Fatalf("%s drew %q", name, came)
			}
		}
		alice.ExpectNone(time.Minute)
	})
}
