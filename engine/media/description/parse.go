package description

import (
	"net/netip"
	"strings"
)

// What a description may have at most. A peer decides how much work each line makes.
const (
	maxMedia   = 32
	maxFormats = 256 // over all m-lines
	maxCrypto  = 16  // of one m-line
)

// Parse reads a description. The bytes are copied. Errors are of type *Error and wrap ErrMalformed.
//
// What phones get wrong without harm is accepted: lines that end in LF alone, empty lines, a missing s= or t=, no o=.
func Parse(b []byte) (*Description, error) {
	if len(b) > maxText {
		return nil, refuse(ErrMalformed, "%d bytes", len(b))
	}
	d := &Description{text: string(b)}
	media, formats, err := d.split()
	if err != nil {
		return nil, err
	}
	if media > maxMedia || formats > maxFormats {
		return nil, refuse(ErrMalformed, "%d m-lines with %d formats", media, formats)
	}
	d.Media = make([]Media, 0, media)
	pool := make([]Format, 0, formats)
	var session Media // what holds for every m-line that does not say otherwise
	for _, l := range d.lines[:d.head] {
		if err := session.read(d.line(l)); err != nil {
			return nil, err
		}
		d.sessionLine(d.line(l))
	}
	for first := d.head; first < len(d.lines); {
		end := first + 1
		for end < len(d.lines) && d.text[d.lines[end].start] != 'm' {
			end++
		}
		m := Media{Address: session.Address, Host: session.Host, Direction: session.Direction, ICE: session.ICE, DTLS: session.DTLS, first: first, end: end}
		if pool, err = m.open(d.line(d.lines[first]), pool); err != nil {
			return nil, err
		}
		for _, l := range d.lines[first+1 : end] {
			if err := m.read(d.line(l)); err != nil {
				return nil, err
			}
		}
		m.finish()
		d.Media = append(d.Media, m)
		first = end
	}
	return d, nil
}

// split finds the lines, and counts m-lines and their formats.
func (d *Description) split() (media, formats int, err error) {
	text := strings.TrimRight(d.text, "\x00\r\n \t") // some pad what they send
	d.lines = make([]line, 0, strings.Count(text, "\n")+1)
	for start := 0; start < len(text); {
		end := strings.IndexByte(text[start:], '\n')
		next := start + end + 1
		if end < 0 {
			end, next = len(text)-start, len(text)
		}
		l := strings.TrimRight(text[start:start+end], "\r")
		if l != "" {
			if len(l) < 2 || l[1] != '=' || l[0] < 'a' || l[0] > 'z' || strings.ContainsAny(l, "\x00\r") {
				return 0, 0, refuse(ErrMalformed, "line %d is not of the form x=", len(d.lines)+1)
			}
			if l[0] == 'm' {
				if media == 0 {
					d.head = len(d.lines)
				}
				media++
				formats += max(0, strings.Count(l, " ")-2)
			}
			d.lines = append(d.lines, line{uint16(start), uint16(start + len(l))})
		}
		start = next
	}
	if media == 0 {
		d.head = len(d.lines)
	}
	if len(d.lines) == 0 || d.line(d.lines[0]) != "v=0" {
		return 0, 0, refuse(ErrMalformed, "does not begin with v=0")
	}
	return media, formats, nil
}

// sessionLine takes from a line before the first m-line what belongs to the session alone.
func (d *Description) sessionLine(l string) {
	if l[0] != 'o' {
		return
	}
	var rest, word string
	d.Origin.Username, rest = field(l[2:])
	d.Origin.Session, rest = field(rest)
	d.Origin.Version, rest = field(rest)
	_, rest = field(rest)
	_, rest = field(rest)
	word, _ = field(rest)
	d.Origin.Address = word
}

// open reads the m-line. Formats are put into the pool, which has room for them.
func (m *Media) open(l string, pool []Format) ([]Format, error) {
	kind, rest := field(l[2:])
	port, rest := field(rest)
	proto, rest := field(rest)
	port, _, _ = strings.Cut(port, "/") // the number of ports is for layered codings, which take one each here
	n, ok := number(port, 0xFFFF)
	if !ok || kind == "" || proto == "" {
		return nil, refuse(ErrMalformed, "m-line %q", l)
	}
	m.Kind, m.Proto, m.Port = intern(kind), intern(proto), uint16(n)
	first := len(pool)
	for token, rest := field(rest); token != ""; token, rest = field(rest) {
		f := Format{Token: token, Payload: NoPayload, Channels: 1}
		if m.RTP() {
			n, ok := number(token, 127)
			if !ok {
				return nil, refuse(ErrMalformed, "payload type %q", token)
			}
			f.static(uint8(n))
			f.Token = plain(token, n)
		}
		pool = append(pool, f)
	}
	m.Formats = pool[first:len(pool):len(pool)]
	if len(m.Formats) == 0 && m.Port != 0 {
		return nil, refuse(ErrMalformed, "no format in %q", l)
	}
	return pool, nil
}

