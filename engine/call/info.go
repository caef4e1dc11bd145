package call

import (
	"strings"
	"time"

	"github.com/sipscript/sipscript/sip"
)

// info is an INFO of the peer, RFC 6086. What belongs to no package is passed to the other side of a bridge; an INFO
// without anything keeps the dialog alive.
func (c *Call) info(in *inbound) {
	if _, packaged := in.m.Get("Info-Package"); packaged {
		// No package is known here; the dialog goes on (RFC 6086 §4.2.2).
		in.reply(469, func(r *sip.Message) { r.Add("Recv-Info", "") })
		return
	}
	in.reply(200, nil)
	m := c.saidBy(in.m)
	if digit, d, ok := digitIn(m.kind, string(m.body)); ok {
		c.emit(Event{Kind: Digit, Digit: digit, Duration: d})
	} else {
		c.emit(Event{Kind: Info, Type: m.kind, Body: m.body})
	}
	c.pass(m)
}

// message is a MESSAGE of the peer (RFC 3428 §3).
func (c *Call) message(in *inbound) {
	in.reply(200, nil)
	m := c.saidBy(in.m)
	c.emit(Event{Kind: Message, Type: m.kind, Body: m.body})
	c.pass(m)
}

func (c *Call) saidBy(m *sip.Message) said {
	kind, _ := m.Value(sip.ContentType)
	return said{method: m.Method(), kind: strings.Clone(kind), body: append([]byte(nil), m.Body()...), fields: crossing(m, c.options.Headers)}
}

// pass takes what the peer has said to whom it talks with.
func (c *Call) pass(m said) {
	if c.link != nil && c.joined {
		c.link.tell(c, m)
	}
}

func (m said) reach(c *Call, l *link) {
	if c.link == l && c.state == confirmed && !c.busy() {
		c.say(m)
	}
}

func (c *Call) say(m said) {
	r := c.session.dialog.Request(m.method)
	add(r, m.fields)
	if len(m.body) > 0 {
		r.SetBody(m.kind, m.body)
	}
	c.runErrand(r, nil)
}

// Send sends an INFO or a MESSAGE to the peer. done is told the status of the answer, 408 for none. Behind
// an answer of ours it waits for the ACK; a leg that ends before it is told 481.
func (c *Call) Send(method, contentType string, body []byte, done func(code int)) error {
	if c.state == answered && len(c.unacked) > 0 {
		forget := c.AtEnd(func() { done(481) })
		c.whenReady(func() {
			forget()
			if err := c.Send(method, contentType, body, done); err != nil {
				done(481)
			}
		})
		return nil
	}
	if c.state != confirmed {
		return c.wrong()
	}
	r := c.session.dialog.Request(method)
	if len(body) > 0 {
		r.SetBody(contentType, body)
	}
	c.runErrand(r, done)
	return nil
}

// digitIn reads a digit as phones put it into an INFO: application/dtmf-relay with lines, application/dtmf with the digit
// alone.
func digitIn(kind, body string) (digit string, d time.Duration, ok bool) {
	kind, _, _ = strings.Cut(strings.ToLower(kind), ";")
	switch strings.TrimSpace(kind) {
	case "application/dtmf":
		digit = strings.TrimSpace(body)
	case "application/dtmf-relay":
		for line := range strings.Lines(body) {
			name, value, _ := strings.Cut(line, "=")
			value = strings.TrimSpace(value)
			switch strings.ToLower(strings.TrimSpace(name)) {
			case "signal":
				digit = value
			case "duration":
				if n, valid := sip.ParseSeconds(value); valid {
					d = time.Duration(n) * time.Millisecond
				}
			}
		}
	}
	switch digit {
	case "10":
		digit = "*"
	case "11":
		digit = "#"
	}
	return digit, d, len(digit) == 1 && strings.IndexByte("0123456789*#ABCDabcd", digit[0]) >= 0
}

// digitGap is the pause between two digits, long enough for a gateway that plays them.
const digitGap = 160 * time.Millisecond

// SendDTMF sends digits to the peer, each in an INFO (application/dtmf-relay). done is told when the last was taken.
func (c *Call) SendDTMF(digits string, done func(error)) {
	if digits == "" {
		done(nil)
		return
	}
	body := "Signal=" + digits[:1] + "\r\nDuration=160\r\n"
	err := c.Send(sip.INFO, "application/dtmf-relay", []byte(body), func(code int) {
		if code/100 != 2 {
			done(&StatusError{Code: code})
			return
		}
		c.env.Loop.After(digitGap, func() { c.env.run(c, func() { c.SendDTMF(digits[1:], done) }) })
	})
	if err != nil {
		done(err)
	}
}
