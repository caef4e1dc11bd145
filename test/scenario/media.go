package scenario

import (
	"net/netip"
	"testing"
	"time"

	"github.com/sipscript/sipscript/engine/media"
	"github.com/sipscript/sipscript/sip/siptest"
	"github.com/sipscript/sipscript/sip/transport"
)

// mediaNet is the simulated network as media uses it.
type mediaNet struct{ host *siptest.Host }

// Open implements media.Net.
func (n mediaNet) Open(addr netip.AddrPort) (media.Conn, error) {
	c, err := n.host.ListenPacket(addr, false)
	if err != nil {
		return nil, err
	}
	return &mediaConn{conn: c}, nil
}

// mediaConn is one of its sockets.
type mediaConn struct {
	conn  transport.PacketConn
	batch [1]transport.Datagram
}

// Read implements media.Conn.
func (c *mediaConn) Read(b []byte) (int, netip.AddrPort, error) {
	for {
		n, err := c.conn.ReadBatch(c.batch[:])
		if err != nil {
			return 0, netip.AddrPort{}, err
		}
		if n == 1 && c.batch[0].Err == nil {
			return copy(b, c.batch[0].Buf), c.batch[0].Addr, nil
		}
	}
}

// Write implements media.Conn.
func (c *mediaConn) Write(b []byte, to netip.AddrPort) error {
	_, err := c.conn.WriteBatch([]transport.Datagram{{Buf: b, Addr: to}})
	return err
}

// Close implements media.Conn.
func (c *mediaConn) Close() error { return c.conn.Close() }

// startRelay makes the relay of a server on a host. It ends with the test.
func startRelay(t testing.TB, host *siptest.Host, c media.Config) *media.Relay {
	t.Helper()
	c.Net = mediaNet{host}
	if c.Interfaces == nil {
		c.Interfaces = []media.Interface{{Address: host.Addr()}}
	}
	r, err := media.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Stop)
	return r
}

// Voice is the media of a scripted endpoint: one UDP socket.
type Voice struct {
	t    testing.TB
	conn media.Conn
	addr netip.AddrPort
	seq  uint16
	got  chan packet
}

type packet struct {
	text string
	from netip.AddrPort
}

// NewVoice opens the media of an endpoint at a port of its host.
func NewVoice(t testing.TB, u *siptest.UA, port uint16) *Voice {
	t.Helper()
	v := &Voice{t: t, addr: netip.AddrPortFrom(u.Addr().Addr(), port), got: make(chan packet, 256)}
	conn, err := mediaNet{u.Host()}.Open(v.addr)
	if err != nil {
		t.Fatal(err)
	}
	v.conn = conn
	done := make(chan struct{})
	go func() {
		defer close(done)
		v.listen()
	}()
	t.Cleanup(func() { _ = conn.Close(); <-done })
	return v
}

func (v *Voice) listen() {
	b := make([]byte, 2048)
	for {
		n, from, err := v.conn.Read(b)
		if err != nil {
			return
		}
		if n > 12 {
			v.got <- packet{string(b[12:n]), from}
		}
	}
}

// Say sends one RTP packet of PCMU with this text to an address.
func (v *Voice) Say(to netip.AddrPort, text string) {
	v.t.Helper()
	v.seq++
	b := append([]byte{0x80, 0, byte(v.seq >> 8), byte(v.seq), 0, 0, byte(v.seq), 0, 1, 2, 3, byte(v.addr.Port())}, text...)
	if err := v.conn.Write(b, to); err != nil {
		v.t.Error(err)
	}
}

// Heard is the text of every packet that has come since it was last asked, and where the last one came from.
func (v *Voice) Heard() (texts []string, from netip.AddrPort) {
	for {
		select {
		case p := <-v.got:
			texts, from = append(texts, p.text), p.from
		default:
			return texts, from
		}
	}
}

// lateBackend is a relay that answers after a while and from another goroutine, as one on another machine does.
type lateBackend struct{ media.Backend }

// Pass implements media.Backend.
func (l lateBackend) Pass(from, to media.Terminal, role media.Role, sdp []byte, o media.Options, done func([]byte, error)) {
	time.AfterFunc(5*time.Millisecond, func() { l.Backend.Pass(from, to, role, sdp, o, done) })
}
