package media

import "net/netip"

// pool is the interface for a leg: the one its signalling comes in by, or the first one of the IP version of want.
func (r *Relay) pool(local, want netip.Addr) *pool {
	for _, p := range r.pools {
		if p.address == local && (!want.IsValid() || want.Is4() == local.Is4()) {
			return p
		}
	}
	for _, p := range r.pools {
		if !want.IsValid() || p.address.Is4() == want.Is4() {
			return p
		}
	}
	return nil
}

// maxTries is how many pairs of ports that others turn out to hold are passed over for one m-line.
const maxTries = 64

// openStream opens the sockets of an m-line: two for RTP, one for what is no RTP.
func (r *Relay) openStream(t *terminal, index int, want netip.Addr, rtp bool) (*stream, error) {
	p := r.pool(t.local, want)
	if p == nil {
		return nil, ErrNoInterface
	}
	last := ErrNoPorts
	for range maxTries {
		port, err := p.take(r.now())
		if err != nil {
			return nil, last
		}
		s := &stream{terminal: t, index: index, pool: p}
		s.mute.Store(t.mute)
		if last = r.openPorts(s, port, rtp); last == nil {
			return s, nil
		}
		p.give(r.now(), port)
	}
	return nil, last
}

func (r *Relay) openPorts(s *stream, number uint16, rtp bool) error {
	s.rtp = &port{stream: s, addr: netip.AddrPortFrom(s.pool.address, number)}
	if err := r.loop.open(s.terminal.id, s.rtp); err != nil {
		return err
	}
	if !rtp {
		return nil
	}
	s.rtcp = &port{stream: s, control: true, addr: netip.AddrPortFrom(s.pool.address, number+1)}
	if err := r.loop.open(s.terminal.id, s.rtcp); err != nil {
		s.rtp.socket.close()
		return err
	}
	return nil
}

// closeStream closes the sockets of a stream that has no route any more, and gives its ports back.
func (r *Relay) closeStream(s *stream) {
	s.rtp.socket.close()
	if s.rtcp != nil {
		s.rtcp.socket.close()
	}
	s.pool.give(r.now(), s.rtp.addr.Port())
}
