package sip

import (
	"cmp"
	"slices"
	"strings"
)

// Limits bound what a message may be. A zero field means its default.
type Limits struct {
	Message int // bytes of a whole message, 65536
	Headers int // header fields, 200
}

func (l Limits) message() int {
	if l.Message == 0 {
		return 65536
	}
	return l.Message
}

func (l Limits) headers() int {
	if l.Headers == 0 {
		return 200
	}
	return l.Headers
}

// ReadDatagram reads the message in one UDP datagram: it copies raw into a pooled buffer, indexes and screens it. CRLFs before the start
// line are skipped (RFC 3261 §7.5), bytes after Content-Length ignored, and without a Content-Length the body is the rest (§18.3).
//
// The error is a *ParseError. Beside one the message is not nil when a stateless answer can and may be built from it with
// [NewResponse]: it is a request but no ACK, and its top Via says where to answer to. Such a message must be answered, if at all, and
// released, and must go nowhere else.
func ReadDatagram(raw []byte, lim Limits) (*Message, error) {
	return read(raw, lim, false)
}

// ReadFrame reads one message that [Frame] found on a stream; like ReadDatagram, but a Content-Length is demanded.
func ReadFrame(raw []byte, lim Limits) (*Message, error) {
	return read(raw, lim, true)
}

func read(raw []byte, lim Limits, stream bool) (*Message, error) {
	for len(raw) >= 2 && raw[0] == '\r' && raw[1] == '\n' {
		raw = raw[2:]
	}
	m := take(len(raw))
	m.buf = append(m.buf, raw...)
	m.text = view(m.buf)
	err := m.load(lim, stream)
	if err == nil {
		return m, nil
	}
	if !m.Answerable() {
		m.Release()
		m = nil
	}
	return m, err
}

// RereadSent indexes bytes that this server has encoded and sent, without copying them: they must never change. The message is kept.
func RereadSent(encoded []byte) (*Message, error) {
	m := withForms()
	m.buf, m.text, m.fields, m.kept = encoded, view(encoded), make([]field, 0, usualFields), true
	if err := m.load(Limits{Message: len(encoded), Headers: len(encoded)}, false); err != nil {
		return nil, err
	}
	return m, nil
}

// Answerable reports whether a stateless error response can and may be built from a request that was refused: never from a response or an
// ACK (RFC 3261 §17, §18.3), never from a start line without a method, and not without a Via to send it by.
func (m *Message) Answerable() bool {
	if m.status != 0 || m.method == "" || m.method == ACK {
		return false
	}
	via, _ := m.Via()
	return via != nil
}

// load indexes and screens the text of m. Where something is wrong it goes on as far as it can, for the sake of the answer, and returns
// the first error.
func (m *Message) load(lim Limits, stream bool) error {
	start := m.startLine()
	body, fields := m.index(lim.headers())
	var err *ParseError
	switch {
	case start != nil:
		err = start
	case len(m.text) > lim.message():
		err = &ParseError{513, "message too large"}
	case fields != nil:
		err = fields
	default:
		if err = m.setBody(body, stream); err == nil {
			err = m.screen()
		}
	}
	if err != nil {
		return err
	}
	return nil
}

// startLine reads the first line (RFC 3261 §7.1, §7.2).
func (m *Message) startLine() *ParseError {
	end := strings.IndexByte(m.text, '\n') + 1
	if end < 2 || m.text[end-2] != '\r' {
		m.startEnd = uint32(len(m.text))
		return &ParseError{400, "start line not ended by CRLF"}
	}
	m.startEnd = uint32(end)
	line := m.text[:end-2]
	if len(line) > 3 && line[3] == '/' && equalFold(line[:3], "SIP") { // a slash is no part of a method
		return m.statusLine(line)
	}
	return m.requestLine(line)
}

func (m *Message) requestLine(line string) *ParseError {
	first, last := strings.IndexByte(line, ' '), strings.LastIndexByte(line, ' ')
	if first < 0 {
		return &ParseError{400, "start line has no method"}
	}
	method, known := internMethod(line[:first])
	if !known && !IsToken(method) {
		return &ParseError{400, "start line has no method"}
	}
	m.method = method
	if first == last {
		return &ParseError{400, "start line has no SIP version"}
	}
	m.uriText = line[first+1 : last]
	if version := line[last+1:]; version != "SIP/2.0" {
		if bad := checkVersion(version); bad != nil {
			return bad
		}
	}
	if m.parsed().uri.parse(m.uriText) != "" {
		return &ParseError{400, "bad request URI"}
	}
	m.cached |= cachedURI
	if m.uri.Headers != "" {
		return &ParseError{400, "request URI with a header part"} // RFC 4475 §3.1.2.11
	}
	return nil
}

// checkVersion refuses every version but SIP/2.0, in any case (RFC 3261 §7.1): another version of SIP with 505, so that its speaker knows
// why.
func checkVersion(version string) *ParseError {
	if equalFold(version, "SIP/2.0") {
		return nil
	}
	major, minor, dotted := strings.Cut(strings.TrimPrefix(version, "SIP/"), ".")
	if hasPrefixFold(version, "SIP/") && dotted && major != "" && minor != "" && all(major, digitChar) && all(minor, digitChar) {
		return &ParseError{505, "SIP version not supported"}
	}
	return &ParseError{400, "start line has no SIP version"}
}