// read takes from one line, of the session or of the m-line, what holds for the m-line.
func (m *Media) read(l string) error {
	if l[0] == 'c' {
		return m.connection(l)
	}
	name, value := attribute(l)
	switch name {
	case "rtpmap":
		m.rtpmap(value)
	case "fmtp":
		if f, rest := m.described(value); f != nil {
			f.Parameters = intern(strings.Trim(rest, " \t"))
		}
	case "sendrecv", "sendonly", "recvonly", "inactive":
		m.Direction, _ = parseDirection(name)
	case "rtcp":
		m.rtcp(value)
	case "rtcp-mux":
		m.Mux = true
	case "crypto":
		if len(m.Crypto) < maxCrypto {
			if c, ok := parseSDES(value); ok {
				m.Crypto = append(m.Crypto, c)
			}
		}
	case "fingerprint":
		m.DTLS = true
	case "ice-ufrag":
		m.ICE = true
	}
	return nil
}

// described returns the format whose number value begins with, and what follows.
func (m *Media) described(value string) (f *Format, rest string) {
	token, rest := field(value)
	for i := range m.Formats {
		if m.Formats[i].Token == token {
			return &m.Formats[i], rest
		}
	}
	return nil, ""
}

// rtpmap reads "0 PCMU/8000" (RFC 8866 §6.6). It comes again in m.Formats if a number stands in the m-line twice; the first one counts.
func (m *Media) rtpmap(value string) {
	f, rest := m.described(value)
	if f == nil {
		return
	}
	name, clock, _ := strings.Cut(strings.Trim(rest, " \t"), "/")
	clock, channels, _ := strings.Cut(clock, "/")
	n, ok := number(clock, 1<<24)
	if name == "" || !ok || n == 0 {
		return // as if it were not there: a dynamic number then has no name, and is passed as it is
	}
	f.Name, f.Clock, f.Channels = intern(name), n, 1
	if n, ok := number(channels, 255); ok && n > 0 {
		f.Channels = n
	}
}

// connection reads "c=IN IP4 192.0.2.1" (RFC 8866 §5.7).
func (m *Media) connection(l string) error {
	network, rest := field(l[2:])
	_, rest = field(rest)
	address, _ := field(rest)
	if network != "IN" || address == "" {
		return refuse(ErrMalformed, "connection data %q", l)
	}
	address, _, _ = strings.Cut(address, "/") // of multicast: TTL and number of addresses
	m.Address, m.Host = netip.Addr{}, ""
	if a, err := netip.ParseAddr(address); err == nil && a.Zone() == "" {
		m.Address = a.Unmap()
	} else {
		m.Host = address
	}
	return nil
}

// rtcp reads "a=rtcp:53020 IN IP6 2001:db8::1" (RFC 3605 §2.1). What it does not say is filled in by finish.
func (m *Media) rtcp(value string) {
	port, rest := field(value)
	n, ok := number(port, 0xFFFF)
	if !ok {
		return
	}
	_, rest = field(rest)
	_, rest = field(rest)
	word, _ := field(rest)
	address, _ := netip.ParseAddr(word)
	m.RTCP = netip.AddrPortFrom(address.WithZone("").Unmap(), uint16(n))
}

// finish draws the conclusions that need all lines of the m-line.
func (m *Media) finish() {
	port, address := m.RTCP.Port(), m.RTCP.Addr()
	if port == 0 && m.Port != 0 && m.Port != 0xFFFF {
		port = m.Port + 1
	}
	if !address.IsValid() {
		address = m.Address
	}
	m.RTCP = netip.AddrPortFrom(address, port)

	m.Held = m.Address.IsValid() && m.Address.IsUnspecified() || strings.HasSuffix(strings.ToLower(m.Host), ".invalid")
	if m.Held {
		m.Direction = m.Direction.And(SendOnly)
	}
}
