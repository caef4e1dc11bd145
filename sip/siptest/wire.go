package siptest

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/transport"
)

// stream is a connection of an endpoint. Conn speaks TLS where raw is below it.
type stream struct {
	net.Conn
	raw    net.Conn
	remote netip.AddrPort
}

// recordSent puts into the trace what TLS hides from the network.
func (s *stream) recordSent(u *UA, b []byte) { u.n.clear(u.addr, s.remote, b) }

// recordReceived does so for a peer that is no UA and does not do it itself. All that is known is when it arrived.
func (s *stream) recordReceived(u *UA, b []byte) {
	if !s.raw.(*conn).peerIsScripted() {
		u.n.clear(s.remote, u.addr, b)
	}
}

func (s *stream) reset() {
	_ = s.raw.(*conn).SetLinger(0)
	_ = s.raw.Close()
}

// path is how to reach somebody: an address over UDP, else a connection.
type path struct {
	addr   netip.AddrPort
	stream *stream
}

func (p path) remote() netip.AddrPort {
	if p.stream != nil {
		return p.stream.remote
	}
	return p.addr
}

// outgoing is a message ready to leave, and to leave again.
type outgoing struct {
	path  path
	bytes []byte
}

func (u *UA) listen() error {
	if u.transport == sip.UDP {
		c, err := u.host.ListenPacket(u.addr, false)
		if err != nil {
			return err
		}
		u.packets = c
		u.running.Go(u.readPackets)
		return nil
	}
	l, err := u.host.Listen(u.addr)
	if err != nil {
		return err
	}
	u.listener = l
	u.running.Go(u.accept)
	return nil
}

func (u *UA) readPackets() {
	ms := make([]transport.Datagram, 16)
	for {
		got, err := u.packets.ReadBatch(ms)
		if err != nil {
			return
		}
		for _, m := range ms[:got] {
			if m.Err == nil && len(bytes.Trim(m.Buf, "\r\n\x00")) > 0 {
				msg, err := sip.ReadDatagram(m.Buf, sip.Limits{})
				u.receive(msg, err, m.Buf, path{addr: m.Addr}, m.Addr)
			}
		}
	}
}

func (u *UA) accept() {
	for {
		c, err := u.listener.Accept()
		if err != nil {
			return
		}
		u.running.Go(func() {
			s := &stream{Conn: c, raw: c, remote: c.RemoteAddr().(*net.TCPAddr).AddrPort()}
			if u.transport == sip.TLS {
				secure := tls.Server(c, u.tlsConfig())
				if secure.Handshake() != nil {
					_ = c.Close()
					return
				}
				s.Conn = secure
			}
			if !u.adopt(s) {
				_ = s.Close()
			}
		})
	}
}

// adopt starts to read a connection. It reports whether the endpoint is still open.
func (u *UA) adopt(s *stream) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.closed {
		return false
	}
	u.streams[s.remote] = s
	s.raw.(*conn).script()
	u.running.Go(func() { u.readStream(s) })
	return true
}

func (u *UA) readStream(s *stream) {
	defer u.drop(s)
	var have []byte
	chunk := make([]byte, 65536)
	for {
		got, err := s.Read(chunk)
		have = append(have, chunk[:got]...)
		for len(have) > 0 {
			skip, length, err := sip.Frame(have, sip.Limits{})
			if err != nil {
				u.t.Errorf("%s cannot frame what %v sent: %v\n%q", u.name, s.remote, err, have)
				return
			}
			have = have[skip:]
			if length == 0 {
				break
			}
			if u.transport == sip.TLS {
				s.recordReceived(u, have[:length])
			}
			msg, err := sip.ReadFrame(have[:length], sip.Limits{})
			u.receive(msg, err, have[:length], path{stream: s}, s.raw.RemoteAddr().(*net.TCPAddr).AddrPort())
			have = have[length:]
		}
		if err != nil {
			return
		}
	}
}

func (u *UA) drop(s *stream) {
	u.mu.Lock()
	if u.streams[s.remote] == s {
		delete(u.streams, s.remote)
	}
	u.mu.Unlock()
	_ = s.Close()
}

// way finds or makes the path to an address.
func (u *UA) way(to netip.AddrPort) (path, error) {
	if u.transport == sip.UDP {
		return path{addr: to}, nil
	}
	u.mu.Lock()
	s := u.streams[to]
	u.mu.Unlock()
	if s == nil {
		var err error
		if s, err = u.dial(to); err != nil {
			return path{}, err
		}
	}
	return path{stream: s}, nil
}

// transmit sends bytes. That a peer has gone is what some tests are about, so it is no failure of this one.
func (u *UA) transmit(o outgoing) {
	err := u.put(o)
	if err != nil && !errors.Is(err, net.ErrClosed) {
		u.t.Logf("%s: %v", u.name, err)
	}
}

func (u *UA) put(o outgoing) error {
	if o.path.stream == nil {
		_, err := u.packets.WriteBatch([]transport.Datagram{{Buf: o.bytes, Addr: o.path.addr}})
		return err
	}
	if u.transport == sip.TLS {
		o.path.stream.recordSent(u, o.bytes)
	}
	if _, err := o.path.stream.Write(o.bytes); err != nil {
		return fmt.Errorf("sending to %v: %w", o.path.stream.remote, err)
	}
	return nil
}
