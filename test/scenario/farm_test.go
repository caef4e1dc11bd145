package scenario

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sipscript/sipscript/engine"
	"github.com/sipscript/sipscript/engine/media"
	"github.com/sipscript/sipscript/engine/media/ng"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
)

// node is as much of an rtpengine as signalling sees: it writes its own ports into what it is told, and knows its calls.
type node struct {
	conn media.Conn
	at   netip.AddrPort

	mu       sync.Mutex
	dead     bool
	calls    map[string]int      // how many commands there were about each
	tags     map[string][]string // of their participants
	answered map[string]string
	port     int
}

func newNode(t *testing.T, s *siptest.Scene, addr string) *node {
	t.Helper()
	n := &node{at: netip.AddrPortFrom(netip.MustParseAddr(addr), 2223), calls: map[string]int{}, tags: map[string][]string{}, answered: map[string]string{}, port: 30000}
	conn, err := mediaNet{s.Net.Host(n.at.Addr())}.Open(n.at)
	if err != nil {
		t.Fatal(err)
	}
	n.conn = conn
	var ended sync.WaitGroup
	ended.Go(n.serve)
	t.Cleanup(func() { _ = conn.Close(); ended.Wait() })
	return n
}

func (n *node) serve() {
	b := make([]byte, 1<<16)
	for {
		size, from, err := n.conn.Read(b)
		if err != nil {
			return
		}
		if answer := n.receive(b[:size]); answer != "" {
			_ = n.conn.Write([]byte(answer), from)
		}
	}
}

func (n *node) receive(b []byte) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	cookie, body, _ := bytes.Cut(b, []byte(" "))
	if n.dead {
		return ""
	}
	if again, ok := n.answered[string(cookie)]; ok {
		return again
	}
	answer := string(cookie) + " " + n.do(texts(string(body)))
	n.answered[string(cookie)] = answer
	return answer
}

var (
	mLine = regexp.MustCompile(`(?m)^m=(\w+) [1-9]\d* `)
	cLine = regexp.MustCompile(`(?m)^c=IN IP4 \S+`)
)

func (n *node) do(d map[string]string) string {
	id := d["call-id"]
	switch d["command"] {
	case "ping":
		return "d6:result4:ponge"
	case "offer", "answer":
		sdp := mLine.ReplaceAllStringFunc(d["sdp"], func(m string) string {
			n.port += 2
			return fmt.Sprintf("m=%s %d ", mLine.FindStringSubmatch(m)[1], n.port)
		})
		n.calls[id]++
		n.tags[id] = []string{d["from-tag"], d["to-tag"]}
		return "d6:result2:ok3:sdp" + bencoded(cLine.ReplaceAllString(sdp, "c=IN IP4 "+n.at.Addr().String())) + "e"
	}
	if n.calls[id] == 0 {
		return "d12:error-reason15:Unknown call-id6:result5:errore"
	}
	switch {
	case d["command"] == "delete" && d["from-tag"] == "":
		delete(n.calls, id)
	case d["command"] == "query":
		out := "d6:result2:ok4:tagsd"
		for i, tag := range n.tags[id] {
			out += bencoded(tag) + fmt.Sprintf("d6:mediasld7:streamsld5:statsd5:bytesi%de7:packetsi%deeeeeee", 1600*(i+1), 10*(i+1))
		}
		return out + "ee"
	}
	return "d6:result2:oke"
}

// standing are the calls that the node has.
func (n *node) standing() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.calls)
}

// set makes the node vanish or come back, and forget all if it was started anew.
func (n *node) set(dead, anew bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.dead = dead; anew {
		clear(n.calls)
	}
}

func bencoded(s string) string { return strconv.Itoa(len(s)) + ":" + s }

// texts are the strings of a bencoded dictionary that stand directly in it.
func texts(b string) map[string]string {
	all, key, depth := map[string]string{}, "", 0
	for len(b) > 0 {
		switch b[0] {
		case 'd', 'l':
			depth++
			b = b[1:]
		case 'e':
			depth--
			key, b = "", b[1:]
		case 'i':
			_, b, _ = strings.Cut(b, "e")
			key = ""
		default:
			size, rest, _ := strings.Cut(b, ":")
			n, _ := strconv.Atoi(size)
			switch {
			case depth == 1 && key == "":
				key = rest[:n]
			case depth == 1:
				all[key], key = rest[:n], ""
			}
			b = rest[n:]
		}
	}
	return all
}

// onHost opens the sockets of a farm on the simulated network.
type onHost struct{ host *siptest.Host }

// Open implements media.Net.
func (n onHost) Open(netip.AddrPort) (media.Conn, error) {
	return mediaNet(n).Open(netip.AddrPortFrom(n.host.Addr(), 2999))
}

// farmed is a server whose media two rtpengines keep.
type farmed struct {
	*stage
	nodes [2]*node
	told  func() string // what became of the nodes
}

