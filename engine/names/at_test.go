package names

import (
	"net/netip"
	"testing"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/transport"
)

func TestListenerOfAFlow(t *testing.T) {
	t.Parallel()
	n := New([]transport.Listener{
		listener(sip.UDP, "192.0.2.1:5060", "192.0.2.1", 5060),
		listener(sip.UDP, "192.0.2.1:5080", "192.0.2.1", 5080),
		listener(sip.TCP, "192.0.2.1:5060", "sip.example.org", 5060),
	}, nil)
	for _, test := range []struct {
		over  sip.Transport
		local string
		port  uint16 // of the listener; 0: none
	}{
		{sip.UDP, "192.0.2.1:5060", 5060},
		{sip.UDP, "192.0.2.1:5080", 5080},
		{sip.TCP, "192.0.2.1:5060", 5060},
		{sip.TCP, "192.0.2.1:49152", 5060}, // a connection of our own has a port of its own
		{sip.TCP, "192.0.2.2:5060", 0},
		{sip.TLS, "192.0.2.1:5060", 0},
	} {
		l, ok := n.At(sip.Flow{Transport: test.over, Local: netip.MustParseAddrPort(test.local)})
		if ok != (test.port != 0) || l.Port != test.port || ok && l.Transport != test.over {
			t.Errorf("%v %s: %v %s:%d, %v", test.over, test.local, l.Transport, l.Host, l.Port, ok)
		}
	}
}
