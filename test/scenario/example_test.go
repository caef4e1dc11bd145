package scenario

import (
	"net/netip"

	"github.com/sipscript/sipscript/sip/siptest"
)

// nameServer makes ladders call the server by its name.
func nameServer(s *siptest.Scene) {
	s.Net.Name(netip.AddrPortFrom(netip.MustParseAddrPort(s.Server).Addr(), 0), "sipscript")
}
