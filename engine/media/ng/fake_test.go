package ng

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sipscript/sipscript/engine/media"
)

// fakes is a network of fake rtpengines.
type fakes struct {
	mu    sync.Mutex
	nodes map[netip.AddrPort]*fake
	conns []*fakeConn
}

// fake is an rtpengine as far as a test needs one: it keeps what it is told, and answers offers with its own ports.
type fake struct {
	addr  netip.AddrPort
	lose  int  // so many datagrams
	dead  bool // all of them
	full  bool // takes no new calls
	reply func(dict) dict

	datagrams []string
	commands  []dict // without pings
	answered  map[string][]byte
	port      int
}

func (n *fakes) Open(netip.AddrPort) (media.Conn, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	c := &fakeConn{net: n, inbox: make(chan packet, 1000), closed: make(chan struct{})}
	n.conns = append(n.conns, c)
	return c, nil
}

type packet struct {
	b    []byte
	from netip.AddrPort
}

type fakeConn struct {
	net    *fakes
	inbox  chan packet
	closed chan struct{}
}

func (c *fakeConn) Read(b []byte) (int, netip.AddrPort, error) {
	select {
	case p := <-c.inbox:
		return copy(b, p.b), p.from, nil
	case <-c.closed:
		return 0, netip.AddrPort{}, net.ErrClosed
	}
}

func (c *fakeConn) Write(b []byte, to netip.AddrPort) error {
	c.net.mu.Lock()
	defer c.net.mu.Unlock()
	if f := c.net.nodes[to]; f != nil {
		if answer := f.receive(b); answer != nil {
			c.inbox <- packet{answer, to}
		}
	}
	return nil
}

func (c *fakeConn) Close() error {
	close(c.closed)
	return nil
}

// receive answers one datagram; nil: it is lost.
func (f *fake) receive(b []byte) []byte {
	f.datagrams = append(f.datagrams, string(b))
	if f.lose > 0 || f.dead {
		f.lose = max(0, f.lose-1)
		return nil
	}
	cookie, body, _ := bytes.Cut(b, []byte(" "))
	if again := f.answered[string(cookie)]; again != nil {
		return again
	}
	v, rest, err := parseValue(body, 0)
	d, ok := v.(dict)
	if err != nil || !ok || len(rest) > 0 {
		panic(fmt.Sprintf("%v: %q", err, b))
	}
	answer := f.do(d)
	wire := appendValue([]byte(string(cookie)+" "), answer)
	f.answered[string(cookie)] = wire
	return wire
}

var (
	mediaPort = regexp.MustCompile(`(?m)^m=(\w+) ([1-9]\d*) (\S+)`)
	address   = regexp.MustCompile(`(?m)^c=IN IP4 \S+`)
)

func (f *fake) do(d dict) dict {
	name := d.text("command")
	if name == "ping" {
		return dict{"result": "pong"}
	}
	f.commands = append(f.commands, d)
	if f.reply != nil {
		if answer := f.reply(d); answer != nil {
			return answer
		}
	}
	if name != "offer" && name != "answer" {
		return dict{"result": "ok"}
	}
	if f.full {
		return dict{"result": "load limit", "message": "no more"}
	}
	sdp := mediaPort.ReplaceAllStringFunc(d.text("sdp"), func(m string) string {
		f.port += 2
		part := mediaPort.FindStringSubmatch(m)
		proto := part[3]
		if t := d.text("transport-protocol"); t != "" {
			proto = t
		}
		return fmt.Sprintf("m=%s %d %s", part[1], f.port, proto)
	})
	return dict{"result": "ok", "sdp": address.ReplaceAllString(sdp, "c=IN IP4 203.0.113.1")}
}

// took lists the commands a node took, and forgets them: name and what is behind it.
func (n *fakes) took(f *fake) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	var all []string
	for _, d := range f.commands {
		s := d.text("command")
		for _, key := range []string{"from-tag", "to-tag"} {
			if tag := d.text(key); tag != "" {
				s += " " + tag
			}
		}
		all = append(all, s)
	}
	f.commands = nil
	return strings.Join(all, "\n")
}

func (n *fakes) last(f *fake) dict {
	n.mu.Lock()
	defer n.mu.Unlock()
	return f.commands[len(f.commands)-1]
}

func (n *fakes) change(work func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	work()
}

// farm is a farm of fake nodes with weights, within a bubble. It is shut down at the end of the test.
func farm(t *testing.T, change func(*Config), weights ...int) (*Farm, *fakes, []*fake) {
	t.Helper()
	network := &fakes{nodes: map[netip.AddrPort]*fake{}}
	cfg := Config{Net: network, Random: rand.NewChaCha8([32]byte{7})}
	var all []*fake
	for i, w := range weights {
		f := &fake{addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(i + 1)}), 2223), answered: map[string][]byte{}, port: 30000}
		network.nodes[f.addr] = f
		all = append(all, f)
		cfg.Nodes = append(cfg.Nodes, Node{Address: f.addr, Weight: w})
	}
	if change != nil {
		change(&cfg)
	}
	f, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Shutdown)
	time.Sleep(time.Millisecond) // the first pings
	return f, network, all
}

// leg opens a terminal whose tag is a name.
func leg(t *testing.T, f *Farm, id, name string) *terminal {
	t.Helper()
	opened, err := f.Open(id, nil)
	if err != nil {
		t.Fatal(err)
	}
	own := opened.(*terminal)
	own.tag = name
	return own
}

// result is what a done function was called with.
type result struct {
	sdp string
	err error
}

func pass(f *Farm, from, to media.Terminal, role media.Role, sdp string, o media.Options) result {
	got := make(chan result, 1)
	f.Pass(from, to, role, []byte(sdp), o, func(b []byte, err error) { got <- result{string(b), err} })
	return <-got
}

func phone(name string, port int, attributes ...string) string {
	return strings.Join(append([]string{
		"v=0", "o=" + name + " 1 1 IN IP4 10.9.9.9", "s=-", "c=IN IP4 10.9.9.9", "t=0 0",
		fmt.Sprintf("m=audio %d RTP/AVP 8 0 101", port), "a=rtpmap:101 telephone-event/8000",
	}, append(attributes, "")...), "\r\n")
}
