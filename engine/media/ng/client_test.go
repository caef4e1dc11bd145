package ng

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sipscript/sipscript/engine/media"
)

func TestACommandIsSentAgainUnderItsCookie(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, network, nodes := farm(t, nil, 1)
		network.change(func() { nodes[0].datagrams, nodes[0].lose = nil, 2 })
		start := time.Now()
		got := pass(f, leg(t, f, "call", "A"), leg(t, f, "call", "B"), media.RoleOffer, phone("a", 5000), media.Options{})
		if got.err != nil || time.Since(start) != 600*time.Millisecond {
			t.Errorf("%v after %v", got.err, time.Since(start))
		}
		sent := nodes[0].datagrams
		if len(sent) != 3 || sent[0] != sent[1] || sent[1] != sent[2] {
			t.Errorf("sent %q", sent)
		}
		network.change(func() { nodes[0].datagrams = nil })
		pass(f, leg(t, f, "other", "A"), leg(t, f, "other", "B"), media.RoleOffer, phone("a", 5000), media.Options{})
		if a, b := cookie(sent[0]), cookie(nodes[0].datagrams[0]); a == b {
			t.Errorf("cookie %s twice", a)
		}
	})
}

func cookie(datagram string) string { s, _, _ := strings.Cut(datagram, " "); return s }

func TestOnlyTheNodeThatWasAskedIsHeard(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, network, nodes := farm(t, nil, 1, 1)
		network.change(func() { nodes[0].datagrams, nodes[0].lose = nil, 1 })
		got := make(chan error, 10)
		f.client.send(f.client.nodes[0], dict{"command": "query"}, func(_ dict, err error) { got <- err })
		var id string
		network.change(func() { id = cookie(nodes[0].datagrams[0]) })
		for _, p := range []packet{
			{[]byte(id + " d6:result2:oke"), nodes[1].addr},
			{[]byte("stranger d6:result2:oke"), nodes[0].addr},
			{[]byte("no-cookie"), nodes[0].addr},
			{nil, nodes[0].addr},
		} {
			network.conns[0].inbox <- p
		}
		synctest.Wait()
		if len(got) != 0 {
			t.Fatal("answered by another")
		}
		if err := <-got; err != nil { // sent again, and answered by the node itself
			t.Error(err)
		}
		network.conns[0].inbox <- packet{[]byte(id + " d6:result5:errore"), nodes[0].addr}
		synctest.Wait()
		if len(got) != 0 {
			t.Error("an answer counts twice")
		}
	})
}

func TestAnswersThatAreNone(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]error{
		"d6:result2:oke":   nil,
		"d6:result4:ponge": nil,
		"d6:result5:error12:error-reason15:Unknown call-ide": ErrRefused,
		"d6:result10:load limit7:message2:noe":               errFull,
		"de":                                                 ErrRefused,
		"i1e":                                                ErrProtocol,
		"":                                                   ErrProtocol,
		"d6:result":                                          ErrProtocol,
		"d6:resulti-1":                                       ErrProtocol,
		"99999999999999999999:x":                             ErrProtocol,
		"5:x":                                                ErrProtocol,
		"di1ei2ee":                                           ErrProtocol,
		"ixe":                                                ErrProtocol,
		"li1e":                                               ErrProtocol,
		strings.Repeat("l", 100) + strings.Repeat("e", 100):  ErrProtocol,
		"d6:result2:ok4:listli1ei-2el3:abcee4:dictd1:a1:bee": nil,
	} {
		if _, err := answer([]byte(body)); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", body, err, want)
		}
	}
}

