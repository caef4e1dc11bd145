package media

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/sipscript/sipscript/engine/media/description"
)

// simulation is a network whose packets arrive at once.
type simulation struct {
	mu      sync.Mutex
	sockets map[netip.AddrPort]*simSocket
}

type simSocket struct {
	net    *simulation
	addr   netip.AddrPort
	queue  chan simPacket
	closed chan struct{}
}

type simPacket struct {
	from netip.AddrPort
	b    []byte
}

func newSimulation() *simulation { return &simulation{sockets: map[netip.AddrPort]*simSocket{}} }

func (n *simulation) Open(addr netip.AddrPort) (Conn, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.sockets[addr] != nil {
		return nil, syscall.EADDRINUSE
	}
	s := &simSocket{net: n, addr: addr, queue: make(chan simPacket, 1024), closed: make(chan struct{})}
	n.sockets[addr] = s
	return s, nil
}

func (s *simSocket) Read(b []byte) (int, netip.AddrPort, error) {
	select {
	case p := <-s.queue:
		return copy(b, p.b), p.from, nil
	case <-s.closed:
		return 0, netip.AddrPort{}, net.ErrClosed
	}
}

func (s *simSocket) Write(b []byte, to netip.AddrPort) error {
	s.net.mu.Lock()
	defer s.net.mu.Unlock()
	if other := s.net.sockets[to]; other != nil {
		other.queue <- simPacket{s.addr, bytes.Clone(b)}
	}
	return nil
}

func (s *simSocket) Close() error {
	s.net.mu.Lock()
	defer s.net.mu.Unlock()
	close(s.closed)
	delete(s.net.sockets, s.addr)
	return nil
}

// phone is a socket of the simulation that a test holds.
type phone struct {
	t *testing.T
	*simSocket
	sequence uint16
}

func (n *simulation) phone(t *testing.T, addr string) *phone {
	t.Helper()
	s, err := n.Open(netip.MustParseAddrPort(addr))
	if err != nil {
		t.Fatal(err)
	}
	return &phone{t: t, simSocket: s.(*simSocket)}
}

// send sends b, and returns when all that comes of it is done.
func (p *phone) send(to netip.AddrPort, b []byte) {
	_ = p.Write(b, to)
	synctest.Wait()
}

// talk sends the next RTP packet of PCMU.
func (p *phone) talk(to netip.AddrPort) []byte {
	p.sequence++
	b := rtpOf(0, p.sequence, uint32(p.sequence)*160, uint32(p.addr.Port()), []byte("voice"))
	p.send(to, b)
	return b
}

// heard is what has come since it was last asked.
func (p *phone) heard() []simPacket {
	var all []simPacket
	for {
		select {
		case got := <-p.queue:
			all = append(all, got)
		default:
			return all
		}
	}
}

func (p *phone) hears(want []byte, from netip.AddrPort) {
	p.t.Helper()
	got := p.heard()
	if len(got) != 1 || !bytes.Equal(got[0].b, want) || got[0].from != from {
		p.t.Fatalf("%v hears %v, want %x from %v", p.addr, got, want, from)
	}
}

func (p *phone) hearsNothing() {
	p.t.Helper()
	if got := p.heard(); len(got) != 0 {
		p.t.Fatalf("%v hears %v, want nothing", p.addr, got)
	}
}

func (p simPacket) String() string { return fmt.Sprintf("%x from %v", p.b, p.from) }

// rtpOf is an RTP packet.
func rtpOf(payload uint8, sequence uint16, timestamp, ssrc uint32, body []byte) []byte {
	b := []byte{0x80, payload}
	b = binary.BigEndian.AppendUint16(b, sequence)
	b = binary.BigEndian.AppendUint32(b, timestamp)
	b = binary.BigEndian.AppendUint32(b, ssrc)
	return append(b, body...)
}

// rig is a relay in a simulation, with its two interfaces, and what its events were.
type rig struct {
	t      *testing.T
	net    *simulation
	relay  *Relay
	events []Event
	mu     sync.Mutex
}

var (
	ours4 = netip.MustParseAddr("192.0.2.1")
	ours6 = netip.MustParseAddr("2001:db8::1")
)

