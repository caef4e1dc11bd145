package sip

import "strconv"

// NewRequest returns a request without header fields, kept. The caller adds all of them but Content-Length.
func NewRequest(method, uri string) *Message {
	method, _ = internMethod(method)
	m := &Message{method: method, kept: true, fields: make([]field, 0, usualFields), ext: make([]byte, 0, 512)}
	m.SetURI(uri)
	return m
}

// NewACK builds the ACK that the INVITE client transaction itself sends for a 300-699 response (RFC 3261 §17.1.1.3): request URI, top Via,
// Route, From, Call-ID and CSeq number of the INVITE as it was sent, To of the response. Credentials are repeated, since no one could
// challenge an ACK (§22.1).
func NewACK(invite *Message, final *Message) *Message {
	m := newHopByHop(ACK, invite)
	if i := final.first(To); i >= 0 {
		m.Remove("To")
		m.copyField(final, &final.fields[i])
	}
	return m
}

// NewCancel builds the CANCEL for a request as it was sent (RFC 3261 §9.1): same request URI, Call-ID, To, From, Route and number of
// CSeq, and its top Via alone, so that the next hop finds what is cancelled.
func NewCancel(invite *Message) *Message {
	return newHopByHop(CANCEL, invite)
}

// newHopByHop copies of a sent request what ACK and CANCEL share with it.
func newHopByHop(method string, sent *Message) *Message {
	m := NewRequest(method, sent.uriText)
	var done uint64
	for i := range sent.fields {
		f := &sent.fields[i]
		switch f.name {
		case Via:
			if done&(1<<Via) == 0 {
				m.addTopVia(sent, f)
			}
		case Route, From, To, CallID:
			m.copyField(sent, f)
		case Authorization, ProxyAuthorization:
			if method == ACK {
				m.copyField(sent, f)
			}
		case CSeq:
			cseq, _ := sent.CSeq()
			m.Add("CSeq", strconv.FormatUint(uint64(cseq.Number), 10)+" "+method)
		}
		done |= 1 << f.name
	}
	m.Set("Max-Forwards", "70")
	return m
}

// addTopVia copies the first element of a Via.
func (m *Message) addTopVia(from *Message, f *field) {
	value := from.value(f)
	if i := comma(value); i >= 0 {
		value = value[:i]
	}
	m.Add("Via", value)
}
