package engine

import (
	"strconv"
	"strings"

	"github.com/sipscript/sipscript/engine/proxy"
	"github.com/sipscript/sipscript/sip"
)

// Content is what a response of a script's own carries.
type Content struct {
	Headers     []sip.Field
	ContentType string
	Body        []byte
}

// Reply answers. A 1xx may be sent any number of times, to an INVITE only (RFC 4320 §4.1); a final once. Branches
// that still ring are cancelled by a final.
func (r *Request) Reply(code int, reason string, content Content) error {
	if err := r.state(); err != nil {
		return err
	}
	if code < 200 && code != 100 && !r.invite() {
		return ErrProvisional
	}
	if code == 100 {
		r.server.Trying()
		return nil
	}
	m := sip.NewResponse(r.Message, code, reason, r.LocalTag())
	for _, h := range content.Headers {
		m.Add(h.Name, h.Value)
	}
	if len(content.Body) > 0 {
		m.SetBody(content.ContentType, content.Body)
	}
	if code < 200 {
		r.rang = true
	}
	r.respond(m)
	return nil
}

// Challenge answers 401 or 407. An INVITE that nothing has been said to is answered without a transaction, so that a
// flood of unauthenticated ones, whose ACKs never come, costs no memory (RFC 3261 §8.2.7, §26.3.2.4).
func (r *Request) Challenge(code int, headers []sip.Field) error {
	if err := r.state(); err != nil {
		return err
	}
	if !r.invite() || r.server.LastStatus() != 0 || r.ctx != nil {
		return r.Reply(code, "", Content{Headers: headers})
	}
	r.answerAlone(code, headers...)
	return nil
}

// answerAlone answers a request that nothing has been said to without a transaction: what the engine says by itself it can
// say again. An INVITE with a forged source would else have it repeated to a third party for 32 s.
func (r *Request) answerAlone(code int, headers ...sip.Field) {
	r.silence()
	r.core.reply(r.Message, r.Flow, code, headers...)
}

// respond sends a response of our own and, when it is final, closes the request.
func (r *Request) respond(m *sip.Message) {
	code := m.Status()
	if code/100 == 2 && r.invite() {
		r.core.dialogs.add(m)
		r.own(m)
	}
	_ = r.server.Respond(code, encode(m)) // a failed send is reported by the transport
	if code >= 200 {
		r.leave(code)
		r.close()
		if r.ctx != nil {
			r.ctx.Answered()
		}
	}
}

// ReplyResult answers with what a proxied attempt brought.
func (r *Request) ReplyResult(res *proxy.Result) error {
	if err := r.state(); err != nil {
		return err
	}
	if res.Reply == nil || r.ctx == nil || res.Code == 503 {
		code := res.Code
		if code == 503 && !res.Full {
			code = 500 // a 503 would say that this server can serve nothing (RFC 3261 §16.7(6))
		}
		reason := res.Reason
		if code != res.Code {
			reason = ""
		}
		var content Content
		if res.Full {
			content.Headers = []sip.Field{{Name: "Retry-After", Value: strconv.Itoa(proxy.RoomAgain)}}
		}
		return r.Reply(code, reason, content)
	}
	r.close()
	r.ctx.Forward(res.Reply)
	r.ctx.Answered()
	return nil
}

// Drop leaves the request unanswered, on purpose. It may be called for an ACK too.
func (r *Request) Drop() error {
	if r.server == nil {
		r.silent = true
		return nil
	}
	if err := r.state(); err != nil {
		return err
	}
	r.silence()
	return nil
}

// silence ends the request without an answer.
func (r *Request) silence() {
	r.server.Dissolve()
	r.abandoned()
}

// abandoned is the end of a request whose transaction has gone without an answer.
func (r *Request) abandoned() {
	r.silent = true
	r.server = nil
	r.close()
	r.unmerge()
}

// AnswerOptions is the answer to an OPTIONS for the server itself (RFC 3261 §11.2). methods are those a script
// handles.
func (r *Request) AnswerOptions(methods []string) {
	r.answerAlone(200,
		sip.Field{Name: "Allow", Value: strings.Join(methods, ", ")},
		sip.Field{Name: "Accept", Value: "application/sdp"},
		sip.Field{Name: "Supported", Value: "path"})
}

// MethodNotAllowed is the answer to a method that no handler takes.
func (r *Request) MethodNotAllowed(methods []string) {
	r.answerAlone(405, sip.Field{Name: "Allow", Value: strings.Join(methods, ", ")})
}

// BecomeUAS is called before this server acts as the user agent that answers. It returns false, and has answered
// 482, when the same request has come by another way before (RFC 3261 §8.2.2.2).
func (r *Request) BecomeUAS() bool {
	if r.uas != 0 || r.server == nil || r.InDialog() {
		return true
	}
	key := r.mergeKey()
	if !r.core.merged.add(key, r.core.shard.Wheel().Now().UnixNano()) {
		_ = r.Reply(482, "", Content{})
		return false
	}
	r.uas = key
	return true
}

func (r *Request) mergeKey() uint64 {
	var room [256]byte
	b := append(room[:0], r.Message.CallID()...)
	b = append(append(b, 0), r.Message.FromTag()...)
	if c, err := r.Message.CSeq(); err == nil {
		b = strconv.AppendUint(append(b, 0), uint64(c.Number), 10)
		b = append(b, c.Method...)
	}
	return r.core.engine.key.Sum(b)
}

func (r *Request) unmerge() {
	if r.uas != 0 {
		r.core.merged.remove(r.uas)
		r.uas = 0
	}
}
