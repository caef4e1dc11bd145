package call_test

import (
	"crypto/sha256"
	"flag"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sipscript/sipscript/engine"
	"github.com/sipscript/sipscript/engine/call"
	"github.com/sipscript/sipscript/engine/media"
	"github.com/sipscript/sipscript/engine/proxy"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
	"github.com/sipscript/sipscript/sip/transport"
)

var (
	flows = flag.Int("flows", 200, "how many random calls to play")
	seed  = flag.Uint64("seed", 1, "of the first of their scenes")
	shown = flag.String("show", "", "print what of a scene's trace holds one of these, separated by commas")
)

// callsAScene is how many calls a scene has.
const callsAScene = 20

// Random calls of phones that do anything, over a network that loses and doubles: whatever happens, both legs of each
// call end, every request gets exactly one final response, each call has one record, and nothing is left behind. -flows and -seed choose more of them, or
// one scene again.
func TestRandomFlowsLeaveNothingBehind(t *testing.T) {
	t.Parallel()
	for i := range max(1, *flows/callsAScene) {
		s := *seed + uint64(i)
		t.Run(strconv.FormatUint(s, 10), func(t *testing.T) {
			t.Parallel()
			playFlows(t, s, callsAScene)
		})
	}
}

func TestTheSameSeedPlaysTheSameFlows(t *testing.T) {
	t.Parallel()
	for s := range uint64(20) {
		t.Run(strconv.FormatUint(s, 10), func(t *testing.T) {
			t.Parallel()
			if a, b := playFlows(t, s, 7), playFlows(t, s, 7); a != b {
				t.Errorf("two runs differ: %s", firstDifference(a, b))
			}
		})
	}
}

func firstDifference(a, b string) string {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			return fmt.Sprintf("line %d of %d and %d:\n%s\n%s", i, len(x), len(y), x[i], y[i])
		}
	}
	return "one is longer"
}

// show prints messages of a trace, one a line.
func show(trace string, wanted []string) {
	for line := range strings.Lines(trace) {
		for _, w := range wanted {
			if head, _, ok := strings.Cut(line, `\r\n`); ok && strings.Contains(line, w) {
				_, after, _ := strings.Cut(line, "CSeq: ")
				number, _, _ := strings.Cut(after, `\r\n`)
				fmt.Println(head, "|", number)
				break
			}
		}
	}
}

// playFlows plays a scene of some calls and returns its trace.
func playFlows(t *testing.T, seed uint64, calls int) (trace string) {
	link := siptest.Link{Delay: 5 * time.Millisecond, Jitter: 20 * time.Millisecond}
	if seed%3 != 0 {
		link.Loss, link.Duplicate, link.Reorder = 0.04, 0.05, 0.05
	}
	shards, apart := 1, false
	if seed%2 == 0 {
		shards, apart = 4, true
	}
	siptest.Run(t, siptest.Setting{Seed: seed, Network: siptest.Options{Link: link}}, func(t *testing.T, s *siptest.Scene) {
		var backend media.Backend
		var unclosed func() []string
		if seed%4 < 2 {
			l := newLedger()
			backend, unclosed = l, l.left
		} else {
			r, q := relayOf(t)
			backend, unclosed = r, q.left
		}
		var lines records
		e := flowServer(t, s, seed, backend, &lines, shards, apart)
		phones := make([]*phone, 2*calls+8)
		server := netip.MustParseAddrPort("192.0.2.1:5060")
		for i := range phones {
			may := habits{late: true, silent: true, neverACK: i%7 == 0, transfers: true, target: fmt.Sprintf("sip:p%d@192.0.2.1", 2*calls+i%8)}
			may.crash = i < 2*calls && i%2 == int(seed>>1&1) // of the two of a call never both
			may.reliable, may.moves = seed%5 > 1, seed%5 > 2
			phones[i] = newPhone(s.Net, "p"+strconv.Itoa(i), fmt.Sprintf("198.51.100.%d:5060", 10+i), server, seed*1000+uint64(i), may)
		}
		time.Sleep(7 * time.Millisecond) // not in the instant in which phones look for what to do
		for i := range calls {
			caller, user := phones[2*i], "p"+strconv.Itoa(2*i+1)
			switch i % 5 {
			case 3:
				user = fmt.Sprintf("p%d+p%d", 2*i+1, 2*calls+i%8)
			case 4:
				user = fmt.Sprintf("p%d-p%d", 2*i+1, 2*calls+i%8)
			}
			switch i % 7 {
			case 1:
				user = "d" + user[1:]
			case 2:
				user = "w" + user[1:]
			}
			caller.do <- func() { caller.after(10*time.Second, func() { caller.call(user) }) }
		}
		time.Sleep(60 * time.Second)
		for range 3 {
			for _, p := range phones {
				p.do <- p.hangUpAll
			}
			time.Sleep(70 * time.Second)
		}
		synctest.Wait()
		var left []string
		for _, l := range e.Leaks() {
			left = append(left, "server: "+l)
		}
		left = append(left, unclosed()...)
		for _, p := range phones {
			p.do <- func() { left = append(left, p.left()...); p.quit = true }
			<-p.done
		}
		heard := listen(s.Net.Trace(), server)
		left = append(append(left, heard.unanswered()...), heard.unrecorded(lines.String())...)
		if len(heard.calls) == 0 {
			left = append(left, "no call has come")
		}
		trace = s.Net.Trace().String()
		if *shown != "" {
			show(trace, strings.Split(*shown, ","))
		}
		if len(left) > 0 {
			t.Errorf("seed %d:\n\t%s", seed, quoted(left))
		}
	})
	return trace
}

