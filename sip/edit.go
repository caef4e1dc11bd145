package sip

import (
	"slices"
	"strings"
)

// Edits never touch the buffer: they append the new header field to ext and change the list of fields. Names are written as given and
// must be tokens, else the edit panics, since nothing could be sent that would mean what was asked for; line ends in values become
// spaces, so that no value can add a header field or end the header section.

// Add puts a header field after the last of its name, else at the end.
func (m *Message) Add(name, value string) {
	f := m.write(name, value)
	at := len(m.fields)
	for i := len(m.fields) - 1; i >= 0; i-- {
		if m.is(&m.fields[i], f.name, name) {
			at = i + 1
			break
		}
	}
	m.insert(at, f)
}

// Prepend puts a header field of its own before the first of its name, as Via, Route and Record-Route grow, else before all others.
func (m *Message) Prepend(name, value string) {
	f := m.write(name, value)
	m.insert(max(m.find(name), 0), f)
}

// Set puts one header field in the place of the first of its name, else at the end, and removes the others of that name.
func (m *Message) Set(name, value string) {
	i := m.find(name)
	f := m.write(name, value)
	if i < 0 {
		m.insert(len(m.fields), f)
		return
	}
	m.fields[i] = f
	m.remove(f.name, name, i+1)
	m.changed(f.name)
}

// Remove removes all header fields of this name.
func (m *Message) Remove(name string) {
	n := LookupName(name)
	m.remove(n, name, 0)
	m.changed(n)
}

// RemoveTop removes the first element of a list header field: the top Via, the top Route. The other elements of its line stay as they
// are written.
func (m *Message) RemoveTop(n Name) {
	for i, found := m.first(n), false; i >= 0 && !found; i = m.first(n) {
		f := &m.fields[i]
		value := m.source(f)[f.value:f.valueEnd]
		first, _, next := element(value, 0)
		found = first >= 0
		if second, _, _ := element(value, next); second >= 0 {
			m.rewrite(i, f.value, f.value+uint32(second), "")
		} else {
			m.fields = slices.Delete(m.fields, i, i+1)
		}
	}
	m.changed(n)
}

// RemoveLast removes the last element of a list header field, as a proxy does with the Route that a strict router put there (RFC 3261
// §16.4). The other elements of its line stay as they are written.
func (m *Message) RemoveLast(n Name) {
	for i, found := len(m.fields)-1, false; i >= 0 && !found; i-- {
		f := &m.fields[i]
		if f.name != n {
			continue
		}
		value := m.source(f)[f.value:f.valueEnd]
		first, last, next := element(value, 0)
		found = first >= 0
		keep := -1 // the end of the last element but one
		for {
			var start, end int
			if start, end, next = element(value, next); start < 0 {
				break
			}
			keep, last = last, end
		}
		if keep >= 0 {
			m.rewrite(i, f.value+uint32(keep), f.valueEnd, "")
		} else {
			m.fields = slices.Delete(m.fields, i, i+1)
		}
	}
	m.changed(n)
}

// ReplaceTop puts value in the place of the first element of a list header field, or adds the header field when there is none. The other
// elements of its line stay as they are written.
func (m *Message) ReplaceTop(n Name, value string) {
	i := m.first(n)
	if i < 0 {
		m.Add(n.String(), value)
		return
	}
	f := &m.fields[i]
	_, end, _ := element(m.source(f)[f.value:f.valueEnd], 0)
	m.rewrite(i, f.value, f.value+uint32(max(end, 0)), trim(oneLine(value)))
	m.changed(n)
}

// SetURI replaces the request URI. It is written as given, but for white space, which is escaped: it would end the URI.
func (m *Message) SetURI(text string) {
	if hasSpace(text) {
		text = strings.NewReplacer(" ", "%20", "\t", "%09", "\r", "%0D", "\n", "%0A").Replace(text)
	}
	m.uriText = text
	m.startEnd = 0
	m.cached &^= cachedURI
}

// SetBody replaces the body and its Content-Type, which an empty body removes and an empty type leaves as it was. The bytes are not copied
// and must not change any more; Content-Length is written to fit.
func (m *Message) SetBody(contentType string, body []byte) {
	m.body = body
	switch {
	case len(body) == 0:
		m.Remove(ContentType.String())
	case contentType != "":
		m.Set(ContentType.String(), contentType)
	}
}

// Clone returns a message that shares this one's buffer and has edits of its own from now on. Both are kept.
func (m *Message) Clone() *Message {
	m.kept = true
	m.ext = m.ext[:len(m.ext):len(m.ext)] // whoever edits next copies it
	clone := *m
	clone.forms = nil
	if m.cached&^(cachedCallID|cachedCSeq) != 0 {
		f := *m.forms
		clone.forms = &f
	}
	clone.fields = append(make([]field, 0, len(m.fields)+8), m.fields...)
	return &clone
}

// write appends a header field to ext.
func (m *Message) write(name, value string) field {
	if !IsToken(name) {
		panic("sip: header field name " + strings.ToValidUTF8(name, "?") + " is no token")
	}
	value = trim(oneLine(value))
	f := field{name: LookupName(name), ext: true, start: uint32(len(m.ext))}
	m.ext = append(m.ext, name...)
	f.nameEnd = uint32(len(m.ext))
	m.ext = append(m.ext, ": "...)
	f.value = uint32(len(m.ext))
	m.ext = append(m.ext, value...)
	f.valueEnd = uint32(len(m.ext))
	m.ext = append(m.ext, "\r\n"...)
	f.end = uint32(len(m.ext))
	return f
}

func (m *Message) insert(at int, f field) {
	m.fields = slices.Insert(m.fields, at, f)
	m.changed(f.name)
}

func (m *Message) remove(n Name, name string, from int) {
	kept := from
	for i := from; i < len(m.fields); i++ {
		if m.is(&m.fields[i], n, name) {
			continue
		}
		m.fields[kept] = m.fields[i]
		kept++
	}
	m.fields = m.fields[:kept]
}

// rewrite replaces the bytes from a to b, all within the value of header field i, by text: it writes the header field anew, with all
// other bytes as they were.
func (m *Message) rewrite(i int, a, b uint32, text string) {
	f := &m.fields[i]
	source := m.source(f)
	start := uint32(len(m.ext))
	m.ext = append(m.ext, source[f.start:a]...)
	m.ext = append(m.ext, text...)
	m.ext = append(m.ext, source[b:f.end]...)
	moved := uint32(len(text)) - (b - a) // modulo 2^32, as are the sums below
	*f = field{
		start: start, nameEnd: f.nameEnd - f.start + start, value: f.value - f.start + start,
		valueEnd: f.valueEnd - f.start + start + moved, end: uint32(len(m.ext)),
		name: f.name, ext: true, folded: f.folded,
	}
}

// changed forgets what was parsed of the header fields of this name.
func (m *Message) changed(n Name) {
	m.present |= 1 << n
	switch n {
	case Via:
		m.cached &^= cachedVia
	case From:
		m.cached &^= cachedFrom | splitFrom
	case To:
		m.cached &^= cachedTo | splitTo
	case CSeq:
		m.cached &^= cachedCSeq
	case CallID:
		m.cached &^= cachedCallID
	}
}
