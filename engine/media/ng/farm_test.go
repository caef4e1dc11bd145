package ng

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sipscript/sipscript/engine/media"
	"github.com/sipscript/sipscript/engine/media/description"
)

// exchanged carries an offer from a to b and the answer back.
func exchanged(t *testing.T, f *Farm, a, b media.Terminal) (offered, answered string) {
	t.Helper()
	o := pass(f, a, b, media.RoleOffer, phone("a", 5000), media.Options{})
	if o.err != nil {
		t.Fatal(o.err)
	}
	r := pass(f, b, a, media.RoleAnswer, phone("b", 6000), media.Options{})
	if r.err != nil {
		t.Fatal(r.err)
	}
	return o.sdp, r.sdp
}

func line(sdp, prefix string) string {
	for l := range strings.SplitSeq(sdp, "\r\n") {
		if strings.HasPrefix(l, prefix) {
			return l
		}
	}
	return ""
}

func TestACallFromOfferToItsEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, network, nodes := farm(t, nil, 1)
		a, b := leg(t, f, "call", "A"), leg(t, f, "call", "B")
		offered, answered := exchanged(t, f, a, b)
		for _, sdp := range []string{offered, answered} {
			if !strings.HasPrefix(line(sdp, "o="), "o=- ") || !strings.HasSuffix(line(sdp, "o="), " 1 IN IP4 203.0.113.1") || line(sdp, "c=") != "c=IN IP4 203.0.113.1" {
				t.Errorf("sent\n%s", sdp)
			}
		}
		if line(offered, "o=") == line(answered, "o=") {
			t.Error("both legs have the same session")
		}
		if s := network.took(nodes[0]); s != "offer A B\nanswer A B" {
			t.Errorf("commands:\n%s", s)
		}
		// A re-INVITE of B's is an offer of B's; what A is sent is a new version of what A knows.
		again := pass(f, b, a, media.RoleOffer, phone("b", 6000, "a=sendonly"), media.Options{})
		if again.err != nil || line(again.sdp, "a=sendonly") == "" {
			t.Fatalf("%v\n%s", again.err, again.sdp)
		}
		first, second := strings.Fields(line(answered, "o=")), strings.Fields(line(again.sdp, "o="))
		if first[1] != second[1] || second[2] != "2" {
			t.Errorf("origin %v after %v", second, first)
		}
		if s := network.took(nodes[0]); s != "offer B A" {
			t.Errorf("commands:\n%s", s)
		}
		f.Close(a)
		f.Close(b)
		synctest.Wait()
		if s := network.took(nodes[0]); s != "block media A\nquery\ndelete" {
			t.Errorf("commands of the end:\n%s", s)
		}
		if r := pass(f, a, b, media.RoleOffer, phone("a", 5000), media.Options{}); !errors.Is(r.err, media.ErrClosed) {
			t.Errorf("after the end: %v", r.err)
		}
		f.Close(a)
		synctest.Wait()
		if s := network.took(nodes[0]); s != "" || len(f.calls) != 0 {
			t.Errorf("closed again: %s, %d calls", s, len(f.calls))
		}
	})
}

func TestOptionsAsNGHasThem(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name    string
		options media.Options
		want    map[string]string // of the command; "" if it must not be there
	}{
		{"none", media.Options{}, map[string]string{"ICE": "remove", "DTLS": "off", "transport-protocol": "", "rtcp-mux": "", "codec": "", "address-family": "IP6",
			"flags": "[port-latching strict-source]"}},
		{"encrypted", media.Options{SRTP: description.SRTPRequired}, map[string]string{"transport-protocol": "RTP/SAVP"}},
		{"plain", media.Options{SRTP: description.SRTPOff}, map[string]string{"transport-protocol": ""}},
		{"one port", media.Options{Mux: description.MuxOffer}, map[string]string{"rtcp-mux": "[offer]"}},
		{"two ports", media.Options{Mux: description.MuxOff}, map[string]string{"rtcp-mux": "[demux]"}},
		{"codecs", media.Options{Audio: []string{"PCMU", "*"}}, map[string]string{"codec": "map[offer:[PCMU/8000 PCMA/8000 telephone-event/8000] strip:[all]]"}},
		{"without one", media.Options{Audio: []string{"-PCMA"}}, map[string]string{"codec": "map[offer:[PCMU/8000 telephone-event/8000] strip:[all]]"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f, network, nodes := farm(t, nil, 1)
				a, b := leg(t, f, "call", "A"), leg(t, f, "call", "B")
				f.Signalled(b, netip.Addr{}, netip.MustParseAddr("2001:db8::5"))
				pass(f, a, b, media.RoleOffer, phone("a", 5000), row.options)
				d := network.last(nodes[0])
				for key, want := range row.want {
					got := ""
					if d[key] != nil {
						got = fmt.Sprint(d[key])
					}
					if got != want {
						t.Errorf("%s is %q, want %q", key, got, want)
					}
				}
			})
		})
	}
}

