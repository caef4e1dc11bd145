package sip

// CloneTo makes dst what Clone would return, but in dst's own memory, which is used again and again: for a message that is edited and
// encoded within one turn. Neither m nor dst is kept by it: dst, and every string taken from it, is good until m is released or dst is
// made something else, whichever comes first.
func (m *Message) CloneTo(dst *Message) {
	fields, ext, forms := dst.fields, dst.ext, dst.forms
	*dst = *m
	dst.forms = forms
	dst.fields = append(fields[:0], m.fields...)
	dst.ext = append(ext[:0], m.ext...)
	dst.kept, dst.released = true, false // it has never been the pools'
	dst.cached &= cachedURI              // the others may point into edits that m or dst is going to overwrite
	if dst.cached != 0 {
		p := dst.parsed()
		p.uri, p.uriErr = m.uri, m.uriErr
	}
}

// ResponseTo is NewResponse into dst's own memory, with the same limits as CloneTo.
func ResponseTo(dst, req *Message, code int, reason, toTag string) {
	*dst = Message{fields: dst.fields[:0], ext: dst.ext[:0], forms: dst.forms}
	dst.respond(req, code, reason, toTag)
}
