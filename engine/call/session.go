package call

import (
	"bytes"
	"mime"
	"strings"

	"github.com/sipscript/sipscript/engine/proxy"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/dialog"
)

// session is a dialog and what was agreed in it. A leg has one; one that is dialled has several while it rings.
type session struct {
	dialog *dialog.Dialog
	talks  dialog.Negotiation
	remote []byte // the last description of the peer's that was agreed
	local  []byte // the last of ours
	asked  bool   // remote was an offer, not an answer to ours

	reliable *reliable               // our reliable provisional responses; nil: there were none
	heard    dialog.Acknowledgements // those of the peer
	prack    *sip.Message            // the one whose PRACK is due
	pracks   int                     // PRACKs of ours that have no final response
	later    func()                  // an offer that waits for these

	auth *proxy.Authenticator // answers what the callee asks; nil: there are no credentials
}

// agreed notes the end of an exchange.
func (s *session) agreed(remote, local []byte, theirs bool) {
	s.remote, s.local, s.asked = remote, local, theirs
}

const sdpType = "application/sdp"

// methods are what a leg takes from its peer.
const methods = "INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, PRACK, INFO, MESSAGE, REFER, NOTIFY"

// described finds the session description in a message. refused is the status for a body that has to be understood and
// is not: 415, with Accept (RFC 3261 §8.2.3, RFC 5621 §8).
func described(m *sip.Message) (sdp []byte, refused int) {
	body := m.Body()
	if len(body) == 0 {
		return nil, 0
	}
	text, ok := m.Value(sip.ContentType)
	if !ok {
		return nil, 415
	}
	disposition, _ := m.Value(sip.ContentDisposition)
	optional := strings.Contains(strings.ToLower(disposition), "handling=optional")
	if encoding, coded := m.Value(sip.ContentEncoding); coded && !strings.EqualFold(encoding, "identity") {
		return nil, unless(optional, 415)
	}
	kind, params, err := mime.ParseMediaType(text)
	switch {
	case err != nil:
		return nil, unless(optional, 415)
	case kind == sdpType:
		return bytes.Clone(body), 0
	case kind == "multipart/mixed" || kind == "multipart/alternative" || kind == "multipart/related":
		return sdpPart(body, params["boundary"], kind == "multipart/alternative")
	}
	return nil, unless(optional, 415)
}

// Described is the session description in a message as a leg would read it, nil for none. It is a copy.
func Described(m *sip.Message) []byte {
	sdp, _ := described(m)
	return sdp
}

func unless(optional bool, code int) int {
	if optional {
		return 0
	}
	return code
}

// sdpPart finds the session description in a multipart body (RFC 5621 §3). A part of another type has to be understood
// unless its handling is optional, or an alternative is (RFC 5621 §8.4).
func sdpPart(body []byte, boundary string, alternative bool) (sdp []byte, refused int) {
	if boundary == "" {
		return nil, 415
	}
	for _, part := range bytes.Split(append([]byte("\r\n"), body...), []byte("\r\n--"+boundary))[1:] {
		if bytes.HasPrefix(part, []byte("--")) {
			break
		}
		head, content, ok := bytes.Cut(part, []byte("\r\n\r\n"))
		if !ok {
			continue
		}
		fields := strings.ToLower(string(head))
		switch {
		case strings.Contains(fields, sdpType):
			sdp = bytes.Clone(content)
		case !alternative && !strings.Contains(fields, "handling=optional"):
			refused = 415
		}
	}
	if alternative && sdp == nil {
		refused = 415
	}
	return sdp, refused
}

// status is a code and its reason as a status line has them.
func status(code int, reason string) string {
	if reason == "" {
		reason = sip.Reason(code)
	}
	return string(appendCode(nil, code)) + " " + reason
}

func appendCode(b []byte, code int) []byte {
	return append(b, byte('0'+code/100), byte('0'+code/10%10), byte('0'+code%10))
}

// resumed is a description with all directions open again: what a peer has answered while it was held says nothing about
// what it would do with somebody new.
func resumed(sdp []byte) []byte {
	lines := strings.SplitAfter(string(sdp), "\n")
	kept := lines[:0]
	for _, l := range lines {
		switch strings.TrimRight(l, "\r\n") {
		case "a=sendonly", "a=recvonly", "a=inactive":
		default:
			kept = append(kept, l)
		}
	}
	return []byte(strings.Join(kept, ""))
}

// differs reports whether two descriptions say different things; that they were written at different times (o=) is none.
func differs(a, b []byte) bool { return !bytes.Equal(withoutOrigin(a), withoutOrigin(b)) }

func withoutOrigin(sdp []byte) []byte {
	at := bytes.Index(sdp, []byte("\no="))
	if at < 0 {
		return sdp
	}
	end := bytes.IndexByte(sdp[at+1:], '\n')
	if end < 0 {
		return sdp[:at]
	}
	return append(bytes.Clone(sdp[:at]), sdp[at+1+end:]...)
}
