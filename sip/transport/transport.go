package transport

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sipscript/sipscript/sip"
)

// Transport is the transport layer of one server: its listeners, its connections and one Sender a shard.
type Transport struct {
	cfg       Config
	parse     sip.Limits
	listeners []Listener
	packets   []packetListener
	streams   []streamListener
	senders   []*Sender
	conns     connections
	creds     atomic.Pointer[credentials]
	requests  *rates // nil: unlimited
	answers   *rates
	tagKey    [32]byte

	readers  sync.WaitGroup // every goroutine of this Transport
	stopping chan struct{}
	stop     sync.Once
}

// packetListener is one UDP address: one socket a shard where the Net can share an address, else one for all.
type packetListener struct {
	local   netip.AddrPort
	sockets []PacketConn
}

type streamListener struct {
	transport sip.Transport
	local     netip.AddrPort
	listener  net.Listener
}

// Open binds every listener of cfg, or none: the error then names the address. Nothing is read before Start.
func Open(cfg Config) (*Transport, error) {
	if err := cfg.applyDefaults(); err != nil {
		return nil, err
	}
	t := &Transport{
		cfg:      cfg,
		parse:    sip.Limits{Message: cfg.Limits.Message, Headers: cfg.Limits.Headers},
		stopping: make(chan struct{}),
	}
	t.conns.init(cfg.Limits)
	if _, err := io.ReadFull(cfg.Rand, t.tagKey[:]); err != nil {
		return nil, fmt.Errorf("transport: random key: %w", err)
	}
	t.answers = newRates(answersPerSource, 1024, t.tagKey[:])
	if n := cfg.Limits.PerSource.Requests; n > 0 {
		t.requests = newRates(n, 4096, t.tagKey[:])
	}
	creds, err := loadCredentials(cfg.TLS, cfg.Files)
	if err != nil {
		return nil, err
	}
	t.creds.Store(creds)
	for _, spec := range cfg.Listen {
		if err := t.open(spec); err != nil {
			t.closeSockets()
			return nil, err
		}
	}
	for range cfg.Shards {
		t.senders = append(t.senders, newSender(t, len(t.senders)))
	}
	return t, nil
}

// open binds one configured listener, a wildcard at each local address.
func (t *Transport) open(spec ListenSpec) error {
	if spec.Transport == sip.TLS && len(t.cfg.TLS.Certificates) == 0 {
		return fmt.Errorf("listen %s: %w", spec, ErrNoCertificate)
	}
	addrs, err := t.expand(spec.Addr)
	if err != nil {
		return fmt.Errorf("listen %s: %w", spec, err)
	}
	// The port that the system picks for the first address of a wildcard must be free at the others, too.
	for attempt := 0; ; attempt++ {
		mark := [...]int{len(t.listeners), len(t.packets), len(t.streams)}
		err := t.bindAll(spec, addrs)
		if err == nil {
			return nil
		}
		if spec.Addr.Port() != 0 || len(addrs) < 2 || attempt == 8 {
			return err
		}
		closeAll(t.packets[mark[1]:], t.streams[mark[2]:])
		t.listeners, t.packets, t.streams = t.listeners[:mark[0]], t.packets[:mark[1]], t.streams[:mark[2]]
	}
}

func (t *Transport) expand(addr netip.AddrPort) ([]netip.Addr, error) {
	if !addr.Addr().IsUnspecified() {
		return []netip.Addr{addr.Addr()}, nil
	}
	locals, err := t.cfg.Net.LocalAddrs()
	if err != nil {
		return nil, err
	}
	var addrs []netip.Addr
	for _, a := range locals {
		if a.Is4() == addr.Addr().Is4() {
			addrs = append(addrs, a)
		}
	}
	if len(addrs) == 0 {
		return nil, errors.New("no local address of this family")
	}
	return addrs, nil
}

func (t *Transport) bindAll(spec ListenSpec, addrs []netip.Addr) error {
	port := spec.Addr.Port()
	for _, a := range addrs {
		local, err := t.bind(spec.Transport, netip.AddrPortFrom(a, port))
		if err != nil {
			return listenError(spec, a, err)
		}
		port = local.Port()
		l, err := newListener(spec, local)
		if err != nil {
			return err
		}
		t.listeners = append(t.listeners, l)
	}
	return nil
}

