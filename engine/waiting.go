package engine

import (
	"fmt"
	"sync"
	"time"

	"github.com/sipscript/sipscript/engine/location"
	"github.com/sipscript/sipscript/engine/names"
	"github.com/sipscript/sipscript/engine/proxy"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/transaction"
	"github.com/sipscript/sipscript/sip/transport"
)

// Waiting is how many voice messages lie in a mailbox.
type Waiting struct{ New, Old int }

// mailbox is what waits for a user.
type mailbox struct {
	account string // the URI of the user: the address of record itself has its escapes decoded, and may hold anything
	Waiting
}

// mailboxes are those that were spoken of, by address of record.
type mailboxes struct {
	mu  sync.Mutex // a leaf
	all map[string]mailbox
}

func (b *mailboxes) put(aor string, m mailbox) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.all == nil {
		b.all = map[string]mailbox{}
	}
	b.all[aor] = m
}

func (b *mailboxes) look(aor string) (m mailbox, known bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	m, known = b.all[aor]
	return m, known
}

// SetWaiting says what lies in the mailbox of a user. All phones of that address of record are told at once, and each
// again when it registers. Any goroutine, once the server is started.
func (e *Engine) SetWaiting(user *sip.URI, w Waiting) {
	aor, account := e.names.AOR(user), sip.URI{Scheme: "sip", User: user.User, Host: user.Host}
	e.mailboxes.put(aor, mailbox{account.String(), w})
	c := e.cores[e.shardOf(aor)]
	c.shard.Post(func() {
		bindings, _ := e.Location.Lookup(aor, time.Now())
		c.notify(aor, bindings)
	})
}

// settling is how long a phone has to read the answer to its REGISTER before it is told what waits.
const settling = 100 * time.Millisecond

// remind tells phones that have just registered, or done so again, what waits for their user: one that was off has
// forgotten it, or has never heard. On the committer of the store.
func (e *Engine) remind(aor string, phones []location.Binding) {
	c := e.cores[e.shardOf(aor)]
	c.shard.Post(func() { c.shard.After(settling, func() { c.notify(aor, phones) }) })
}

// notices are the NOTIFYs under way of one shard, by whom they are for and where they go. There is one at a time, so that
// a copy of an old one does not come after a newer one and put the lamp out.
type notices map[place]*notice

type place struct{ aor, contact string }

// notice is a NOTIFY that nobody has subscribed to: most phones take one from their registrar, and some know no other way
// (RFC 3842 has it in subscriptions only). What becomes of it changes nothing: the phone is told again when it registers.
type notice struct {
	core  *core
	at    place
	phone location.Binding
	again bool // something else waits by now
}

// notify tells phones of a user what waits now.
func (c *core) notify(aor string, phones []location.Binding) {
	box, known := c.engine.mailboxes.look(aor)
	if !known {
		return
	}
	for i := range phones {
		n := &notice{core: c, at: place{aor, phones[i].URI}, phone: phones[i]}
		if before := c.notices[n.at]; before != nil {
			before.phone, before.again = n.phone, true
			continue
		}
		m := c.summary(&box, &n.phone)
		if m == nil {
			continue
		}
		if c.notices == nil {
			c.notices = notices{}
		}
		c.notices[n.at] = n
		c.env.Originate(proxy.Own{Message: m, Flow: n.phone.Flow, Near: n.phone.Flow, Contact: ownContact, User: n, Unroutable: n.over})
	}
}

// over makes room for the next one.
func (n *notice) over() {
	delete(n.core.notices, n.at)
	if n.again {
		n.core.notify(n.at.aor, []location.Binding{n.phone})
	}
}

// summary is the NOTIFY for a contact, nil where that is none.
func (c *core) summary(box *mailbox, b *location.Binding) *sip.Message {
	uri, err := sip.ParseURI(b.URI)
	if err != nil {
		return nil
	}
	uri.Headers = ""
	uri.Params = uri.Params.Without("method")
	m := sip.NewRequest(sip.NOTIFY, uri.String())
	for _, hop := range b.Path {
		m.Add("Route", hop)
	}
	m.Add("Max-Forwards", "70")
	m.Add("From", "<"+box.account+">;tag="+string(proxy.AppendBase32(nil, c.rand.Uint64())))
	m.Add("To", "<"+box.account+">")
	m.Add("Call-ID", c.callID())
	m.Add("CSeq", "1 NOTIFY")
	m.Add("Event", "message-summary")
	m.Add("Subscription-State", "terminated;reason=noresource") // there is no subscription to go on with
	m.SetBody("application/simple-message-summary", box.summary())
	return m
}

// summary is the body that RFC 3842 §5.2 wants.
func (b *mailbox) summary() []byte {
	waiting := "no"
	if b.New > 0 {
		waiting = "yes"
	}
	return fmt.Appendf(nil, "Messages-Waiting: %s\r\nMessage-Account: %s\r\nVoice-Message: %d/%d\r\n", waiting, b.account, b.New, b.Old)
}

// callID draws one whose responses come to this shard.
func (c *core) callID() string {
	for {
		id := string(proxy.AppendBase32(proxy.AppendBase32(nil, c.rand.Uint64()), c.rand.Uint64()))
		if c.engine.shardOf(id) == c.shard.Index() {
			return id
		}
	}
}

// ownContact is the Contact of what this server sends outside of calls.
func ownContact(l transport.Listener) string {
	b := names.Write([]byte("<sip:"), l)
	if l.Transport != sip.UDP {
		b = append(append(b, ";transport="...), l.Transport.Param()...)
	}
	return string(append(b, '>'))
}

// ClientResponse implements transaction.ClientUser.
func (n *notice) ClientResponse(_ *transaction.Client, r *sip.Message) {
	switch {
	case r.Status() >= 300:
		n.core.engine.count("mwi_refused")
	case r.Status() >= 200:
		n.core.engine.count("mwi_taken")
	}
}

// ClientFailed implements transaction.ClientUser.
func (n *notice) ClientFailed(*transaction.Client, error) { n.core.engine.count("mwi_unanswered") }

// ClientEnded implements transaction.ClientUser.
func (n *notice) ClientEnded(*transaction.Client) { n.over() }

var _ transaction.ClientUser = (*notice)(nil)