func TestNewCallsGoToTheNextNodeWhenOneDies(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, network, nodes := farm(t, nil, 1, 1)
		a, b := leg(t, f, "old", "A"), leg(t, f, "old", "B")
		if got := pass(f, a, b, media.RoleOffer, phone("a", 5000), media.Options{}); got.err != nil || network.took(nodes[0]) != "offer A B" {
			t.Fatalf("the first call is not at the first node: %v", got.err)
		}
		network.change(func() { nodes[0].dead = true })
		// A call that is there stays there.
		if got := pass(f, b, a, media.RoleAnswer, phone("b", 6000), media.Options{}); !errors.Is(got.err, ErrUnreachable) || !errors.Is(got.err, media.ErrNoPorts) {
			t.Errorf("answer of the old call: %v", got.err)
		}
		if s := network.took(nodes[1]); s != "" {
			t.Errorf("the old call goes on at another node: %s", s)
		}
		// New ones go to the node that is up, without a try at the one that is down.
		for i := range 3 {
			start := time.Now()
			id := fmt.Sprint("new", i)
			got := pass(f, leg(t, f, id, "A"), leg(t, f, id, "B"), media.RoleOffer, phone("a", 5000), media.Options{})
			if got.err != nil || time.Since(start) != 0 || network.took(nodes[1]) != "offer A B" {
				t.Errorf("new call: %v after %v", got.err, time.Since(start))
			}
		}
		// It is up again once it answers a probe.
		network.change(func() { nodes[0].dead = false })
		time.Sleep(20 * time.Second)
		for i := range 4 {
			id := fmt.Sprint("again", i)
			pass(f, leg(t, f, id, "A"), leg(t, f, id, "B"), media.RoleOffer, phone("a", 5000), media.Options{})
		}
		if s := network.took(nodes[0]); strings.Count(s, "offer") != 2 {
			t.Errorf("back, it takes %q", s)
		}
	})
}

// Whoever watches is told once that a node is down, how many are left, and that it is back.
func TestNodesThatGoAndComeAreTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var told []string
		_, network, nodes := farm(t, func(c *Config) {
			c.Trace = func(e Event) {
				mu.Lock()
				defer mu.Unlock()
				told = append(told, fmt.Sprint(e.Node.Addr(), " up=", e.Up, " left=", e.Left))
			}
		}, 1, 1)
		network.change(func() { nodes[0].dead = true })
		time.Sleep(time.Minute)
		network.change(func() { nodes[1].dead = true })
		time.Sleep(time.Minute)
		network.change(func() { nodes[0].dead, nodes[1].dead = false, false })
		time.Sleep(20 * time.Second)
		mu.Lock()
		defer mu.Unlock()
		slices.Sort(told[2:]) // both come back at the same time, or not
		if got := strings.Join(told, ", "); got != "10.0.0.1 up=false left=1, 10.0.0.2 up=false left=0, 10.0.0.1 up=true left=1, 10.0.0.2 up=true left=2" &&
			got != "10.0.0.1 up=false left=1, 10.0.0.2 up=false left=0, 10.0.0.1 up=true left=2, 10.0.0.2 up=true left=1" {
			t.Errorf("told: %s", got)
		}
	})
}

func TestANewCallIsTriedAtEachNodeOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, network, nodes := farm(t, func(c *Config) { c.Probe = time.Hour }, 1, 1, 1)
		network.change(func() { nodes[0].dead, nodes[1].full = true, true })
		start := time.Now()
		got := pass(f, leg(t, f, "call", "A"), leg(t, f, "call", "B"), media.RoleOffer, phone("a", 5000), media.Options{})
		if got.err != nil || time.Since(start) != 3*time.Second || network.took(nodes[2]) != "offer A B" {
			t.Errorf("%v after %v", got.err, time.Since(start))
		}
		network.change(func() { nodes[1].full, nodes[1].dead, nodes[2].dead = false, true, true })
		start = time.Now()
		got = pass(f, leg(t, f, "next", "A"), leg(t, f, "next", "B"), media.RoleOffer, phone("a", 5000), media.Options{})
		if !errors.Is(got.err, ErrUnreachable) || !errors.Is(got.err, media.ErrNoPorts) || time.Since(start) != 6*time.Second {
			t.Errorf("all dead: %v after %v", got.err, time.Since(start))
		}
		start = time.Now()
		got = pass(f, leg(t, f, "last", "A"), leg(t, f, "last", "B"), media.RoleOffer, phone("a", 5000), media.Options{})
		if !errors.Is(got.err, ErrUnreachable) || time.Since(start) != 0 {
			t.Errorf("all known to be dead: %v after %v", got.err, time.Since(start))
		}
	})
}

