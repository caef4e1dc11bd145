package sip

import (
	"net/netip"
	"strconv"
)

// Stamp notes in the top Via of a request where it really came from: received when the sent-by is a name or another address (RFC 3261
// §18.2.1), and when rport is there both rport and received (RFC 3581 §4). What the sender itself put in their place is replaced, since
// responses would go wherever it says. Nothing happens when nothing is to be noted, or when the Via cannot be read.
func (m *Message) Stamp(src netip.AddrPort) {
	via, _ := m.Via()
	if via == nil {
		return
	}
	addr := src.Addr().Unmap().WithZone("")
	received, hasReceived := via.Params.Get("received")
	rport, hasRPort := via.Params.Get("rport")
	wanted := hasRPort || hasReceived || !sameAddr(via.Host, addr)
	var port [5]byte
	portText := strconv.AppendUint(port[:0], uint64(src.Port()), 10)
	if (!wanted || hasReceived && sameAddr(received, addr)) && (!hasRPort || rport == string(portText)) {
		return
	}
	var scratch [512]byte
	top := append(scratch[:0], "SIP/2.0/"...)
	top = append(append(top, via.Transport...), ' ')
	top = append(top, via.Host...)
	if via.Port != 0 {
		top = strconv.AppendUint(append(top, ':'), uint64(via.Port), 10)
	}
	for rest := via.Params; rest != ""; {
		before := rest
		var name string
		name, _, rest = rest.next()
		switch {
		case equalFold(name, "received"):
		case equalFold(name, "rport"):
			top = append(append(top, ";rport="...), portText...)
		default:
			param := before[:len(before)-len(rest)]
			if _, ok := param.check(""); ok { // what is malformed is of use to nobody
				top = append(top, param...)
			}
		}
	}
	// IPv6 is read with or without brackets but written without (RFC 5118 §4.5).
	top = addr.AppendTo(append(top, ";received="...))
	m.ReplaceTop(Via, view(top))
}

// sameAddr reports whether host is this address, written in any way.
func sameAddr(host string, addr netip.Addr) bool {
	a, ok := parseHost(host)
	return ok && a.Unmap() == addr
}