func (t *Transport) bind(tr sip.Transport, addr netip.AddrPort) (netip.AddrPort, error) {
	if tr != sip.UDP {
		l, err := t.cfg.Net.Listen(addr)
		if err != nil {
			return netip.AddrPort{}, err
		}
		local := addrPort(l.Addr())
		t.streams = append(t.streams, streamListener{tr, local, l})
		return local, nil
	}
	first, err := t.cfg.Net.ListenPacket(addr, false)
	if err != nil {
		return netip.AddrPort{}, err
	}
	local := first.LocalAddr()
	sockets := []PacketConn{first}
	for len(sockets) < t.cfg.Shards {
		next, err := t.cfg.Net.ListenPacket(local, true)
		if errors.Is(err, errors.ErrUnsupported) {
			break
		}
		if err != nil {
			for _, s := range sockets {
				s.Close()
			}
			return netip.AddrPort{}, err
		}
		sockets = append(sockets, next)
	}
	t.packets = append(t.packets, packetListener{local, sockets})
	return local, nil
}

// listenError names the address as configured, and the local one when that is a wildcard's.
func listenError(spec ListenSpec, a netip.Addr, err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		err = op.Err // the rest of an OpError repeats the address
	}
	name := spec.Transport.Param() + " " + spec.Addr.String()
	if a != spec.Addr.Addr() {
		name += " (" + a.String() + ")"
	}
	return fmt.Errorf("listen %s: %w", name, err)
}

// Start begins to read and to accept. It is called once.
func (t *Transport) Start() {
	var lookers []looker
	for _, p := range t.packets {
		for _, s := range p.sockets {
			t.readers.Go(func() { t.readPackets(p.local, s) })
			if l, ok := s.(looker); ok {
				lookers = append(lookers, l)
			}
		}
	}
	if len(lookers) > 0 {
		t.readers.Go(func() { t.readWhileSwept(lookers) })
	}
	for _, l := range t.streams {
		t.readers.Go(func() { t.accept(l) })
	}
}

// Listeners returns the open listeners in the order of Config.Listen, a wildcard as one for each local address.
func (t *Transport) Listeners() []Listener { return t.listeners }

// Sender returns the sender of one shard; only that shard's goroutine may use it.
func (t *Transport) Sender(shard int) *Sender { return t.senders[shard] }

// Alive reports whether the connection of a stream flow is still open. A UDP flow is always alive. Any goroutine.
func (t *Transport) Alive(flow sip.Flow) bool {
	if flow.Transport == sip.UDP {
		return true
	}
	c := t.conns.get(flow.Conn)
	return c != nil && c.alive()
}

// Stop ends reading: no new connection and no new message is taken. Sends still go out. Any goroutine; idempotent.
func (t *Transport) Stop() {
	t.stop.Do(func() {
		close(t.stopping)
		for _, p := range t.packets {
			for _, s := range p.sockets {
				s.SetReadDeadline(time.Unix(1, 0))
			}
		}
		for _, l := range t.streams {
			l.listener.Close()
		}
		t.conns.stopReading()
	})
}

func (t *Transport) stopped() bool {
	select {
	case <-t.stopping:
		return true
	default:
		return false
	}
}

// Close stops, closes every socket and connection, and waits for the goroutines of this Transport; so it waits for
// a Receive that blocks.
func (t *Transport) Close() {
	t.Stop()
	t.conns.closeAll()
	t.closeSockets()
	t.readers.Wait()
}

func (t *Transport) closeSockets() { closeAll(t.packets, t.streams) }

func closeAll(packets []packetListener, streams []streamListener) {
	for _, p := range packets {
		for _, s := range p.sockets {
			s.Close()
		}
	}
	for _, l := range streams {
		l.listener.Close()
	}
}

// pause waits d, or less when the transport stops.
func (t *Transport) pause(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-t.stopping:
	}
}

// addrPort is the address of a net.Addr; the zero value when it is not an IP address and port.
func addrPort(a net.Addr) netip.AddrPort {
	if tcp, ok := a.(*net.TCPAddr); ok {
		ap := tcp.AddrPort()
		return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
	}
	ap, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}
