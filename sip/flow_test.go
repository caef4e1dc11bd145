package sip

import "testing"

func TestTransportNamesAndPorts(t *testing.T) {
	t.Parallel()
	rows := []struct {
		text           string
		want           Transport
		via, param     string
		reliable, safe bool
		port           uint16
	}{
		{"UDP", UDP, "UDP", "udp", false, false, 5060},
		{"Tcp", TCP, "TCP", "tcp", true, false, 5060},
		{"tls", TLS, "TLS", "tls", true, true, 5061},
		{"sctp", 0, "NONE", "", false, false, 5060},
		{"ws", 0, "NONE", "", false, false, 5060},
		{"", 0, "NONE", "", false, false, 5060},
	}
	for _, row := range rows {
		got, ok := ParseTransport(row.text)
		if got != row.want || ok != (row.want != 0) {
			t.Errorf("%q is %v, %v", row.text, got, ok)
		}
		if got.String() != row.via || got.Param() != row.param || got.Reliable() != row.reliable || got.Secure() != row.safe || got.DefaultPort() != row.port {
			t.Errorf("%q: %q %q %v %v %d", row.text, got, got.Param(), got.Reliable(), got.Secure(), got.DefaultPort())
		}
	}
}