func farming(t *testing.T, script string, f func(s *farmed)) {
	t.Helper()
	t.Parallel()
	for _, setting := range []engine.Config{{Shards: 1}, {Shards: 4, Apart: true}} {
		t.Run(fmt.Sprintf("%d shards", setting.Shards), func(t *testing.T) {
			t.Parallel()
			siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
				fs := &farmed{nodes: [2]*node{newNode(t, s, "192.0.2.50"), newNode(t, s, "192.0.2.51")}}
				var mu sync.Mutex
				var told []string
				back, err := ng.New(ng.Config{
					Nodes: []ng.Node{{Address: fs.nodes[0].at}, {Address: fs.nodes[1].at}}, Net: onHost{serverHost(s, "")}, Random: rand.NewChaCha8([32]byte{}),
					Trace: func(e ng.Event) {
						mu.Lock()
						defer mu.Unlock()
						told = append(told, fmt.Sprintf("%v up=%v left=%d", e.Node.Addr(), e.Up, e.Left))
					},
				})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(back.Shutdown)
				fs.told = func() string {
					mu.Lock()
					defer mu.Unlock()
					all := strings.Join(told, ", ")
					told = nil
					return all
				}
				fs.stage = &stage{Scene: s, Server: Start(t, s, script, Options{Engine: setting, Media: back}), t: t}
				t.Cleanup(func() {
					if t.Failed() {
						t.Logf("%s\n%s", s.Ladder(), fs.Log)
					}
				})
				fs.alice, fs.bob, fs.carol = alice(s), bob(s), s.UA("carol", "192.0.2.30:5060", sip.UDP)
				f(fs)
				time.Sleep(5 * time.Minute) // whoever is left is asked for its figures by then
				synctest.Wait()
				if left := fs.Engine.Leaks(); len(left) > 0 || fs.Engine.Tracked() > 0 {
					t.Errorf("left behind: %s, %d tracked", left, fs.Engine.Tracked())
				}
			})
		})
	}
}

// talk sets up a call, and returns the two dialogs and where each was told to send its media.
func (s *farmed) talk() (caller, callee *siptest.Dialog, node netip.Addr) {
	s.t.Helper()
	s.alice.Request(sip.INVITE, "sip:bob@192.0.2.1", siptest.SDP(s.alice.Addr().Addr()))
	in := s.bob.Expect(sip.INVITE, 5*time.Second)
	s.bob.Reply(in, 200, siptest.SDP(s.bob.Addr().Addr()))
	ok := s.alice.Expect("200 INVITE", soon)
	caller, callee = s.alice.Dialog(ok), s.bob.Dialog(in)
	caller.ACK()
	s.bob.Expect(sip.ACK, soon)
	toBob, toAlice := mediaOf(s.t, in), mediaOf(s.t, ok)
	if toBob.Addr() != toAlice.Addr() {
		s.t.Errorf("one call at %v and %v", toBob, toAlice)
	}
	time.Sleep(soon)
	return caller, callee, toBob.Addr()
}

// A relay node dies in the middle of a call: the call stays as it is, a change of it is refused in the time that its client waits, its BYE is answered at
// once, and new calls go to the other node. Without any, a new call gets 503 at once.
func TestANodeThatDiesDuringACall(t *testing.T) {
	for name, script := range map[string]string{
		"b2bua":   `sip.on("INVITE", function(req) req:b2bua("sip:bob@192.0.2.20", { media = "relay" }) end)`,
		"bridge":  `sip.on("INVITE", function(req) local call = req:accept() local leg, err = call:dial("sip:bob@192.0.2.20") if leg then call:bridge(leg) else call:reject(err) end end)`,
		"proxied": `sip.on("INVITE", function(req) req:proxy("sip:bob@192.0.2.20", { media = "relay" }) end)`,
	} {
		t.Run(name, func(t *testing.T) {
			farming(t, script+logEnd, func(s *farmed) {
				caller, _, at := s.talk()
				first := slices.IndexFunc(s.nodes[:], func(n *node) bool { return n.at.Addr() == at })
				dying, other := s.nodes[first], s.nodes[1-first]
				dying.set(true, false)
				time.Sleep(30 * time.Second)
				if want := fmt.Sprintf("%v up=false left=1", dying.at.Addr()); s.told() != want {
					t.Errorf("want told once: %s", want)
				}

				caller.ReINVITE(audio(netip.AddrPortFrom(s.alice.Addr().Addr(), 4002), "a=sendonly\r\n"))
				refused := s.alice.Expect("503 INVITE", 5*time.Second)
				s.alice.ACK(refused)
				s.bob.ExpectNone(soon)

				bye(t, caller, s.alice, s.bob)
				time.Sleep(5 * time.Second) // its figures are asked for in vain
				wantEnd(t, s.Server, "cause=answered", "by=caller")

				_, callee, at := s.talk()
				if at != other.at.Addr() || other.standing() != 1 {
					t.Errorf("a new call goes to %v", at)
				}
				other.set(true, false)
				time.Sleep(30 * time.Second)
				if want := fmt.Sprintf("%v up=false left=0", other.at.Addr()); s.told() != want {
					t.Errorf("want told once: %s", want)
				}
				s.carol.Request(sip.INVITE, "sip:bob@192.0.2.1", siptest.SDP(s.carol.Addr().Addr()))
				refused = s.carol.Expect("503 INVITE", soon)
				if v, _ := refused.Get("Retry-After"); v == "" {
					t.Error("it is not told when to try again")
				}
				s.carol.ACK(refused)
				s.bob.ExpectNone(soon)
				bye(t, callee, s.bob, s.alice)

				// They come back: one as it was, the other started anew.
				dying.set(false, true)
				other.set(false, false)
				time.Sleep(30 * time.Second)
				caller, _, _ = s.talk()
				bye(t, caller, s.alice, s.bob)
				time.Sleep(10 * time.Second)
				if n := dying.standing(); n != 0 {
					t.Errorf("%d calls are left at the node that was back", n)
				}
			})
		})
	}
}

