package sip

import (
	"fmt"
	"iter"
)

// Has reports whether there is a header field of this name.
func (m *Message) Has(n Name) bool { return m.first(n) >= 0 }

// Count returns the number of header fields of this name; a comma list counts once.
func (m *Message) Count(n Name) int {
	count := 0
	for i := range m.fields {
		if m.fields[i].name == n {
			count++
		}
	}
	return count
}

// Value returns the value of the first header field of this name, trimmed and unfolded.
func (m *Message) Value(n Name) (value string, ok bool) {
	i := m.first(n)
	if i < 0 || n == Other {
		return "", false
	}
	return m.value(&m.fields[i]), true
}

// Values yields the value of every header field of this name in order, not split at commas. The message must not be edited meanwhile.
func (m *Message) Values(n Name) iter.Seq[string] {
	return func(yield func(string) bool) {
		for i := range m.fields {
			if f := &m.fields[i]; f.name == n && n != Other && !yield(m.value(f)) {
				return
			}
		}
	}
}

// List yields every element of a header field that is a list, in order, whether the elements stand in one header field or in several
// (RFC 3261 §7.3.1). Empty elements are left out. It is for Via, Route, Contact and their like; a challenge or a date has commas that
// separate nothing. The message must not be edited meanwhile.
func (m *Message) List(n Name) iter.Seq[string] {
	return func(yield func(string) bool) {
		for value := range m.Values(n) {
			for next := 0; ; {
				var start, end int
				if start, end, next = element(value, next); start < 0 {
					break
				}
				if !yield(value[start:end]) {
					return
				}
			}
		}
	}
}

// Get returns the value of the first header field of any name, long or compact and in any case.
func (m *Message) Get(name string) (value string, ok bool) {
	i := m.find(name)
	if i < 0 {
		return "", false
	}
	return m.value(&m.fields[i]), true
}

// GetAll yields the values of all header fields of any name. The message must not be edited meanwhile.
func (m *Message) GetAll(name string) iter.Seq[string] {
	n := LookupName(name)
	if n != Other {
		return m.Values(n)
	}
	return func(yield func(string) bool) {
		for i := range m.fields {
			if f := &m.fields[i]; m.is(f, Other, name) && !yield(m.value(f)) {
				return
			}
		}
	}
}

// Fields yields name, as written, and value of every header field in order. The message must not be edited meanwhile.
func (m *Message) Fields() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for i := range m.fields {
			f := &m.fields[i]
			if !yield(m.source(f)[f.start:f.nameEnd], m.value(f)) {
				return
			}
		}
	}
}

// CallID returns the Call-ID, "" when there is none.
func (m *Message) CallID() string {
	if m.cached&cachedCallID == 0 {
		m.callID, _ = m.Value(CallID)
		m.cached |= cachedCallID
	}
	return m.callID
}

// Via returns the topmost Via. When only its parameters are malformed both value and error are returned, so that a refused request can be
// answered by what can be read of it.
func (m *Message) Via() (*ViaValue, error) {
	if m.cached&cachedVia == 0 {
		m.cached |= cachedVia
		m.parsed().viaErr = m.readVia()
	}
	if m.via.Host == "" {
		return nil, m.viaErr
	}
	return &m.via, m.viaErr
}

func (m *Message) readVia() error {
	value, ok := m.Value(Via)
	if !ok {
		m.via = ViaValue{}
		return missing(Via)
	}
	top := value
	if i := comma(value); i >= 0 {
		top = trim(value[:i])
	}
	if problem := m.via.parse(top); problem != "" {
		return fmt.Errorf("%w Via %q: %s", ErrMalformed, top, problem)
	}
	return nil
}

// From returns the From header field (RFC 3261 §20.20).
func (m *Message) From() (*Address, error) { return m.party(From) }

// To returns the To header field (RFC 3261 §20.39).
func (m *Message) To() (*Address, error) { return m.party(To) }

// FromTag returns the tag of the From, "" when there is none or From is malformed.
func (m *Message) FromTag() string {
	m.split(From)
	return m.from.Tag()
}

// ToTag returns the tag of the To, "" when there is none or To is malformed.
func (m *Message) ToTag() string {
	m.split(To)
	return m.to.Tag()
}

func (m *Message) party(n Name) (*Address, error) {
	p := m.parsed()
	a, err, done := &p.from, &p.fromErr, cachedFrom
	if n == To {
		a, err, done = &p.to, &p.toErr, cachedTo
	}
	if m.cached&done == 0 {
		m.cached |= done
		*err = m.readParty(n, a)
	}
	if *err != nil {
		return nil, *err
	}
	return a, nil
}

func (m *Message) readParty(n Name, a *Address) error {
	problem := m.split(n)
	switch {
	case !m.Has(n):
		return missing(n)
	case problem == "" && a.Star:
		problem = "no URI"
	case problem == "":
		problem = a.URI.parse(a.URIText)
	}
	if problem != "" {
		return fmt.Errorf("%w %s: %s", ErrMalformed, n, problem)
	}
	a.Name = unquote(a.Name)
	return nil
}

// split cuts From or To into name, URI and parameters, once, and returns what is wrong, or "". It is all that screening and tags need.
func (m *Message) split(n Name) (problem string) {
	p := m.parsed()
	a, done := &p.from, splitFrom
	if n == To {
		a, done = &p.to, splitTo
	}
	if m.cached&done != 0 {
		return ""
	}
	value, _ := m.Value(n)
	if problem = a.split(value); problem != "" {
		*a = Address{}
		return problem
	}
	m.cached |= done
	return ""
}

// Contacts returns all Contacts, of comma lists and of repeated header fields, in order; nil when there is none.
func (m *Message) Contacts() ([]Address, error) { return m.addresses(Contact) }

// Routes returns the Route set of the request, topmost first.
func (m *Message) Routes() ([]Address, error) { return m.addresses(Route) }

// RecordRoutes returns the Record-Route values, topmost first.
func (m *Message) RecordRoutes() ([]Address, error) { return m.addresses(RecordRoute) }

// Paths returns the Path values, topmost first (RFC 3327).
func (m *Message) Paths() ([]Address, error) { return m.addresses(Path) }

func (m *Message) addresses(n Name) ([]Address, error) {
	var list []Address
	for element := range m.List(n) {
		a, err := ParseAddress(element)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", n, err)
		}
		list = append(list, a)
	}
	return list, nil
}

// Tokens returns the elements of a header field that lists tokens, as Require, Supported and Allow do; nil when there is none.
func (m *Message) Tokens(n Name) ([]string, error) {
	var list []string
	for element := range m.List(n) {
		if !IsToken(element) {
			return nil, fmt.Errorf("%w %s: %q is no token", ErrMalformed, n, element)
		}
		list = append(list, element)
	}
	return list, nil
}

func missing(n Name) error { return fmt.Errorf("%w: %s", ErrMissing, n) }
