package scenario

import (
	"net/netip"
	"strings"

	"github.com/sipscript/sipscript/sip/siptest"
)

// serverHost is the server's place in the network.
func serverHost(s *siptest.Scene, addrs string) *siptest.Host {
	if addrs == "" {
		addrs = "192.0.2.1"
	}
	var list []netip.Addr
	for _, a := range strings.Fields(addrs) {
		list = append(list, netip.MustParseAddr(a))
	}
	return s.Net.Host(list...)
}
