package sip

// Message is a SIP request or response (RFC 3261 §7): an index of its header fields over one buffer that is never written again, and the
// edits made since. Accessors parse on first use and remember; those that can find the message wrong return an error, which wraps
// ErrMalformed or ErrMissing.
//
// A message belongs to one goroutine at a time: even reading fills its caches. Strings and byte slices it gives out are parts of its
// buffer and die with [Message.Release], unless [Message.Keep] was called. A pointer given out by Via, From, To or URI is valid until
// the next edit of that header field.
type Message struct {
	buf    []byte // as received; nil in a message made here
	text   string // the same bytes
	ext    []byte // header fields written by edits; only ever appended to
	fields []field
	body   []byte

	startEnd uint32 // end of the start line in buf; 0 when it is to be written from the values below
	method   string // of a request
	uriText  string
	status   int // of a response
	reason   string

	kept     bool
	released bool
	class    uint8  // the pool to go back to
	cached   uint8  // which of the parsed forms below hold
	present  uint64 // the Names that are in fields, or were before a removal
	repeated uint64 // the Names that came more than once

	callID  string
	cseq    CSeqValue
	cseqErr error
	*forms
}

// forms are what was parsed of a message, as Message.cached says. Most messages that are made here are written and never read: they have
// none, and are a third of the size.
type forms struct {
	via     ViaValue
	from    Address
	to      Address
	uri     URI
	viaErr  error
	fromErr error
	toErr   error
	uriErr  error
}

// parsed makes room for parsed forms, where it is missing.
func (m *Message) parsed() *forms {
	if m.forms == nil {
		m.forms = new(forms)
	}
	return m.forms
}

// withForms returns an empty message that is going to be read.
func withForms() *Message {
	both := new(struct {
		m Message
		p forms
	})
	both.m.forms = &both.p
	return &both.m
}

// field is one header field: a range of bytes, in buf or in ext, that begins with its name and ends with its last CRLF.
type field struct {
	start, nameEnd, value, valueEnd, end uint32
	name                                 Name
	ext                                  bool // the offsets are in ext
	folded                               bool // the value has line folds
}

// Field is a header field by itself, for those who pass some along.
type Field struct{ Name, Value string }

// What of a message is cached.
const (
	cachedVia uint8 = 1 << iota
	cachedFrom
	cachedTo
	cachedCSeq
	cachedURI
	cachedCallID
	splitFrom // from holds name, URI text and parameters, its URI is not parsed
	splitTo
)

// IsRequest reports whether the message is a request.
func (m *Message) IsRequest() bool { return m.status == 0 }

// Method returns the method of a request, and of a response the one in its CSeq, which is that of the request it answers.
func (m *Message) Method() string {
	if m.status == 0 {
		return m.method
	}
	cseq, _ := m.CSeq()
	return cseq.Method
}

// Status returns the status code of a response, 0 for a request.
func (m *Message) Status() int { return m.status }

// Reason returns the reason phrase of a response as it was written.
func (m *Message) Reason() string { return m.reason }

// URIText returns the request URI as it stands in the start line, edits included.
func (m *Message) URIText() string { return m.uriText }

// URI returns the request URI, parsed once. It is nil with an error when SetURI was given something that is no URI, and for a response.
func (m *Message) URI() (*URI, error) {
	if m.cached&cachedURI == 0 {
		p := m.parsed()
		p.uri, p.uriErr = ParseURI(m.uriText)
		m.cached |= cachedURI
	}
	if m.uriErr != nil {
		return nil, m.uriErr
	}
	return &m.uri, nil
}

// Body returns the message body, empty when there is none. It must not be written to.
func (m *Message) Body() []byte { return m.body }

// String returns the message as Append writes it.
func (m *Message) String() string { return view(m.Append(nil)) }

// source returns the bytes that the offsets of f are in.
func (m *Message) source(f *field) string {
	if f.ext {
		return view(m.ext)
	}
	return m.text
}

// value returns the value of a header field, trimmed and unfolded.
func (m *Message) value(f *field) string {
	if f.folded {
		return unfold(m.source(f)[f.value:f.valueEnd])
	}
	return m.source(f)[f.value:f.valueEnd]
}

// first returns the index of the first header field of this name, -1 when there is none.
func (m *Message) first(n Name) int {
	if m.present&(1<<n) == 0 {
		return -1
	}
	for i := range m.fields {
		if m.fields[i].name == n {
			return i
		}
	}
	return -1
}

// find is first for a name that may be unknown.
func (m *Message) find(name string) int {
	n := LookupName(name)
	if n != Other {
		return m.first(n)
	}
	for i := range m.fields {
		if m.is(&m.fields[i], Other, name) {
			return i
		}
	}
	return -1
}

// is reports whether f has this name; name matters only when n is Other.
func (m *Message) is(f *field, n Name, name string) bool {
	return f.name == n && (n != Other || equalFold(m.source(f)[f.start:f.nameEnd], name))
}