func TestSuitesThatAreNotWantedAreNotOffered(t *testing.T) {
	t.Parallel()
	flags := suites([]description.Suite{description.AES128SHA80})
	for name, offered := range map[string]bool{"AES_CM_128_HMAC_SHA1_80": true, "AES_CM_128_HMAC_SHA1_32": false, "AEAD_AES_256_GCM": false, "NULL_HMAC_SHA1_80": false} {
		if slices.Contains(flags, any("no-"+name)) == offered {
			t.Errorf("%s in %v", name, flags)
		}
	}
}

func TestWhatANodeIsNotAsked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, network, nodes := farm(t, nil, 1)
		a, b := leg(t, f, "call", "A"), leg(t, f, "call", "B")
		if r := pass(f, a, b, media.RoleOffer, "nonsense", media.Options{}); !errors.Is(r.err, description.ErrMalformed) {
			t.Errorf("malformed: %v", r.err)
		}
		if r := pass(f, a, b, media.RoleOffer, phone("a", 5000), media.Options{Audio: []string{"opus"}}); !errors.Is(r.err, description.ErrNoCodec) {
			t.Errorf("no codec: %v", r.err)
		}
		if r := pass(f, b, a, media.RoleAnswer, phone("b", 6000), media.Options{}); !errors.Is(r.err, media.ErrNoOffer) {
			t.Errorf("no offer: %v", r.err)
		}
		other, _, _ := farm(t, nil, 1)
		if r := pass(f, a, leg(t, other, "call", "X"), media.RoleOffer, phone("a", 5000), media.Options{}); !errors.Is(r.err, media.ErrForeign) {
			t.Errorf("foreign: %v", r.err)
		}
		if s := network.took(nodes[0]); s != "" {
			t.Errorf("commands:\n%s", s)
		}
	})
}

func TestRefusalLeavesTheSessionAsItWas(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, network, nodes := farm(t, nil, 1)
		a, b := leg(t, f, "call", "A"), leg(t, f, "call", "B")
		exchanged(t, f, a, b)
		network.change(func() {
			nodes[0].reply = func(d dict) dict { return dict{"result": "error", "error-reason": "Ran out of ports"} }
		})
		r := pass(f, a, b, media.RoleOffer, phone("a", 5000, "a=inactive"), media.Options{})
		if !errors.Is(r.err, ErrRefused) || !errors.Is(r.err, media.ErrNoPorts) || !strings.Contains(r.err.Error(), "Ran out of ports") {
			t.Errorf("error %v", r.err)
		}
		if d := a.side.Lines[0].Remote.Direction; d != description.SendRecv {
			t.Errorf("a is %v", d)
		}
		network.change(func() {
			nodes[0].reply = func(d dict) dict { return dict{"result": "ok", "sdp": "nonsense"} }
		})
		if r := pass(f, a, b, media.RoleOffer, phone("a", 5000), media.Options{}); !errors.Is(r.err, description.ErrMalformed) {
			t.Errorf("error %v", r.err)
		}
	})
}

func TestEncryptionThatANodeLosesIsRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, network, nodes := farm(t, nil, 1)
		network.change(func() {
			nodes[0].reply = func(d dict) dict { return dict{"result": "ok", "sdp": phone("a", 30002)} }
		})
		a, b := leg(t, f, "call", "A"), leg(t, f, "call", "B")
		if r := pass(f, a, b, media.RoleOffer, phone("a", 5000), media.Options{SRTP: description.SRTPRequired}); !errors.Is(r.err, description.ErrCrypto) {
			t.Errorf("error %v", r.err)
		}
	})
}

