package sip

import "strconv"

// Append writes the message to dst: every range that no edit touched as it came, and a Content-Length that fits the body, in the place of
// the one there was, else as the last header field.
func (m *Message) Append(dst []byte) []byte {
	from, to := uint32(0), m.startEnd // the run of buf to be copied next
	if m.startEnd == 0 {
		dst = m.appendStart(dst)
	}
	framed := false
	for i := range m.fields {
		f := &m.fields[i]
		if f.name == ContentLength {
			if framed {
				continue
			}
			framed = true
			if n, ok := parseUint(m.value(f), 1<<31); !ok || n != uint64(len(m.body)) {
				dst = appendLength(append(dst, m.text[from:to]...), len(m.body))
				from = to
				continue
			}
		}
		switch {
		case f.ext:
			dst = append(dst, m.text[from:to]...)
			from = to
			dst = append(dst, m.ext[f.start:f.end]...)
		case f.start == to:
			to = f.end
		default:
			dst = append(dst, m.text[from:to]...)
			from, to = f.start, f.end
		}
	}
	dst = append(dst, m.text[from:to]...)
	if !framed {
		dst = appendLength(dst, len(m.body))
	}
	dst = append(dst, "\r\n"...)
	return append(dst, m.body...)
}

// Size estimates the length of what Append writes, at most a few dozen bytes off. It is for choosing a transport (RFC 3261 §18.1.1) and
// for the capacity of a buffer.
func (m *Message) Size() int {
	n := int(m.startEnd) + len(m.body) + 24
	if m.startEnd == 0 {
		n = len(m.method) + len(m.uriText) + len(m.reason) + len(m.body) + 40
	}
	for i := range m.fields {
		n += int(m.fields[i].end - m.fields[i].start)
	}
	return n
}

func (m *Message) appendStart(dst []byte) []byte {
	if m.status == 0 {
		dst = append(append(dst, m.method...), ' ')
		dst = append(dst, m.uriText...)
		return append(dst, " SIP/2.0\r\n"...)
	}
	dst = strconv.AppendInt(append(dst, "SIP/2.0 "...), int64(m.status), 10)
	dst = append(append(dst, ' '), m.reason...)
	return append(dst, "\r\n"...)
}

func appendLength(dst []byte, n int) []byte {
	dst = strconv.AppendInt(append(dst, "Content-Length: "...), int64(n), 10)
	return append(dst, "\r\n"...)
}
