//go:build linux

package load

import (
	"fmt"
	"strconv"
	"strings"
)

// Places in a template that take a number of fixed width.
const (
	placeNumber = "##########"
	placeUser   = "$$$$$$$"
	placeCSeq   = "%%%%%%"
)

// template is a request with places for the operation's number, the user's number and the CSeq number.
type template struct {
	text                 []byte
	numbers, users, seqs []int
}

func newTemplate(head, body string) template {
	text := strings.ReplaceAll(head, "\n", "\r\n") + "Content-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body
	return template{text: []byte(text), numbers: places(text, placeNumber), users: places(text, placeUser), seqs: places(text, placeCSeq)}
}

func places(text, place string) (at []int) {
	for from := 0; ; {
		i := strings.Index(text[from:], place)
		if i < 0 {
			return at
		}
		at = append(at, from+i)
		from += i + len(place)
	}
}

func (t *template) append(dst []byte, number, user, cseq int64) []byte {
	base := len(dst)
	dst = append(dst, t.text...)
	for _, at := range t.numbers {
		putDigits(dst[base+at:][:len(placeNumber)], number)
	}
	for _, at := range t.users {
		putDigits(dst[base+at:][:len(placeUser)], user)
	}
	for _, at := range t.seqs {
		putDigits(dst[base+at:][:len(placeCSeq)], cseq)
	}
	return dst
}

func putDigits(dst []byte, n int64) {
	for i := len(dst) - 1; i >= 0; i-- {
		dst[i] = byte('0' + n%10)
		n /= 10
	}
}

func appendNumber(dst []byte, n int64) []byte {
	dst = append(dst, "0000000000"...)
	putDigits(dst[len(dst)-10:], n)
	return dst
}

// sdp is a plain audio offer or answer: media never flows in a load test.
func sdp(port int) string {
	return strings.ReplaceAll(fmt.Sprintf(`v=0
o=load 53655765 2353687637 IN IP4 127.0.0.1
s=-
c=IN IP4 127.0.0.1
t=0 0
m=audio %d RTP/AVP 8 0 101
a=rtpmap:8 PCMA/8000
a=rtpmap:0 PCMU/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-16
a=sendrecv
`, port), "\n", "\r\n")
}

// request makes the template of the run's first request. A branch names its operation and, by one letter, its method, so that a response
// can be held against the request it answers.
func (g *generator) request() template {
	fill := strings.NewReplacer("{run}", g.run, "{target}", g.cfg.Target.String(), "{caller}", g.cfg.Caller.String(), "{callee}", g.cfg.Callee.String())
	switch g.cfg.Mode {
	case Register:
		return newTemplate(fill.Replace(`REGISTER sip:{target} SIP/2.0
Via: SIP/2.0/UDP {caller};branch=z9hG4bK{run}R##########;rport
Max-Forwards: 70
From: <sip:u$$$$$$$@{target}>;tag=f##########
To: <sip:u$$$$$$$@{target}>
Call-ID: {run}-r$$$$$$$@127.0.0.1
CSeq: %%%%%% REGISTER
Contact: <sip:u$$$$$$$@{callee}>
Expires: 3600
User-Agent: sipscript-load
`), "")
	case Message:
		return newTemplate(fill.Replace(`MESSAGE sip:u$$$$$$$@{target} SIP/2.0
Via: SIP/2.0/UDP {caller};branch=z9hG4bK{run}M##########;rport
Max-Forwards: 70
From: <sip:caller@{target}>;tag=f##########
To: <sip:u$$$$$$$@{target}>
Call-ID: {run}-##########@127.0.0.1
CSeq: 1 MESSAGE
User-Agent: sipscript-load
Content-Type: text/plain
`), "Is anybody out there")
	case Call, B2BUA:
		return newTemplate(fill.Replace(`INVITE sip:u$$$$$$$@{target} SIP/2.0
Via: SIP/2.0/UDP {caller};branch=z9hG4bK{run}I##########;rport
Max-Forwards: 70
From: "Caller" <sip:c##########@{target}>;tag=f##########
To: <sip:u$$$$$$$@{target}>
Call-ID: {run}-##########@127.0.0.1
CSeq: 1 INVITE
Contact: <sip:caller@{caller}>
Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, UPDATE, MESSAGE
Supported: replaces, timer
User-Agent: sipscript-load
Content-Type: application/sdp
`), sdp(40000))
	}
	return newTemplate(fill.Replace(`OPTIONS sip:{target} SIP/2.0
Via: SIP/2.0/UDP {caller};branch=z9hG4bK{run}O##########;rport
Max-Forwards: 70
From: <sip:caller@{target}>;tag=f##########
To: <sip:{target}>
Call-ID: {run}-##########@127.0.0.1
CSeq: 1 OPTIONS
Contact: <sip:caller@{caller}>
Accept: application/sdp
User-Agent: sipscript-load
`), "")
}
