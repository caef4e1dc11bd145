package transport

import (
	"context"
	"net"
	"net/netip"
	"slices"
)

// Real returns the network of this machine.
func Real() Net { return kernel{} }

type kernel struct{}

func (kernel) Listen(addr netip.AddrPort) (net.Listener, error) {
	return net.ListenTCP(family("tcp", addr.Addr()), net.TCPAddrFromAddrPort(addr))
}

func (kernel) Dial(ctx context.Context, local netip.Addr, remote netip.AddrPort) (net.Conn, error) {
	d := net.Dialer{Control: beforeConnect}
	if local.IsValid() {
		d.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(local, 0))
	}
	return d.DialContext(ctx, family("tcp", remote.Addr()), remote.String())
}

func (kernel) LocalAddrs() ([]netip.Addr, error) {
	interfaces, err := net.InterfaceAddrs()
	if err != nil {
		return nil, err
	}
	var addrs []netip.Addr
	for _, i := range interfaces {
		prefix, err := netip.ParsePrefix(i.String())
		if err != nil {
			continue
		}
		a := prefix.Addr().Unmap()
		if a.Is6() && a.IsLinkLocalUnicast() || slices.Contains(addrs, a) {
			continue
		}
		addrs = append(addrs, a)
	}
	return addrs, nil
}

// Route asks the kernel: a connected UDP socket has a source address, and nothing is sent.
func (kernel) Route(remote netip.Addr) (netip.Addr, error) {
	conn, err := net.DialUDP(family("udp", remote), nil, net.UDPAddrFromAddrPort(netip.AddrPortFrom(remote, 5060)))
	if err != nil {
		return netip.Addr{}, err
	}
	defer conn.Close() //nolint:errcheck // nothing was sent on it
	return conn.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap(), nil
}

// family is network with the IP version of a, so that an IPv6 socket never takes IPv4 traffic under a mapped address.
func family(network string, a netip.Addr) string {
	if a.Is4() || a.Is4In6() {
		return network + "4"
	}
	return network + "6"
}
