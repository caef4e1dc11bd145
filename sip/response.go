package sip

// NewResponse builds the response to a request (RFC 3261 §8.2.6.2): Via list, From, To, Call-ID and CSeq as they came; the To gets toTag
// when it has no tag and the code is above 100; Timestamp in a 100 (§8.2.6.1); Record-Route in what can make a dialog (§12.1.1). An empty
// reason means the default phrase. The response is kept and shares nothing with the request.
//
// From a request that was refused as much is copied as is there, each single header field once.
func NewResponse(req *Message, code int, reason, toTag string) *Message {
	m := &Message{fields: make([]field, 0, 12)}
	m.ext = make([]byte, 0, len(toTag)+req.echoed(code))
	m.respond(req, code, reason, toTag)
	return m
}

// respond makes an empty message the response.
func (m *Message) respond(req *Message, code int, reason, toTag string) {
	if reason == "" {
		reason = Reason(code)
	}
	m.status, m.reason, m.kept = code, oneLine(reason), true
	routes := echoesRoutes(req, code)
	var done uint64
	for i := range req.fields {
		f := &req.fields[i]
		switch f.name {
		case Via:
		case From, To, CallID, CSeq:
			if done&(1<<f.name) != 0 {
				continue
			}
			done |= 1 << f.name
		case RecordRoute:
			if !routes {
				continue
			}
		case Timestamp:
			if code != 100 {
				continue
			}
		default:
			continue
		}
		m.copyField(req, f)
	}
	if code > 100 && toTag != "" && m.first(To) >= 0 && req.ToTag() == "" && req.cached&splitTo != 0 {
		i := m.first(To)
		end := m.fields[i].valueEnd
		m.rewrite(i, end, end, ";tag="+toTag)
		m.changed(To)
	}
}

// echoesRoutes reports whether the response carries the request's Record-Route.
func echoesRoutes(req *Message, code int) bool {
	return code > 100 && code < 300 && dialogForming(req.method)
}

// echoed is about the room that a response to m needs.
func (m *Message) echoed(code int) int {
	n, routes := 160, echoesRoutes(m, code)
	for i := range m.fields {
		f := &m.fields[i]
		switch f.name {
		case Via, From, CallID, CSeq:
			n += int(f.end - f.start)
		case To:
			n += 2 * int(f.end-f.start)
		case RecordRoute:
			if routes {
				n += int(f.end - f.start)
			}
		}
	}
	return n
}

// copyField appends a header field of another message, byte for byte.
func (m *Message) copyField(from *Message, f *field) {
	start := uint32(len(m.ext))
	m.ext = append(m.ext, from.source(f)[f.start:f.end]...)
	m.fields = append(m.fields, field{
		start: start, nameEnd: f.nameEnd - f.start + start, value: f.value - f.start + start, valueEnd: f.valueEnd - f.start + start,
		end: uint32(len(m.ext)), name: f.name, ext: true, folded: f.folded,
	})
	m.present |= 1 << f.name
}
