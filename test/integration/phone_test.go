//go:build integration && linux

package integration

import (
	"bufio"
	"bytes"
	"context"
	"crypto/md5"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"net"
	"net/textproto"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// phone is a user agent that does what the test says and nothing by itself, over one UDP socket or one connection. It is written without
// the packages under test, so that a mistake in them does not hide itself.
type phone struct {
	t         *testing.T
	transport string
	server    string
	conn      net.Conn
	inbox     chan message
	kept      []message // received while something else was awaited
	next      int
	id        string

	contactAddress string // in Contact; empty: the phone's own
}

// message is a SIP message as a phone sees it.
type message struct {
	start   string
	header  textproto.MIMEHeader
	headers string // all header fields as they came
	body    string
}

func (m message) get(name string) string { return m.header.Get(name) }

// status is 0 for a request.
func (m message) status() int {
	if !strings.HasPrefix(m.start, "SIP/2.0 ") {
		return 0
	}
	code, _ := strconv.Atoi(m.start[8:min(11, len(m.start))])
	return code
}

func (m message) method() string {
	if m.status() != 0 {
		_, method, _ := strings.Cut(m.get("CSeq"), " ")
		return method
	}
	method, _, _ := strings.Cut(m.start, " ")
	return method
}

// newPhone opens a socket or a connection to the server.
func newPhone(t *testing.T, s *site, transport string) *phone {
	t.Helper()
	p := &phone{t: t, transport: transport, server: s.address(transport), inbox: make(chan message, 1000), id: token()}
	dialer := &net.Dialer{Timeout: 5 * time.Second, LocalAddr: nil}
	var err error
	switch transport {
	case "udp":
		dialer.LocalAddr = &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}
		p.conn, err = dialer.Dial("udp4", p.server)
	case "tcp":
		p.conn, err = dialer.Dial("tcp4", p.server)
	case "tls":
		p.conn, err = tls.DialWithDialer(dialer, "tcp4", p.server, &tls.Config{InsecureSkipVerify: true}) // the certificate is one of the test
	}
	if err != nil {
		t.Fatalf("phone over %s to %s: %v", transport, p.server, err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.receive()
	}()
	t.Cleanup(func() {
		p.conn.Close()
		<-done
	})
	return p
}

func (p *phone) address() string { return p.conn.LocalAddr().String() }

func (p *phone) receive() {
	defer close(p.inbox)
	if p.transport == "udp" {
		b := make([]byte, 1<<16)
		for {
			n, err := p.conn.Read(b)
			if err != nil && n == 0 {
				if strings.Contains(err.Error(), "refused") {
					continue // the server has not opened its socket, or has closed it
				}
				return
			}
			if m, err := readMessage(bufio.NewReader(bytes.NewReader(b[:n]))); err == nil {
				p.inbox <- m
			}
		}
	}
	for in := bufio.NewReader(p.conn); ; {
		m, err := readMessage(in)
		if err != nil {
			return
		}
		p.inbox <- m
	}
}

func readMessage(in *bufio.Reader) (message, error) {
	var m message
	for m.start == "" { // CRLF before a message is a keep-alive
		start, err := in.ReadString('\n')
		if err != nil {
			return m, err
		}
		m.start = strings.TrimSpace(start)
	}
	for {
		field, err := in.ReadString('\n')
		if err != nil {
			return m, err
		}
		m.headers += field
		if strings.TrimSpace(field) == "" {
			break
		}
	}
	var err error
	if m.header, err = textproto.NewReader(bufio.NewReader(strings.NewReader(m.headers))).ReadMIMEHeader(); err != nil {
		return m, err
	}
	n, _ := strconv.Atoi(m.get("Content-Length"))
	body := make([]byte, n)
	_, err = io.ReadFull(in, body)
	m.body = string(body)
	return m, err
}

func (p *phone) send(text string) {
	p.t.Helper()
	if _, err := p.conn.Write([]byte(text)); err != nil {
		p.t.Fatalf("phone: sending: %v", err)
	}
}

// request makes a request outside a dialog. Header fields are whole lines without their ends; one that is given replaces the one made here.
func (p *phone) request(method, uri, user string, fields ...string) string {
	p.next++
	id := fmt.Sprintf("%s-%d", p.id, p.next)
	all := []string{
		"Via: SIP/2.0/" + strings.ToUpper(p.transport) + " " + p.address() + ";branch=z9hG4bK" + id + ";rport",
		"Max-Forwards: 70",
		"From: <sip:" + user + ">;tag=f" + id,
		"To: <" + uri + ">",
		"Call-ID: " + id,
		"CSeq: 1 " + method,
	}
	if method == "INVITE" || method == "REGISTER" {
		all = append(all, "Contact: <"+p.contact(strings.Split(user, "@")[0])+">")
	}
	return compose(method+" "+uri+" SIP/2.0", "", append(all, fields...))
}

func (p *phone) contact(user string) string {
	address := p.contactAddress
	if address == "" {
		address = p.address()
	}
	return "sip:" + user + "@" + address + map[string]string{"tcp": ";transport=tcp", "tls": ";transport=tls"}[p.transport]
}

// compose puts a message together. Of fields with one name the last counts, except where a message has several.
func compose(start, body string, fields []string) string {
	name := func(field string) string {
		n, _, _ := strings.Cut(field, ":")
		return strings.ToLower(n)
	}
	several := []string{"via", "record-route", "route"}
	var b strings.Builder
	b.WriteString(start + "\r\n")
	for i, field := range fields {
		later := slices.ContainsFunc(fields[i+1:], func(f string) bool { return name(f) == name(field) })
		if !later || slices.Contains(several, name(field)) {
			b.WriteString(field + "\r\n")
		}
	}
	fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n%s", len(body), body)
	return b.String()
}

// await returns the first message that matches, of those that came or come within 5 s.
func (p *phone) await(what string, match func(message) bool) message {
	p.t.Helper()
	m, ok := p.within(5*time.Second, match)
	if !ok {
		p.t.Fatalf("phone: no %s within 5 s; got %v", what, starts(p.kept))
	}
	return m
}

func (p *phone) within(d time.Duration, match func(message) bool) (message, bool) {
	if i := slices.IndexFunc(p.kept, match); i >= 0 {
		m := p.kept[i]
		p.kept = slices.Delete(p.kept, i, i+1)
		return m, true
	}
	for deadline := time.After(d); ; {
		select {
		case m, ok := <-p.inbox:
			if !ok {
				return message{}, false
			}
			if match(m) {
				return m, true
			}
			p.kept = append(p.kept, m)
		case <-deadline:
			return message{}, false
		}
	}
}

func starts(all []message) (lines []string) {
	for _, m := range all {
		lines = append(lines, m.start)
	}
	return lines
}

var callIDPattern = regexp.MustCompile(`(?m)^Call-ID: (\S+)\r?$`)

func callID(request string) string { return callIDPattern.FindStringSubmatch(request)[1] }

// final matches the final response to a request.
func final(request string) func(message) bool {
	id := callID(request)
	method, _, _ := strings.Cut(request, " ")
	return func(m message) bool { return m.status() >= 200 && m.get("Call-ID") == id && m.method() == method }
}

// exchange sends a request and returns its final response.
func (p *phone) exchange(request string) message {
	p.t.Helper()
	p.send(request)
	return p.await("final response to "+request[:strings.IndexByte(request, '\r')], final(request))
}

// options asks the server itself and returns the status, 0 when no answer comes within a second.
func (p *phone) options() int {
	p.t.Helper()
	request := p.request("OPTIONS", "sip:"+p.server, "probe@"+p.address())
	p.send(request)
	m, _ := p.within(time.Second, final(request))
	return m.status()
}

// register makes this phone the contact of a user, with digest authentication where it is asked for, and fails the test unless it is.
func (p *phone) register(s *site, user string) {
	p.t.Helper()
	aor := user + "@" + s.domain
	request := p.request("REGISTER", "sip:"+s.domain, aor, "To: <sip:"+aor+">", "Expires: 300")
	m := p.exchange(request)
	if m.status() == 401 {
		m = p.exchange(p.request("REGISTER", "sip:"+s.domain, aor, "To: <sip:"+aor+">", "Expires: 300",
			"Call-ID: "+m.get("Call-ID"), "From: "+m.get("From"), "CSeq: 2 REGISTER", "Authorization: "+credentials(p.t, m.header.Values("WWW-Authenticate"), "REGISTER", "sip:"+s.domain, user, s.passwords[user])))
	}
	if m.status() != 200 {
		p.t.Fatalf("REGISTER of %s: %s", user, m.start)
	}
}

// failureAck is the ACK of a failed INVITE: same URI, Via, From, Call-ID and CSeq number.
func failureAck(invite string, failure message) string {
	uri := strings.Fields(invite)[1]
	via := regexp.MustCompile(`(?m)^Via: .*$`).FindString(invite)
	seq, _, _ := strings.Cut(failure.get("CSeq"), " ")
	return compose("ACK "+uri+" SIP/2.0", "", []string{strings.TrimSpace(via), "Max-Forwards: 70", "From: " + failure.get("From"),
		"To: " + failure.get("To"), "Call-ID: " + failure.get("Call-ID"), "CSeq: " + seq + " ACK"})
}

// reply answers a request that has come.
func (p *phone) reply(request message, status string, fields ...string) {
	p.t.Helper()
	to := request.get("To")
	if !strings.Contains(to, ";tag=") {
		to += ";tag=t" + p.id
	}
	all := []string{"From: " + request.get("From"), "To: " + to, "Call-ID: " + request.get("Call-ID"), "CSeq: " + request.get("CSeq")}
	for _, name := range []string{"Via", "Record-Route"} {
		for _, value := range request.header.Values(name) {
			all = append(all, name+": "+value)
		}
	}
	p.send(compose("SIP/2.0 "+status, "", append(all, fields...)))
}

var parameterPattern = regexp.MustCompile(`(\w+)=(?:"([^"]*)"|([^\s,]+))`)

// credentials answers one of several digest challenges (RFC 7616), the first whose algorithm is known here.
func credentials(t *testing.T, challenges []string, method, uri, user, password string) string {
	t.Helper()
	for _, challenge := range challenges {
		given := map[string]string{}
		for _, m := range parameterPattern.FindAllStringSubmatch(challenge, -1) {
			given[strings.ToLower(m[1])] = m[2] + m[3]
		}
		algorithm := given["algorithm"]
		hashes := map[string]func() hash.Hash{"": md5.New, "MD5": md5.New, "SHA-256": sha256.New}
		newHash, known := hashes[strings.ToUpper(algorithm)]
		if !known {
			continue
		}
		sum := func(parts ...string) string {
			h := newHash()
			io.WriteString(h, strings.Join(parts, ":"))
			return hex.EncodeToString(h.Sum(nil))
		}
		ha1, ha2 := sum(user, given["realm"], password), sum(method, uri)
		answer := fmt.Sprintf(`Digest username=%q, realm=%q, nonce=%q, uri=%q`, user, given["realm"], given["nonce"], uri)
		if algorithm != "" {
			answer += ", algorithm=" + algorithm
		}
		if opaque, ok := given["opaque"]; ok {
			answer += fmt.Sprintf(`, opaque=%q`, opaque)
		}
		if given["qop"] == "" {
			return answer + fmt.Sprintf(`, response=%q`, sum(ha1, given["nonce"], ha2))
		}
		cnonce := token()
		return answer + fmt.Sprintf(`, qop=auth, nc=00000001, cnonce=%q, response=%q`, cnonce, sum(ha1, given["nonce"], "00000001", cnonce, "auth", ha2))
	}
	t.Fatalf("no digest challenge with a known algorithm in %q", challenges)
	return ""
}

func token() string {
	b := make([]byte, 8)
	rand.Read(b)
	return hex.EncodeToString(b)
}

// eventually asks again and again until yes says so or the time is over.
func eventually(ctx context.Context, timeout time.Duration, yes func() bool) bool {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	for !yes() {
		select {
		case <-ctx.Done():
			return yes()
		case <-time.After(20 * time.Millisecond):
		}
	}
	return true
}
