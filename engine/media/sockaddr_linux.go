package media

import (
	"encoding/binary"
	"net/netip"

	"golang.org/x/sys/unix"
)

// sockaddr holds a struct sockaddr_in or sockaddr_in6 as the kernel reads and writes it, so that no address is allocated for a packet.
type sockaddr [unix.SizeofSockaddrInet6]byte

// set encodes a, and returns the length of what it wrote.
func (s *sockaddr) set(a netip.AddrPort) uint32 {
	binary.BigEndian.PutUint16(s[2:], a.Port())
	if ip := a.Addr(); ip.Is6() {
		binary.NativeEndian.PutUint16(s[:], unix.AF_INET6)
		b := ip.As16()
		clear(s[4:8])
		copy(s[8:], b[:])
		clear(s[24:])
		return unix.SizeofSockaddrInet6
	}
	binary.NativeEndian.PutUint16(s[:], unix.AF_INET)
	b := a.Addr().As4()
	copy(s[4:], b[:])
	clear(s[8:16])
	return unix.SizeofSockaddrInet4
}

func (s *sockaddr) addrPort() netip.AddrPort {
	port := binary.BigEndian.Uint16(s[2:])
	if binary.NativeEndian.Uint16(s[:]) == unix.AF_INET6 {
		return netip.AddrPortFrom(netip.AddrFrom16([16]byte(s[8:24])), port)
	}
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte(s[4:8])), port)
}
