package sip

import "strings"

// mandatory are the header fields no message can do without (RFC 3261 §8.1.1). Max-Forwards and the From tag are missing in RFC 2543
// messages and so are not demanded (RFC 4475 §3.4.1).
const mandatory = 1<<Via | 1<<From | 1<<To | 1<<CallID | 1<<CSeq

// single are the header fields that make no sense twice: two elements would each choose another one (RFC 3261 §7.3.1).
const single = 1<<From | 1<<To | 1<<CallID | 1<<CSeq | 1<<MaxForwards | 1<<ContentLength

// screen checks what every element relies on, so that what comes after need not. What only some elements use is checked by the accessor
// that they use.
func (m *Message) screen() *ParseError {
	if missing := mandatory &^ m.present; missing != 0 {
		return &ParseError{400, "missing " + firstName(missing)}
	}
	if twice := single & m.repeated; twice != 0 {
		return &ParseError{400, "more than one " + firstName(twice)}
	}
	if _, err := m.Via(); err != nil {
		return &ParseError{400, "bad Via"}
	}
	if len(m.via.Branch) == len(BranchCookie) && equalFold(m.via.Branch, BranchCookie) {
		return &ParseError{400, "branch identifies nothing"} // RFC 4475 §3.2.1
	}
	cseq, err := m.CSeq()
	if err != nil {
		return &ParseError{400, "bad CSeq"}
	}
	if m.status == 0 && cseq.Method != m.method {
		if _, known := internMethod(m.method); !known {
			return &ParseError{501, "unknown method, and CSeq names another"} // RFC 4475 §3.1.2.18
		}
		return &ParseError{400, "CSeq names another method"}
	}
	if id := m.CallID(); id == "" || strings.IndexByte(id, ' ') >= 0 || strings.IndexByte(id, '\t') >= 0 {
		return &ParseError{400, "bad Call-ID"}
	}
	if m.split(From) != "" || m.from.Star {
		return &ParseError{400, "bad From"}
	}
	if m.split(To) != "" || m.to.Star {
		return &ParseError{400, "bad To"}
	}
	return nil
}

func firstName(set uint64) string {
	for n := range names {
		if set&(1<<n) != 0 {
			return n.String()
		}
	}
	return ""
}