func TestCallsAreSpreadByWeight(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, network, nodes := farm(t, nil, 3, 1, 0)
		for i := range 50 {
			id := fmt.Sprint(i)
			if got := pass(f, leg(t, f, id, "A"), leg(t, f, id, "B"), media.RoleOffer, phone("a", 5000), media.Options{}); got.err != nil {
				t.Fatal(got.err)
			}
		}
		for i, want := range []int{30, 10, 10} {
			if n := strings.Count(network.took(nodes[i]), "offer"); n != want {
				t.Errorf("node %d took %d calls, want %d", i, n, want)
			}
		}
	})
}

func TestACallIsNeverOnTwoNodes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, network, nodes := farm(t, nil, 1, 1)
		network.change(func() { nodes[0].lose = 1 })
		a := leg(t, f, "fork", "A")
		got := make(chan error, 3)
		for i := range 3 { // an INVITE that forks
			f.Pass(a, leg(t, f, "fork", fmt.Sprint("B", i)), media.RoleOffer, []byte(phone("a", 5000)), media.Options{}, func(_ []byte, err error) { got <- err })
		}
		for range 3 {
			if err := <-got; err != nil {
				t.Error(err)
			}
		}
		if s := network.took(nodes[0]); s != "offer A B0\noffer A B1\noffer A B2" || network.took(nodes[1]) != "" {
			t.Errorf("first node: %s", s)
		}
	})
}

func TestCommandsUnderwayAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, network, nodes := farm(t, func(c *Config) { c.Commands = 2 }, 1)
		network.change(func() { nodes[0].dead = true })
		got := make(chan error, 3)
		for i := range 3 {
			id := fmt.Sprint(i)
			f.Pass(leg(t, f, id, "A"), leg(t, f, id, "B"), media.RoleOffer, []byte(phone("a", 5000)), media.Options{}, func(_ []byte, err error) { got <- err })
		}
		if err := <-got; !errors.Is(err, ErrBusy) {
			t.Errorf("the third: %v", err)
		}
	})
}

func TestShutdownEndsWhatIsUnderway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, network, nodes := farm(t, nil, 1)
		network.change(func() { nodes[0].dead = true })
		a, b := leg(t, f, "call", "A"), leg(t, f, "call", "B")
		got := make(chan error, 2)
		f.Pass(a, b, media.RoleOffer, []byte(phone("a", 5000)), media.Options{}, func(_ []byte, err error) { got <- err })
		f.Shutdown()
		if err := <-got; !errors.Is(err, media.ErrClosed) {
			t.Errorf("underway: %v", err)
		}
		if r := pass(f, leg(t, f, "late", "A"), leg(t, f, "late", "B"), media.RoleOffer, phone("a", 5000), media.Options{}); !errors.Is(r.err, media.ErrClosed) {
			t.Errorf("afterwards: %v", r.err)
		}
	})
}

func TestConfigSaysEverythingThatIsWrong(t *testing.T) {
	t.Parallel()
	if err := (&Config{}).Validate(); err == nil {
		t.Error("no node")
	}
	err := (&Config{Nodes: []Node{{}, {Weight: -1}}}).Validate()
	if err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("%v", err)
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add([]byte("d6:result2:ok4:listli1ei-2el3:abcee4:dictd1:a1:bee"))
	f.Add([]byte("d6:result5:error12:error-reason15:Unknown call-ide"))
	f.Fuzz(func(t *testing.T, b []byte) {
		v, rest, err := parseValue(b, 0)
		if err != nil {
			return
		}
		wire := appendValue(nil, v)
		again, tail, err := parseValue(wire, 0)
		if err != nil || len(tail) != 0 || string(appendValue(nil, again)) != string(wire) {
			t.Fatalf("%q (and %q) is written as %q: %v", b, rest, wire, err)
		}
		if d, ok := v.(dict); ok {
			(&terminal{tag: "A"}).measure(d)
		}
	})
}