func (m *Message) statusLine(line string) *ParseError {
	m.status = -1 // a response even when the rest is unreadable: it is never answered
	version, rest, _ := strings.Cut(line, " ")
	if bad := checkVersion(version); bad != nil {
		return bad
	}
	if len(rest) < 3 || len(rest) > 3 && rest[3] != ' ' {
		return &ParseError{400, "bad status code"} // RFC 4475 §3.1.2.19: 4294967301 is no status
	}
	code, ok := parseUint(rest[:3], 699)
	if !ok || code < 100 {
		return &ParseError{400, "bad status code"}
	}
	m.status = int(code)
	if len(rest) > 4 {
		m.reason = rest[4:]
	}
	return nil
}

// index finds the header fields from the end of the start line to the blank line and returns where the body begins. It goes on behind a
// broken line and returns the first thing wrong.
func (m *Message) index(limit int) (body int, problem *ParseError) {
	t, pos := m.text, int(m.startEnd)
	fields, present, repeated := m.fields, uint64(0), uint64(0)
	lines, stray := 1, false
	for {
		if pos+1 < len(t) && t[pos] == '\r' && t[pos+1] == '\n' {
			body = pos + 2
			break
		}
		n := strings.IndexByte(t[pos:], '\n')
		if n < 0 {
			body = len(t)
			problem = cmp.Or(problem, &ParseError{400, "header section not ended by a blank line"})
			break
		}
		if len(fields) == limit {
			body = len(t)
			problem = cmp.Or(problem, &ParseError{400, "too many header fields"})
			break
		}
		end, folded := pos+n+1, false
		lines++
		stray = stray || t[end-2] != '\r'                       // a CRLF stands before pos
		for end < len(t) && (t[end] == ' ' || t[end] == '\t') { // RFC 3261 §7.3.1
			folded = true
			n := strings.IndexByte(t[end:], '\n') + 1
			if n == 0 {
				n = len(t) - end
			}
			end += n
			lines++
			stray = stray || t[end-2] != '\r'
		}
		if len(fields) == cap(fields) {
			fields = slices.Grow(fields, 1)
		}
		// Written in place: copying a record right after writing it stalls the processor.
		fields = fields[:len(fields)+1]
		f := &fields[len(fields)-1]
		f.end, f.folded = uint32(end), folded
		if name, ok := f.find(t, pos); ok {
			repeated |= present & (1 << name)
			present |= 1 << name
		} else {
			fields = fields[:len(fields)-1]
			problem = cmp.Or(problem, &ParseError{400, "header line without a name"})
		}
		pos = end
	}
	m.fields, m.present, m.repeated = fields, present, repeated
	// A CR or LF by itself would end a line for some other element, which would then read other header fields than we did.
	if problem == nil && (stray || strings.Count(t[:body], "\r") != lines+1) {
		problem = &ParseError{400, "stray CR or LF in the header section"}
	}
	return body, problem
}

// find fills in the name and value of a header field that begins at pos and whose end is known (RFC 3261 §7.3.1: white space may stand on
// both sides of the colon). It reports whether there is a name.
func (f *field) find(t string, pos int) (name Name, ok bool) {
	end, colon := int(f.end), 8
	var w uint64
	if pos+16 <= end {
		w = word(t[pos:])
		if colon = octetIn(w, ':'); colon == 8 {
			colon += octetIn(word(t[pos+8:]), ':')
		}
	} else {
		w = shortWord(t[pos:end])
	}
	if colon&7 == 0 { // in neither word, or there was no room for them
		if colon = strings.IndexByte(t[pos:end], ':'); colon < 0 {
			return Other, false
		}
	}
	colon += pos
	nameEnd := colon
	for nameEnd > pos && (t[nameEnd-1] == ' ' || t[nameEnd-1] == '\t') {
		nameEnd--
	}
	name = lookupName(t[pos:nameEnd], w)
	if name == Other && !IsToken(t[pos:nameEnd]) {
		return Other, false
	}
	f.name, f.ext = name, false
	value, valueEnd := colon+1, end-1
	if t[value] == ' ' {
		value++
	}
	if valueEnd > value && t[valueEnd-1] == '\r' {
		valueEnd--
	}
	for value < valueEnd && t[value] <= ' ' && isSpace(t[value]) {
		value++
	}
	for valueEnd > value && t[valueEnd-1] <= ' ' && isSpace(t[valueEnd-1]) {
		valueEnd--
	}
	value = min(value, valueEnd)
	f.start, f.nameEnd, f.value, f.valueEnd = uint32(pos), uint32(nameEnd), uint32(value), uint32(valueEnd)
	if f.folded {
		f.folded = strings.IndexByte(t[value:valueEnd], '\n') >= 0
	}
	return name, true
}

// setBody takes as much of what follows the header section as Content-Length says (RFC 3261 §18.3, §20.14).
func (m *Message) setBody(at int, stream bool) *ParseError {
	rest := m.buf[at:]
	i := m.first(ContentLength)
	if i < 0 {
		if stream {
			return &ParseError{400, "Content-Length missing"}
		}
		m.body = rest
		return nil
	}
	if m.repeated&(1<<ContentLength) != 0 {
		return &ParseError{400, "more than one Content-Length"}
	}
	n, ok := parseUint(m.value(&m.fields[i]), 1<<31)
	if !ok {
		return &ParseError{400, "bad Content-Length"}
	}
	if n > uint64(len(rest)) {
		return &ParseError{400, "body shorter than Content-Length"}
	}
	m.body = rest[:n:n]
	return nil
}
