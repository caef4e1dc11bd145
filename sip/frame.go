package sip

import (
	"bytes"
	"strings"
)

// Frame finds the first whole message in the bytes b of a stream (RFC 3261 §18.3): b[skip:skip+n], where skip counts the CRLFs before it
// and n is 0 as long as more bytes are needed.
//
// The error is a *ParseError after which the stream cannot be framed any more and is to be closed: Content-Length missing, no number or
// contradictory, header section or message too large (513), too many header fields. n is then the length of the header section if that
// is whole, so that [ReadFrame] can give the message to answer; the code of this error is the one to answer with.
func Frame(b []byte, lim Limits) (skip, n int, err error) {
	for len(b)-skip >= 2 && b[skip] == '\r' && b[skip+1] == '\n' {
		skip += 2
	}
	b = b[skip:]
	head := bytes.Index(b, []byte("\r\n\r\n"))
	if head < 0 {
		if len(b) > lim.message() {
			return skip, 0, &ParseError{513, "header section too large"}
		}
		return skip, 0, nil
	}
	head += 4
	length, problem := bodyLength(view(b[:head-2]), lim.headers())
	if problem != nil {
		return skip, head, problem
	}
	if head+length > lim.message() {
		return skip, head, &ParseError{513, "message too large"}
	}
	if head+length > len(b) {
		return skip, 0, nil
	}
	return skip, head + length, nil
}

// bodyLength reads the one Content-Length among header lines that each end in CRLF.
func bodyLength(head string, limit int) (length int, problem *ParseError) {
	length = -1
	count := -1 // the start line is none
	for head != "" {
		end := strings.IndexByte(head, '\n') + 1
		if end == 0 {
			end = len(head)
		}
		for end < len(head) && (head[end] == ' ' || head[end] == '\t') {
			next := strings.IndexByte(head[end:], '\n') + 1
			if next == 0 {
				next = len(head) - end
			}
			end += next
		}
		line := head[:end]
		head = head[end:]
		if count++; count == 0 {
			continue
		}
		if c := line[0] | 0x20; c != 'c' && c != 'l' {
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok || LookupName(trim(name)) != ContentLength {
			continue
		}
		n, ok := parseUint(trim(value), 1<<31)
		if !ok {
			return 0, &ParseError{400, "bad Content-Length"}
		}
		if length >= 0 {
			return 0, &ParseError{400, "more than one Content-Length"}
		}
		length = int(n)
	}
	switch {
	case count > limit:
		return 0, &ParseError{400, "too many header fields"}
	case length < 0:
		return 0, &ParseError{400, "Content-Length missing"}
	}
	return length, nil
}
