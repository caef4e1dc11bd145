package description

import (
	"net/netip"
	"strings"
)

// head writes what stands before the first m-line, and returns where in o= the version belongs.
//
// o=, c= and what leads around this server are ours; who answers repeats the times of the offer (RFC 3264 §6). Who is responsible for the session
// (u=, e=, p=) is nothing that a peer need know of the one behind this server, and k= is a key in the clear (RFC 8866 §5.12).
func (w *writer) head(origin netip.Addr) (version int) {
	w.text("v=0\r\no=- ")
	w.buf = appendUint(w.buf, w.side.session)
	w.text(" ")
	version = len(w.buf)
	w.text(" IN ")
	w.addr(origin)
	d := w.source
	const order = "sicbtrza"
	named, timed := false, false
	for _, l := range d.lines[1:d.head] {
		text := d.line(l)
		// What is missing goes before the first line that stands behind it in the order of RFC 8866 §5.
		if place := strings.IndexByte(order, text[0]); place > 0 && !named {
			w.text("s=-\r\n")
			named = true
		}
		if text[0] == 'a' && !timed {
			w.times()
			timed = true
		}
		switch text[0] {
		case 's':
			if named {
				continue
			}
			named = true
			w.line(text)
		case 'c':
			w.text("c=IN ")
			w.addr(w.address)
		case 't', 'r', 'z':
			if !timed {
				w.times()
				timed = true
			}
		case 'i', 'b':
			w.line(text)
		case 'a':
			if name, _ := attribute(text); !aroundUs(text) && name != "crypto" { // a key would be told, wrong as it is here
				w.line(text)
			}
		}
	}
	if !named {
		w.text("s=-\r\n")
	}
	if !timed {
		w.times()
	}
	return version
}

// times writes when the session is: as the source says in an offer, and as the offer says in an answer.
func (w *writer) times() {
	d, written := w.source, false
	if w.role == Answer {
		d = w.side.received
	}
	for _, l := range d.lines[:d.head] {
		if text := d.line(l); text[0] == 't' || text[0] == 'r' || text[0] == 'z' {
			w.line(text)
			written = true
		}
	}
	if !written {
		w.text("t=0 0\r\n")
	}
}

// section writes line j.
func (w *writer) section(j int) {
	p, l := &w.sections[j], &w.lines[j]
	switch p.kind {
	case refused:
		w.refused(l)
	case passed:
		w.passed(p)
	case relayed:
		w.relayed(p, l)
	}
}

// refused writes an m-line that is not used. Its formats have no meaning, and one must be there (RFC 3264 §6).
func (w *writer) refused(l *Line) {
	m := &l.Local
	if w.role == Answer {
		m = &l.Remote
	}
	w.mline(m.Kind, 0, m.Proto, m.Formats)
	if !w.shared() {
		w.connection(w.address)
	}
}

// passed writes an m-line as it came, and c= with it if that stands before all m-lines: there it is ours.
func (w *writer) passed(p *section) {
	d := w.source
	m := &d.Media[p.source]
	own := m.has(d, 'c')
	for i, l := range d.lines[m.first:m.end] {
		text := d.line(l)
		w.line(text)
		if i == 0 && !own && m.Address.IsValid() {
			w.connection(m.Address)
		}
	}
}

