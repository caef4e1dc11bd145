package transport

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"github.com/sipscript/sipscript/sip"
)

// ListenSpec is one listener as configured.
type ListenSpec struct {
	Transport sip.Transport
	// Addr may have port 0: the system picks one. An unspecified address (0.0.0.0, ::) stands for every local
	// address of its family at the time of Open, each a listener of its own: so the Via, the Record-Route and the
	// source address of a message agree.
	Addr netip.AddrPort
	// Advertise is host or host:port as others know this listener (behind NAT or a name); "" is Addr itself.
	Advertise string
}

// Listener is one open listener.
type Listener struct {
	Spec      ListenSpec
	Transport sip.Transport
	Local     netip.AddrPort // with the real port; Flow.Local of what comes and goes here
	Host      string         // what a Via, Contact or Record-Route says; an IPv6 address in brackets
	Port      uint16
}

// ParseListen reads "udp:0.0.0.0:5060" or "tls:[::1]:5061". The port may be left out, and is then the default of the
// transport (5060, TLS 5061).
func ParseListen(s string) (ListenSpec, error) {
	name, addr, found := strings.Cut(s, ":")
	if !found {
		return ListenSpec{}, fmt.Errorf("listen %q: want transport:address:port", s)
	}
	tr, ok := sip.ParseTransport(name)
	if !ok {
		return ListenSpec{}, fmt.Errorf("listen %q: transport %q is not udp, tcp or tls", s, name)
	}
	if ap, err := netip.ParseAddrPort(addr); err == nil {
		return ListenSpec{Transport: tr, Addr: ap}, nil
	}
	ip, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(addr, "["), "]"))
	if err != nil {
		return ListenSpec{}, fmt.Errorf("listen %q: %q is not an IP address and port", s, addr)
	}
	return ListenSpec{Transport: tr, Addr: netip.AddrPortFrom(ip, tr.DefaultPort())}, nil
}

// String is the form ParseListen reads.
func (s ListenSpec) String() string { return s.Transport.Param() + ":" + s.Addr.String() }

// newListener names a listener as others see it.
func newListener(spec ListenSpec, local netip.AddrPort) (Listener, error) {
	l := Listener{Spec: spec, Transport: spec.Transport, Local: local, Host: hostText(local.Addr()), Port: local.Port()}
	if spec.Advertise == "" {
		return l, nil
	}
	host, port, err := splitAdvertise(spec.Advertise)
	if err != nil {
		return l, fmt.Errorf("listen %s: %w", spec, err)
	}
	l.Host = host
	if port != 0 {
		l.Port = port
	}
	return l, nil
}

// splitAdvertise reads host[:port]; IPv6 with or without brackets.
func splitAdvertise(s string) (host string, port uint16, err error) {
	if ip, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		return hostText(ip), 0, nil
	}
	host = s
	if h, p, err := net.SplitHostPort(s); err == nil {
		n, err := strconv.ParseUint(p, 10, 16)
		if err != nil || n == 0 {
			return "", 0, fmt.Errorf("advertise %q: bad port", s)
		}
		host, port = h, uint16(n)
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		return hostText(ip), port, nil
	}
	if host == "" || strings.ContainsAny(host, " \t:/@;,<>[]\"") {
		return "", 0, fmt.Errorf("advertise %q: not a host or host:port", s)
	}
	return host, port, nil
}

func hostText(ip netip.Addr) string {
	ip = ip.WithZone("")
	if ip.Is6() {
		return "[" + ip.String() + "]"
	}
	return ip.String()
}
