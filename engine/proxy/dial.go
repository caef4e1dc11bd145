package proxy

import (
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/transport"
)

// Dialer is a user agent whose request is forked as a proxied one is: the leg of a call that is dialled. What a server
// transaction would send upstream comes to it.
type Dialer interface {
	Owner
	// Contact is the value of the Contact in what leaves by a listener.
	Contact(l transport.Listener) string
	// Progress is a 101 to 199 of a branch whose end is waited for. r is good for this call only.
	Progress(r *sip.Message, p Peer)
	// Answer is a 2xx, the first or any further one, copies included, also when the dial has been given up: it has had no
	// ACK. r is good for this call only.
	Answer(r *sip.Message, p Peer)
}

// Peer is who has answered a dialled request.
type Peer struct {
	Target *Target  // nil for a copy of a 2xx
	Flow   sip.Flow // the one the request went by
	Bound  bool     // nothing else leads to the target: it registered over this flow
}

// NewDial makes the context of a request of the dialer's own. It has everything but Via, Contact and the To, which the
// targets decide. from is a flow that the request leaves near by, routing that of the request it is made for: a dial that
// comes back to where it was dialled is a loop.
func NewDial(env *Env, d Dialer, request *sip.Message, from sip.Flow, routing Routing) *Context {
	routing.Flow, routing.preloaded = sip.Flow{}, ""
	return &Context{
		env: env, dialer: d, origin: &origin{owner: d, request: request, from: from, routing: routing}, invite: request.Method() == sip.INVITE,
	}
}

func (b *branch) peer() Peer {
	p := Peer{Target: b.target, Bound: b.bound}
	if b.attempt != nil && b.client != nil {
		p.Flow = b.client.Flow()
	}
	return p
}

// address makes a dialled request one to the target: whom the caller has asked for is the other side's affair.
func (c *Context) address(m *sip.Message) {
	uri, err := m.URI()
	if err != nil {
		return
	}
	// RFC 3261 §19.1.1, table 1: what a To must not have.
	to := sip.URI{Scheme: uri.Scheme, User: uri.User, Host: uri.Host, Opaque: uri.Opaque}
	m.Set("To", "<"+to.String()+">")
}

// rootLetters are those of a tag made by NewDialTag.
const (
	rootMark    = 'l'
	rootLetters = 1 + 2*markLetters
)

// Root tells which call was the first of those that were dialled for one another: of the request that came, the first if
// it was not dialled here.
func Root(m *sip.Message, r Routing) uint64 {
	if root, ok := readRoot(m.FromTag()); ok {
		return root
	}
	return r.Loop.plain
}

// NewDialTag makes the From tag of a request that is dialled. It tells nobody but us which call was the first: a request
// of ours that comes round, with another Call-ID each time, is known by it.
func NewDialTag(random func() uint64, root uint64) string {
	var b [rootLetters]byte
	return string(AppendBase32(AppendBase32(append(b[:0], rootMark), random()), root))
}

// readRoot reads what NewDialTag has written.
func readRoot(tag string) (root uint64, ok bool) {
	if len(tag) != rootLetters || tag[0] != rootMark {
		return 0, false
	}
	return readBase32(tag[1+markLetters:])
}
