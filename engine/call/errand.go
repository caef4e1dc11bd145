package call

import (
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/transaction"
)

// errand is a request in the dialog that changes nothing here but by failing: a peer that does not know the dialog any more
// has ended it. Where the peer asks who sends it, it goes once more with the answer (RFC 3261 §22.2).
type errand struct {
	call   *Call
	method string
	done   func(code int) // told the status of the answer, 408 for none; nil: nobody asks
	again  *sip.Message   // as it was before it was authorized; nil: there is no answer to give
}

// mostErrands bounds the requests in a dialog that have no answer and that nobody here waits for: what one peer says is sent
// to the other, and each of them stands for 32 s when that does not answer.
const mostErrands = 64

// busy reports whether there are so many that nothing more is to be said.
func (c *Call) busy() bool {
	if c.errands < mostErrands {
		return false
	}
	c.env.trace("call_flooded")
	return true
}

// runErrand sends m, which done is told the answer of, 408 for none. done may be nil.
func (c *Call) runErrand(m *sip.Message, done func(code int)) {
	e := &errand{call: c, method: m.Method(), done: done}
	if c.auth != nil {
		e.again = m.Clone()
	}
	c.authorize(m)
	c.errands++
	c.originate(m, e)
}

// ClientResponse implements transaction.ClientUser.
func (e *errand) ClientResponse(_ *transaction.Client, r *sip.Message) {
	code := r.Status()
	if code < 200 {
		return
	}
	e.call.env.run(e.call, func() {
		if code != 401 && code != 407 || !e.prove(r) {
			e.over(code)
		}
	})
}

// prove repeats the request with the answer to a challenge, and reports whether there is one. It is another request of the
// dialog, with a number of its own.
func (e *errand) prove(challenge *sip.Message) bool {
	c, m := e.call, e.again
	if m == nil || c.state != answered && c.state != confirmed {
		return false
	}
	e.again = nil
	number, _ := c.session.dialog.Request(e.method).Get("CSeq")
	m.Set("CSeq", number)
	if !c.prove(m, challenge) {
		return false
	}
	c.originate(m, e)
	return true
}

// ClientFailed implements transaction.ClientUser.
func (e *errand) ClientFailed(*transaction.Client, error) {
	e.call.env.run(e.call, func() { e.over(408) })
}

func (e *errand) over(code int) {
	e.call.errands--
	if e.done != nil {
		e.done(code)
	}
	e.call.lost(e.method, code)
}

// ClientEnded implements transaction.ClientUser.
func (e *errand) ClientEnded(*transaction.Client) {}

var _ transaction.ClientUser = (*errand)(nil)