func newRig(t *testing.T, change ...func(*Config)) *rig {
	t.Helper()
	r := &rig{t: t, net: newSimulation()}
	c := Config{
		Interfaces: []Interface{{Address: ours4}, {Address: ours6}}, Ports: Ports{20000, 20999}, Net: r.net,
		Random: rand.NewChaCha8([32]byte{1}),
	}
	for _, f := range change {
		f(&c)
	}
	var err error
	if r.relay, err = New(c); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.relay.Stop)
	return r
}

func (r *rig) open(id string) Terminal {
	r.t.Helper()
	t, err := r.relay.Open(id, func(e Event) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.events = append(r.events, e)
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return t
}

// told are the kinds of events since it was last asked.
func (r *rig) told() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []string
	for _, e := range r.events {
		text := e.Kind.String()
		if e.Digit != 0 {
			text += " " + string(e.Digit)
		}
		all = append(all, text)
	}
	r.events = nil
	return strings.Join(all, ", ")
}

func (r *rig) pass(from, to Terminal, role Role, sdp []byte, o ...Options) []byte {
	r.t.Helper()
	out, err := r.try(from, to, role, sdp, o...)
	if err != nil {
		r.t.Fatalf("%v: %v", role, err)
	}
	return out
}

func (r *rig) try(from, to Terminal, role Role, sdp []byte, o ...Options) (out []byte, err error) {
	calls := 0
	r.relay.Pass(from, to, role, sdp, append(o, Options{})[0], func(b []byte, e error) { out, err, calls = b, e, calls+1 })
	if calls != 1 {
		r.t.Fatalf("done was called %d times", calls)
	}
	return out, err
}

// sdp is a description with lines beside those that every description has.
func sdp(address string, lines ...string) []byte {
	family := "IP4"
	if strings.Contains(address, ":") {
		family = "IP6"
	}
	head := []string{"v=0", "o=phone 1 1 IN " + family + " " + address, "s=-", "c=IN " + family + " " + address, "t=0 0"}
	return []byte(strings.Join(append(head, lines...), "\r\n") + "\r\n")
}

// audioAt is a description of one m-line.
func audioAt(address string, port int, lines ...string) []byte {
	return sdp(address, append([]string{"m=audio " + strconv.Itoa(port) + " RTP/AVP 0 101", "a=rtpmap:0 PCMU/8000", "a=rtpmap:101 telephone-event/8000"}, lines...)...)
}

// portOf is where m-line i of a description wants its media.
func portOf(t *testing.T, b []byte, i int) netip.AddrPort {
	t.Helper()
	d, err := description.Parse(b)
	if err != nil || i >= len(d.Media) {
		t.Fatalf("no m-line %d (%v) in\n%s", i, err, b)
	}
	return netip.AddrPortFrom(d.Media[i].Address, d.Media[i].Port)
}

// call is two phones that talk through a relay.
type call struct {
	*rig
	a, b           Terminal
	alice, bob     *phone
	forA, forB     netip.AddrPort // where alice and bob send
	toAlice, toBob []byte         // what was sent to them last
}

// newCall sets up a call between 10.0.0.1:4000 and 10.0.0.2:5000.
func newCall(t *testing.T, change ...func(*Config)) *call {
	t.Helper()
	r := newRig(t, change...)
	c := &call{rig: r, a: r.open("call"), b: r.open("call"), alice: r.net.phone(t, "10.0.0.1:4000"), bob: r.net.phone(t, "10.0.0.2:5000")}
	c.agree(audioAt("10.0.0.1", 4000), audioAt("10.0.0.2", 5000))
	return c
}

// agree passes an offer of alice and its answer.
func (c *call) agree(offer, answer []byte) {
	c.t.Helper()
	c.toBob = c.pass(c.a, c.b, RoleOffer, offer)
	c.relay.Connect(c.a, c.b)
	c.toAlice = c.pass(c.b, c.a, RoleAnswer, answer)
	c.forB, c.forA = portOf(c.t, c.toBob, 0), portOf(c.t, c.toAlice, 0)
}

// talks checks that each hears the other.
func (c *call) talks() {
	c.t.Helper()
	c.bob.hears(c.alice.talk(c.forA), c.forB)
	c.alice.hears(c.bob.talk(c.forB), c.forA)
}