func flowServer(t *testing.T, s *siptest.Scene, seed uint64, relay media.Backend, lines *records, shards int, apart bool) *engine.Engine {
	spec, err := transport.ParseListen("udp:192.0.2.1:5060")
	if err != nil {
		t.Fatal(err)
	}
	key := sha256.Sum256([]byte{byte(seed), byte(seed >> 8)})
	cfg := engine.Config{Shards: shards, Apart: apart, Fragile: true, Listen: []transport.ListenSpec{spec}}
	cfg.CDR.File = "records"
	e, err := engine.New(cfg, engine.Seams{Net: s.Net.Host(netip.MustParseAddr("192.0.2.1")), Seed: &key, Media: relay, Append: lines.open})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Start(router{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	synctest.Wait()
	return e
}

// router connects a caller with the phones that the user part names: p1, p1+p2 in parallel, p1-p2 one after the other.
type router struct{}

func (router) Handle(r *engine.Request) {
	if r.Message.Method() != sip.INVITE {
		_ = r.Reply(481, "", engine.Content{})
		_ = r.End()
		return
	}
	uri, _ := r.Message.URI()
	r.Park()
	o := call.DialOptions{Replaces: true}
	o.Timeout = 20 * time.Second
	switch uri.User[0] {
	case 'd', 'w':
		c, err := r.Accept(call.Options{})
		if err != nil {
			_ = r.End()
			return
		}
		if uri.User[0] == 'w' {
			c.Answer(func(error) {})
		}
		dialThenBridge(r, c, groupsOf(uri.User), o)
		return
	}
	if _, err := r.B2BUA(groupsOf(uri.User), o, func(proxy.Result, *call.Call) { _ = r.End() }); err != nil {
		_ = r.End()
	}
}

// dialThenBridge is what a script does that stays with its call.
func dialThenBridge(r *engine.Request, c *call.Call, groups []proxy.Group, o call.DialOptions) {
	c.Dial(groups, o, func(leg *call.Call, res proxy.Result) {
		if leg == nil {
			_ = c.RefuseWith(&res)
			hangUp(c)
			_ = r.End()
			return
		}
		b := call.BridgeOptions{MaxDuration: time.Duration(5+len(c.ID())%7) * time.Second}
		c.Bridge(leg, b, func(call.BridgeEnd) {
			hangUp(c)
			_ = r.End()
		})
	})
	if c.ID()[len(c.ID())-1]%4 == 0 {
		r.Loop().After(6*time.Second, func() {
			c.Hold(func(error) { c.Unhold(func(error) {}) })
		})
	}
}

// Transfer implements engine.TransferDecider.
func (router) Transfer(t *engine.Transfer) bool {
	uri, err := sip.ParseURI(t.Target)
	if err != nil {
		return false
	}
	o := call.DialOptions{}
	o.Timeout = 20 * time.Second
	t.Accept(groupsOf(uri.User), o)
	return true
}

func groupsOf(user string) (groups []proxy.Group) {
	for one := range strings.SplitSeq(user, "-") {
		var g proxy.Group
		for name := range strings.SplitSeq(one, "+") {
			n, _ := strconv.Atoi(strings.TrimLeft(name, "pdw"))
			g = append(g, proxy.Target{URI: fmt.Sprintf("sip:p%d@198.51.100.%d", n, 10+n)})
		}
		groups = append(groups, g)
	}
	return groups
}

var _ engine.TransferDecider = router{}