// relayed writes an m-line whose media comes to us.
func (w *writer) relayed(p *section, l *Line) {
	d, local := w.source, &l.Local
	m := &d.Media[p.source]
	w.mline(local.Kind, local.Port, local.Proto, local.Formats)
	connected := w.shared() && local.Address == w.address && !m.has(d, 'c')
	directed := p.direction == w.sessionDirection()
	for _, at := range d.lines[m.first+1 : m.end] {
		text := d.line(at)
		if !connected && text[0] != 'i' {
			w.connection(local.Address) // behind m= and i= (RFC 8866 §5.14)
			connected = true
		}
		switch text[0] {
		case 'c', 'k':
			continue
		case 'a':
			name, value := attribute(text)
			if _, ok := parseDirection(name); ok {
				w.attribute(p.direction.String())
				directed = true
				continue
			}
			if name == "rtcp" || name == "rtcp-mux" || name == "crypto" || aroundUs(text) || w.renumbered(p, name, value) {
				continue
			}
		}
		w.line(text)
	}
	if !connected {
		w.connection(local.Address)
	}
	if !directed {
		w.attribute(p.direction.String())
	}
	w.control(l)
	for i := range local.Crypto {
		w.buf = local.Crypto[i].append(w.buf)
	}
}

// control writes where RTCP goes, if that is not the port above that of RTP (RFC 3605 §2.1). An answer that agrees to one port for both has said
// everything with that; an offer names the port for whoever does not (RFC 5761 §5.1.1).
func (w *writer) control(l *Line) {
	local := &l.Local
	if local.Mux {
		w.attribute("rtcp-mux")
	}
	if port := local.RTCP.Port(); local.RTP() && port != 0 && port != local.Port+1 && !l.Mux {
		w.text("a=rtcp:")
		w.buf = appendUint(w.buf, uint64(port))
		w.text("\r\n")
	}
}

// renumbered writes an attribute of a payload type under its new number, or not at all if the format is left out. It reports whether there
// is nothing more to write.
func (w *writer) renumbered(p *section, name, value string) bool {
	if p.names == nil {
		return false
	}
	switch name {
	case "rtpmap", "fmtp", "rtcp-fb", "imageattr":
	default:
		return false
	}
	token, rest := field(value)
	old, ok := number(token, 127)
	if !ok {
		return false // "*", all of them
	}
	now := p.names[old]
	switch {
	case now.payload == NoPayload:
		return true
	case int(now.payload) == old && (name != "fmtp" || strings.Trim(rest, " \t") == now.parameters):
		return false
	case name == "fmtp":
		rest = now.parameters
	}
	w.text("a=")
	w.text(name)
	w.text(":")
	w.buf = appendUint(w.buf, uint64(now.payload))
	w.text(" ")
	w.line(rest)
	return true
}

// aroundUs says whether an attribute would lead media around this server, or bind what this server takes apart: ICE (RFC 8839), DTLS-SRTP (RFC 5763)
// and other keying, bundling (RFC 9143), other addresses (RFC 6947, RFC 4570), and other configurations to choose from (RFC 5939).
func aroundUs(line string) bool {
	name, value := attribute(line)
	switch name {
	case "candidate", "remote-candidates", "end-of-candidates", "ice-ufrag", "ice-pwd", "ice-options", "ice-lite", "ice-mismatch", "ice-pacing",
		"fingerprint", "setup", "tls-id", "dtls-id", "key-mgmt", "zrtp-hash",
		"bundle-only", "rtcp-mux-only", "altc", "source-filter",
		"acap", "tcap", "pcfg", "acfg", "csup", "creq":
		return true
	case "group":
		return strings.HasPrefix(value, "BUNDLE")
	}
	return false
}

// has says whether the m-line has a line of a kind.
func (m *Media) has(d *Description, kind byte) bool {
	for _, l := range d.lines[m.first:m.end] {
		if d.text[l.start] == kind {
			return true
		}
	}
	return false
}

// shared says whether c= stands before all m-lines.
func (w *writer) shared() bool {
	for _, l := range w.source.lines[:w.source.head] {
		if w.source.text[l.start] == 'c' {
			return true
		}
	}
	return false
}

// sessionDirection is what holds for m-lines that say nothing.
func (w *writer) sessionDirection() Direction {
	for _, l := range w.source.lines[:w.source.head] {
		name, _ := attribute(w.source.line(l))
		if d, ok := parseDirection(name); ok {
			return d
		}
	}
	return SendRecv
}
