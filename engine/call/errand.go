package call

import (
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/transaction"
)

// errand is the user of a request in the dialog that changes nothing here but by failing: a peer that does not know the
// dialog any more has ended it.
type errand struct {
	call   *Call
	method string
	done   func(code int)
}

// ClientResponse implements transaction.ClientUser.
func (e errand) ClientResponse(_ *transaction.Client, r *sip.Message) {
	if r.Status() >= 200 {
		e.over(r.Status())
	}
}

// ClientFailed implements transaction.ClientUser.
func (e errand) ClientFailed(*transaction.Client, error) { e.over(408) }

func (e errand) over(code int) {
	c := e.call
	c.env.run(c, func() {
		if e.done != nil {
			e.done(code)
		}
		c.lost(e.method, code)
	})
}

// ClientEnded implements transaction.ClientUser.
func (e errand) ClientEnded(*transaction.Client) {}

var _ transaction.ClientUser = errand{}