// A node that dies while a callee rings: whoever answers gets BYE, and the caller 503.
func TestANodeThatDiesBeforeTheAnswer(t *testing.T) {
	farming(t, `sip.on("INVITE", function(req) local r = req:b2bua("sip:bob@192.0.2.20", { media = "relay" }) log.info(r.code .. " " .. r.cause) end)`, func(s *farmed) {
		s.alice.Request(sip.INVITE, "sip:bob@192.0.2.1", siptest.SDP(s.alice.Addr().Addr()))
		in := s.bob.Expect(sip.INVITE, soon)
		for _, n := range s.nodes {
			n.set(true, false)
		}
		s.bob.Reply(in, 200, siptest.SDP(s.bob.Addr().Addr()))
		s.bob.Expect(sip.ACK, soon)
		s.bob.Reply(s.bob.Expect(sip.BYE, 5*time.Second), 200)
		s.alice.ACK(s.alice.Expect("503 INVITE", soon))
		s.wantSaid("503 failed")
	})
}

// A node that was started anew knows nothing of its calls: both sides of each get BYE once nobody can have been heard for the media timeout, though no
// side has noticed.
func TestANodeThatIsStartedAnewEndsItsCalls(t *testing.T) {
	for name, script := range map[string]string{
		"b2bua":   `sip.on("INVITE", function(req) req:b2bua("sip:bob@192.0.2.20", { media = "relay" }) end)`,
		"proxied": `sip.on("INVITE", function(req) req:proxy("sip:bob@192.0.2.20", { media = "relay" }) end)`,
	} {
		t.Run(name, func(t *testing.T) {
			farming(t, script+logEnd, func(s *farmed) {
				s.talk()
				for _, n := range s.nodes {
					n.set(false, true)
				}
				for _, u := range []*siptest.UA{s.alice, s.bob} {
					u.Reply(u.Expect(sip.BYE, 70*time.Second), 200)
				}
				time.Sleep(soon)
				wantEnd(t, s.Server, "cause=answered", "by=media")
			})
		})
	}
}

// A call may be over long before its node is asked for figures: they are in its record all the same, as the node has them at the end.
func TestTheFiguresOfAShortCallAreInItsRecord(t *testing.T) {
	const figures = `sip.on_end(function(cdr)
		local a, b = cdr.media[1], cdr.media[2]
		log.info("end", { legs = #cdr.media, heard = a.packets, from_bob = b.packets, sent = a.sent.packets, by = cdr.ended_by, duration = cdr.duration })
	end)`
	for name, script := range map[string]string{
		"b2bua":   `sip.on("INVITE", function(req) req:b2bua("sip:bob@192.0.2.20", { media = "relay" }) end)`,
		"proxied": `sip.on("INVITE", function(req) req:proxy("sip:bob@192.0.2.20", { media = "relay" }) end)`,
	} {
		t.Run(name, func(t *testing.T) {
			farming(t, script+figures, func(s *farmed) {
				caller, _, _ := s.talk()
				bye(t, caller, s.alice, s.bob)
				time.Sleep(time.Second)
				wantEnd(t, s.Server, "legs=2", "heard=10", "from_bob=20", "sent=20", "by=caller", "duration=0.1")
			})
		})
	}
}

func TestTextsOfBencode(t *testing.T) {
	t.Parallel()
	got := texts("d7:call-id1:x7:command5:offer5:flagsl1:a1:be1:ni7e3:sdp3:abce")
	if want := map[string]string{"call-id": "x", "command": "offer", "sdp": "abc"}; !maps.Equal(got, want) {
		t.Errorf("%q", got)
	}
}
