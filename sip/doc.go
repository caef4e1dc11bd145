// Package sip holds SIP messages as values: RFC 3261 requests and responses, the URIs, addresses and Via values in them, and the
// rules by which a message is read, screened, edited and written. It does no I/O and starts no goroutine.
//
// A [Message] is one index over one immutable buffer plus a list of edits. Reading it parses nothing that nobody asks for: header
// fields are found and named, what every element needs (start line, top Via, CSeq, Call-ID, From and To) is screened, and the rest is
// parsed on first access. Writing it copies every range that nobody touched as it came, with its folding, odd case and white space,
// since a proxy must not damage what it does not understand (RFC 3261 §16.6 item 1).
//
// Messages and their buffers are pooled. A message belongs to one goroutine at a time; strings taken from it are slices of its buffer
// and live as long as it does. Whoever stores one calls [Message.Keep] or clones the string.
package sip
