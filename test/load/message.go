//go:build linux

package load

import (
	"bytes"
	"errors"
)

// message is what the generator reads of a SIP message. The slices point into the receive buffer and hold until the next receive.
type message struct {
	method       []byte // of a request line; nil for a response
	uri          []byte
	status       int
	callID       []byte
	cseq         int64
	cseqMethod   []byte
	from, to     []byte
	contact      []byte   // URI of the first Contact
	vias         [][]byte // header field values, in message order
	recordRoutes [][]byte
	routes       int // Route header fields
	elements     [][]byte
}

var (
	errStartLine = errors.New("start line")
	errHeader    = errors.New("header line")
	errUnended   = errors.New("no empty line after the headers")
	errMissing   = errors.New("mandatory header missing")
)

// read fills m from the bytes of one datagram.
func (m *message) read(b []byte) error {
	*m = message{vias: m.vias[:0], recordRoutes: m.recordRoutes[:0], elements: m.elements}
	line, b, ok := cutLine(b)
	if !ok || !m.readStart(line) {
		return errStartLine
	}
	for {
		if line, b, ok = cutLine(b); !ok {
			return errUnended
		}
		if len(line) == 0 {
			break
		}
		colon := bytes.IndexByte(line, ':')
		if colon < 1 {
			return errHeader
		}
		m.readHeader(bytes.TrimRight(line[:colon], " \t"), bytes.Trim(line[colon+1:], " \t"))
	}
	if m.callID == nil || m.cseqMethod == nil || m.from == nil || m.to == nil || len(m.vias) == 0 {
		return errMissing
	}
	return nil
}

func cutLine(b []byte) (line, rest []byte, ok bool) {
	n := bytes.IndexByte(b, '\n')
	if n < 1 || b[n-1] != '\r' {
		return nil, nil, false
	}
	return b[:n-1], b[n+1:], true
}

func (m *message) readStart(line []byte) bool {
	if code, ok := bytes.CutPrefix(line, []byte("SIP/2.0 ")); ok {
		if len(code) < 3 {
			return false
		}
		m.status = int(number(code[:3]))
		return m.status >= 100 && m.status < 700
	}
	var version []byte
	var ok bool
	if m.method, line, ok = bytes.Cut(line, []byte(" ")); !ok {
		return false
	}
	m.uri, version, ok = bytes.Cut(line, []byte(" "))
	return ok && string(version) == "SIP/2.0"
}

func (m *message) readHeader(name, value []byte) {
	switch name[0] | 0x20 {
	case 'v':
		if isName(name, "v", "via") {
			m.vias = append(m.vias, value)
		}
	case 'r':
		if isName(name, "", "record-route") {
			m.recordRoutes = append(m.recordRoutes, value)
		} else if isName(name, "", "route") {
			m.routes++
		}
	case 'f':
		if isName(name, "f", "from") {
			m.from = value
		}
	case 't':
		if isName(name, "t", "to") {
			m.to = value
		}
	case 'i':
		if isName(name, "i", "") {
			m.callID = value
		}
	case 'm':
		if isName(name, "m", "") {
			m.readContact(value)
		}
	case 'c':
		switch {
		case isName(name, "", "call-id"):
			m.callID = value
		case isName(name, "", "contact"):
			m.readContact(value)
		case isName(name, "", "cseq"):
			digits, method, _ := bytes.Cut(value, []byte(" "))
			m.cseq, m.cseqMethod = number(digits), bytes.TrimLeft(method, " ")
		}
	}
}

func (m *message) readContact(value []byte) {
	if m.contact != nil {
		return
	}
	if open := bytes.IndexByte(value, '<'); open >= 0 {
		value, _, _ = bytes.Cut(value[open+1:], []byte(">"))
	} else {
		value, _, _ = bytes.Cut(value, []byte(";"))
	}
	m.contact = value
}

func (m *message) toTag() bool { return bytes.Contains(m.to, []byte(";tag=")) }

// viaCount counts Via values, several to a header field or not.
func (m *message) viaCount() int {
	m.elements = m.elements[:0]
	for _, field := range m.vias {
		m.elements = splitList(m.elements, field)
	}
	return len(m.elements)
}

// routeSet returns the elements of Record-Route in message order; it holds until the next call.
func (m *message) routeSet() [][]byte {
	m.elements = m.elements[:0]
	for _, field := range m.recordRoutes {
		m.elements = splitList(m.elements, field)
	}
	return m.elements
}

// splitList appends the elements of a comma list to dst; commas within quotes or angle brackets do not part them.
func splitList(dst [][]byte, list []byte) [][]byte {
	start, bracketed, quoted := 0, false, false
	for i, c := range list {
		switch {
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '<':
			bracketed = true
		case c == '>':
			bracketed = false
		case c == ',' && !bracketed:
			dst = append(dst, bytes.TrimSpace(list[start:i]))
			start = i + 1
		}
	}
	return append(dst, bytes.TrimSpace(list[start:]))
}

// isName compares a header name with its compact and its long form, given in lower case; an empty one matches nothing.
func isName(name []byte, compact, long string) bool {
	want := long
	if len(name) == 1 {
		want = compact
	}
	if len(name) != len(want) {
		return false
	}
	for i, c := range name {
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		if c != want[i] {
			return false
		}
	}
	return true
}

// number reads decimal digits; -1 when b is anything else.
func number(b []byte) int64 {
	if len(b) == 0 || len(b) > 18 {
		return -1
	}
	n := int64(0)
	for _, c := range b {
		if c < '0' || c > '9' {
			return -1
		}
		n = n*10 + int64(c-'0')
	}
	return n
}
