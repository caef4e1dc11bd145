package siptest

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/transport"
)

// The timers of RFC 3261 §17.1.1.1 and §17.1.2.2.
const t1, t2 = 500 * time.Millisecond, 4 * time.Second

// UA is a scripted endpoint: what it sends a test says, line by line, and what it receives waits until the test expects
// it. By itself it is no more than that: it sends each message once and shows each copy of what it gets, so that a test
// sees what the server really sends. Reliable makes a real endpoint of it.
//
// Call-IDs, tags and branches are made of its name and a counter, and so are the same in every run. Methods that can fail
// the test at once (Expect, Register, Call …) are for the test's goroutine, the others for any.
type UA struct {
	t         testing.TB
	n         *Network
	host      *Host
	name      string
	addr      netip.AddrPort
	transport sip.Transport
	server    netip.AddrPort
	authority *Authority

	packets  transport.PacketConn
	listener net.Listener
	running  sync.WaitGroup

	// mu is a leaf, as the network's.
	mu             sync.Mutex
	closed         bool
	reliable       bool
	domain         string
	user, password string
	handle         func(req *sip.Message)
	counters       map[string]int
	streams        map[netip.AddrPort]*stream
	inbox          []*received
	arrived        signal
	sent           map[transactionKey]*sent
	served         map[transactionKey]*served
	acks           map[ackKey]outgoing
	repeats        repeats
	numbers        map[string]uint32        // highest CSeq by Call-ID
	ringing        map[transactionKey]*call // of AutoAnswer
}

// NewUA makes an endpoint and opens its sockets: a UDP socket, or for TCP and TLS a listener. server is where its requests
// go; connections to it are made when they are needed. Over TLS both sides have certificates of the network's authority.
// The endpoint is closed at the end of the test.
func NewUA(t testing.TB, n *Network, name, addr string, tr sip.Transport, server string) *UA {
	t.Helper()
	u := &UA{
		t: t, n: n, name: name, addr: netip.MustParseAddrPort(addr), transport: tr, server: netip.MustParseAddrPort(server),
		counters: map[string]int{},
		streams:  map[netip.AddrPort]*stream{},
		sent:     map[transactionKey]*sent{},
		served:   map[transactionKey]*served{},
		acks:     map[ackKey]outgoing{},
		numbers:  map[string]uint32{},
		ringing:  map[transactionKey]*call{},
	}
	u.host = n.Host(u.addr.Addr())
	u.domain = hostText(u.server.Addr())
	u.authority = n.Authority()
	n.nameUA(u.addr, name)
	if err := u.listen(); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	t.Cleanup(u.Close)
	return u
}

// Reliable makes the endpoint act as RFC 3261 §17 wants: over UDP it retransmits requests and final answers, and on any
// transport 2xx until their ACK; it acknowledges other finals of its INVITEs itself; it answers copies of requests as
// before. Copies of anything are not shown to the test any more.
func (u *UA) Reliable() *UA {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.reliable = true
	return u
}

// Domain sets the domain of the endpoint's own address of record, which is the server's IP address otherwise. Over TLS it
// is also the name that the server's certificate has to have.
func (u *UA) Domain(domain string) *UA {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.domain = domain
	return u
}

// Credentials makes the endpoint answer challenges by itself. A test sees a 401 or 407 only when the answer to one is not
// believed.
func (u *UA) Credentials(user, password string) *UA {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.user, u.password = user, password
	return u
}

// Handle sets who answers requests; they no longer wait for Expect. The handler runs on the goroutine that receives, one
// request after another, and must not wait: time.AfterFunc is for what comes later.
func (u *UA) Handle(handler func(req *sip.Message)) *UA {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.handle = handler
	return u
}

// Name is what ladders call the endpoint.
func (u *UA) Name() string { return u.name }

// Addr is where the endpoint listens.
func (u *UA) Addr() netip.AddrPort { return u.addr }

// Host is the machine it runs on, for Link and Partition.
func (u *UA) Host() *Host { return u.host }

// AOR is the endpoint's address of record, a URI.
func (u *UA) AOR() string {
	u.mu.Lock()
	defer u.mu.Unlock()
	return "sip:" + u.name + "@" + u.domain
}

// Contact is the URI of the endpoint itself.
func (u *UA) Contact() string {
	uri := fmt.Sprintf("sip:%s@%s:%d", u.name, hostText(u.addr.Addr()), u.addr.Port())
	if u.transport != sip.UDP {
		uri += ";transport=" + u.transport.Param()
	}
	return uri
}

// Close closes the endpoint's sockets and connections and stops retransmitting. It may be called more than once.
func (u *UA) Close() {
	u.mu.Lock()
	already := u.closed
	u.closed = true
	var open []*stream
	for _, s := range u.streams {
		open = append(open, s)
	}
	u.repeats.stopAll()
	for _, c := range u.ringing {
		c.timer.Stop()
	}
	u.mu.Unlock()
	if already {
		return
	}
	if u.packets != nil {
		_ = u.packets.Close()
	}
	if u.listener != nil {
		_ = u.listener.Close()
	}
	for _, s := range open {
		_ = s.Close()
	}
	u.running.Wait()
}

// Disconnect resets the endpoint's connections, as a crash does. It goes on listening.
func (u *UA) Disconnect() {
	u.mu.Lock()
	open := u.streams
	u.streams = map[netip.AddrPort]*stream{}
	u.mu.Unlock()
	for _, s := range open {
		s.reset()
	}
}

// count numbers the endpoint's things of a kind, from 1.
func (u *UA) count(kind string) int {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.counters[kind]++
	return u.counters[kind]
}

func (u *UA) tlsConfig() *tls.Config {
	u.mu.Lock()
	defer u.mu.Unlock()
	return &tls.Config{
		RootCAs:      u.authority.Pool(),
		ServerName:   u.domain,
		Certificates: []tls.Certificate{u.authority.Issue(u.domain, u.addr.Addr().String())},
	}
}

func hostText(a netip.Addr) string {
	if a.Is6() {
		return "[" + a.String() + "]"
	}
	return a.String()
}

// dial connects to where a request goes. It waits at most 5 s.
func (u *UA) dial(to netip.AddrPort) (*stream, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	c, err := u.host.Dial(ctx, u.addr.Addr(), to)
	if err != nil {
		return nil, err
	}
	s := &stream{Conn: c, raw: c, remote: to}
	if u.transport == sip.TLS {
		secure := tls.Client(c, u.tlsConfig())
		if err := secure.HandshakeContext(ctx); err != nil {
			_ = c.Close()
			return nil, err
		}
		s.Conn = secure
	}
	if !u.adopt(s) {
		_ = s.Close()
		return nil, net.ErrClosed
	}
	return s, nil
}
