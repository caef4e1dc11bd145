package call

import (
	"github.com/sipscript/sipscript/engine/media"
	"github.com/sipscript/sipscript/engine/proxy"
	"github.com/sipscript/sipscript/sip"
)

// link joins two legs: what one has dialled, or the two sides of a bridge. It never changes, so that both shards may read
// it; that a leg still has it is what makes a message that comes by it count.
type link struct{ a, b *Call }

func (l *link) other(c *Call) *Call {
	if l.a == c {
		return l.b
	}
	return l.a
}

// tell posts a message to the other end, which handles it when its turn comes.
func (l *link) tell(from *Call, m message) {
	if to := l.other(from); to != nil {
		to.env.Loop.Post(func() { to.env.run(to, func() { m.reach(to, l) }) })
	}
}

// message is what one end of a link tells the other. What is in it belongs to the receiver.
type message interface{ reach(c *Call, l *link) }

// rings is a provisional response to a dialled INVITE.
type rings struct {
	code   int
	reason string
	early  string // which of the callee's dialogs it is
	sdp    []byte // a preview of the answer, or nil
	offers bool   // sdp is an offer
	from   media.Terminal
	fields []sip.Field // that may cross
}

// dialled is how a dial has ended.
type dialled struct {
	result proxy.Result
	sdp    []byte // of the 2xx
	offers bool   // it is an offer, whose answer goes into the ACK
	early  string // which of the callee's dialogs has been answered
	from   media.Terminal
	fields []sip.Field
}

// offer is a re-INVITE or UPDATE of the peer's peer.
type offer struct {
	method string
	sdp    []byte // nil: it asks for an offer
	from   media.Terminal
}

// reply is what became of an offer. Without a status the exchange is over.
type reply struct {
	code int // 2xx: sdp is the answer, or the offer that was asked for
	sdp  []byte
	from media.Terminal
}

// ack brings the answer to the offer in a 2xx.
type ack struct {
	sdp  []byte // nil: there was none
	from media.Terminal
}

// withdrawn says that the peer has cancelled its offer.
type withdrawn struct{}

// said is what a peer sends to the other while they talk: INFO, MESSAGE.
type said struct {
	method, kind string
	body         []byte
	fields       []sip.Field
}

// ended says that the other leg is over.
type ended struct{ cause Cause }

// parted says that the other leg lives on without this one.
type parted struct {
	cause Cause
	keeps bool // who has joined this leg goes on to have it
}

// mine finds the dial whose link it is.
func (c *Call) attemptOf(l *link) *attempt {
	for _, a := range c.dials {
		if a.link == l {
			return a
		}
	}
	return nil
}

func (m ended) reach(c *Call, l *link) {
	if c.state == over {
		return
	}
	if a := c.attemptOf(l); a != nil {
		a.gone()
		return
	}
	if c.link == l {
		c.left(m.cause)
	}
}

func (m parted) reach(c *Call, l *link) {
	switch {
	case c.link != l || !c.state.live():
	case m.keeps:
		c.joined = false
		if c.terminal != nil {
			c.backend.Part(c.terminal)
		}
	default:
		c.left(m.cause)
	}
}