func TestThisServerAnswersAloneAndIsConnected(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, network, nodes := farm(t, nil, 1)
		a, b := leg(t, f, "call", "A"), leg(t, f, "call", "B")
		got := make(chan result, 1)
		f.Answer(a, []byte(phone("a", 5000)), media.Options{Audio: []string{"PCMU"}}, func(sdp []byte, err error) { got <- result{string(sdp), err} })
		r := <-got
		if r.err != nil || !strings.HasSuffix(line(r.sdp, "m="), " RTP/AVP 0 101") {
			t.Fatalf("%v\n%s", r.err, r.sdp)
		}
		synctest.Wait()
		if s := network.took(nodes[0]); s != "offer A A-self\nanswer A A-self\nblock media A" {
			t.Errorf("commands:\n%s", s)
		}
		exchanged(t, f, a, b)
		f.Connect(a, b)
		synctest.Wait()
		if s := network.took(nodes[0]); s != "offer A B\nanswer A B\nunblock media A\nunblock media B" {
			t.Errorf("commands:\n%s", s)
		}
		f.Part(b)
		f.Part(a)
		f.BlockDigits(a, true)
		f.BlockDigits(a, false)
		synctest.Wait()
		if s := network.took(nodes[0]); s != "block media B\nblock media A\nblock DTMF A\nunblock DTMF A" {
			t.Errorf("commands:\n%s", s)
		}
	})
}

func TestOneWhoLeavesIsKeptUntilHisPeerHasAnother(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, network, nodes := farm(t, nil, 1)
		a, b, c := leg(t, f, "call", "A"), leg(t, f, "call", "B"), leg(t, f, "elsewhere", "C")
		exchanged(t, f, a, b)
		f.Close(b)
		synctest.Wait()
		network.took(nodes[0])
		exchanged(t, f, a, c)
		synctest.Wait()
		if s := network.took(nodes[0]); s != "offer A C\nanswer A C\ndelete B" {
			t.Errorf("commands:\n%s", s)
		}
	})
}

func TestHoldNeedsNoNodeUntilItsAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, network, nodes := farm(t, nil, 1)
		a, b := leg(t, f, "call", "A"), leg(t, f, "call", "B")
		_, answered := exchanged(t, f, a, b)
		network.took(nodes[0])
		hold := func(on bool) result {
			got := make(chan result, 1)
			f.Hold(a, on, func(sdp []byte, err error) { got <- result{string(sdp), err} })
			return <-got
		}
		accept := func(attribute string) {
			t.Helper()
			got := make(chan error, 1)
			f.Accept(a, []byte(phone("a", 5000, attribute)), media.Options{}, func(err error) { got <- err })
			if err := <-got; err != nil {
				t.Fatal(err)
			}
			if s := network.took(nodes[0]); s != "answer B A" {
				t.Errorf("commands:\n%s", s)
			}
		}
		r := hold(true)
		if r.err != nil || line(r.sdp, "a=sendonly") == "" || line(r.sdp, "m=") != line(answered, "m=") || network.took(nodes[0]) != "" {
			t.Errorf("hold: %v\n%s", r.err, r.sdp)
		}
		accept("a=recvonly")
		// It outlasts offers of the other leg.
		if r := pass(f, b, a, media.RoleOffer, phone("b", 6000), media.Options{}); line(r.sdp, "a=sendonly") == "" {
			t.Errorf("offered meanwhile\n%s", r.sdp)
		}
		f.Rollback(a)
		f.Rollback(b)
		synctest.Wait()
		network.took(nodes[0])
		r = hold(false)
		if r.err != nil || line(r.sdp, "a=sendonly") != "" {
			t.Errorf("taken back: %v\n%s", r.err, r.sdp)
		}
		accept("a=sendrecv")
		// A refresh is the same again.
		got := make(chan result, 1)
		f.Offer(a, media.Options{}, func(sdp []byte, err error) { got <- result{string(sdp), err} })
		if refresh := <-got; refresh.err != nil || refresh.sdp != r.sdp {
			t.Errorf("refresh: %v\n%s\nafter\n%s", refresh.err, refresh.sdp, r.sdp)
		}
	})
}

func TestThisServerOffersFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, network, nodes := farm(t, nil, 1)
		a := leg(t, f, "call", "A")
		got := make(chan result, 1)
		f.Offer(a, media.Options{Audio: []string{"PCMA"}}, func(sdp []byte, err error) { got <- result{string(sdp), err} })
		if r := <-got; r.err != nil || line(r.sdp, "m=") != "m=audio 30002 RTP/AVP 8 101" {
			t.Errorf("%v\n%s", r.err, r.sdp)
		}
		done := make(chan error, 1)
		f.Accept(a, []byte(phone("a", 5000)), media.Options{}, func(err error) { done <- err })
		if err := <-done; err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if s := network.took(nodes[0]); s != "offer A-self A\nblock media A\nanswer A-self A" {
			t.Errorf("commands:\n%s", s)
		}
	})
}

func TestRollbackTellsTheNodeWhatStands(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, network, nodes := farm(t, nil, 1)
		a, b := leg(t, f, "call", "A"), leg(t, f, "call", "B")
		exchanged(t, f, a, b)
		pass(f, a, b, media.RoleOffer, phone("a", 5002), media.Options{})
		network.took(nodes[0])
		f.Rollback(a)
		f.Rollback(b)
		synctest.Wait()
		network.change(func() {
			if n := len(nodes[0].commands); n != 2 || line(nodes[0].commands[0].text("sdp"), "m=") != "m=audio 5000 RTP/AVP 8 0 101" {
				t.Errorf("%d commands", n)
			}
		})
		if s := network.took(nodes[0]); s != "offer A B\nanswer A B" {
			t.Errorf("commands:\n%s", s)
		}
	})
}

func TestAPeerThatIsSilentIsToldOnce(t *testing.T) {
	t.Parallel()
	for _, lost := range []bool{false, true} {
		t.Run(fmt.Sprint("call lost at the node: ", lost), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f, network, nodes := farm(t, func(c *Config) { c.Timeout = 10 * time.Second }, 1)
				var events []media.Event
				open := func(name string) *terminal {
					x := leg(t, f, "call", name)
					x.events = func(e media.Event) { events = append(events, e) }
					return x
				}
				a, b := open("A"), open("B")
				exchanged(t, f, a, b)
				packets := int64(0)
				network.change(func() {
					nodes[0].reply = func(d dict) dict {
						if d.text("command") != "query" {
							return nil
						}
						if lost {
							return dict{"result": "error", "error-reason": "Unknown call-id"}
						}
						packets += 500
						stream := func(n int64) any {
							return dict{"medias": []any{dict{"streams": []any{dict{"flags": []any{"RTP"}, "stats": dict{"packets": n, "bytes": n * 172}}}}}}
						}
						return dict{"result": "ok", "tags": dict{"A": stream(packets), "B": stream(7)}}
					}
				})
				time.Sleep(65 * time.Second)
				f.mu.Lock()
				defer f.mu.Unlock()
				want := 1 // b has sent 7 packets before the first look
				if lost {
					want = 2
				}
				if len(events) != want || events[want-1].Kind != media.EventTimeout || events[want-1].Terminal != media.Terminal(b) {
					t.Errorf("events %+v", events)
				}
				if !lost && (a.stats.Received.Packets != uint64(packets) || a.stats.Sent.Packets != 7 || b.stats.Received.Bytes != 7*172) {
					t.Errorf("figures %+v", a.stats)
				}
			})
		})
	}
}

func TestACallThatEndsBeforeItsNodeAnswersIsEndedThere(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, network, nodes := farm(t, nil, 1)
		network.change(func() { nodes[0].lose = 1 })
		a, b := leg(t, f, "call", "A"), leg(t, f, "call", "B")
		got := make(chan error, 1)
		f.Pass(a, b, media.RoleOffer, []byte(phone("a", 5000)), media.Options{}, func(_ []byte, err error) { got <- err })
		f.Close(a)
		f.Close(b)
		if err := <-got; !errors.Is(err, media.ErrClosed) {
			t.Errorf("error %v", err)
		}
		synctest.Wait()
		if s := network.took(nodes[0]); s != "offer A B\ndelete" {
			t.Errorf("commands:\n%s", s)
		}
	})
}
