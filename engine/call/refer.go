package call

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sipscript/sipscript/engine/proxy"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/dialog"
)

// Transfers decides about a REFER in a call that ends here: it calls Accept or Refuse of t, once, at once or later.
type Transfers func(t *Transfer)

// Transfer is a REFER that somebody has to decide about.
type Transfer struct {
	By       *Call  // whose peer sends its party away; on this shard
	Target   string // the URI, without header fields
	Attended bool   // Replaces names a call of another server

	t *transfer
}

// Accept lets the other party of the call be connected with these targets.
func (t *Transfer) Accept(groups []proxy.Group, o DialOptions) {
	if t.t.decided || t.t.over {
		return
	}
	t.t.decided = true
	t.t.dial(groups, o)
}

// Refuse refuses it.
func (t *Transfer) Refuse(code int) {
	if t.t.decided || t.t.over {
		return
	}
	t.t.decided = true
	t.t.refuse(code)
}

// transfer is a REFER at the leg that has got it.
//
//	event                          what the peer is told
//	REFER is allowed               202, NOTIFY 100 (RFC 3515 §2.4.4)
//	the new one rings              NOTIFY 180
//	it has answered                NOTIFY 200, terminated; then BYE
//	it has not                     NOTIFY of the failure, terminated; the call is as it was
//	the peer has hung up           nothing any more; the transfer goes on
type transfer struct {
	call    *Call
	in      *inbound
	id      string // of the Event: the CSeq of a second and later REFER (RFC 3515 §2.4.6)
	silent  bool   // no NOTIFYs are wanted (RFC 4488)
	decided bool
	over    bool
	code    int // told last
	party   *Call
	replace string // a Replaces for whom is dialled, or ""
}

// notifies is how long a transferor can expect to be told of a transfer.
const notifies = 180 * time.Second

// mostTransfers is how many REFERs of one peer may be undecided or under way: each may keep a script waiting.
const mostTransfers = 4

// refer is a REFER: the peer sends whom it talks with to somebody else.
func (c *Call) refer(in *inbound) {
	to, err := in.m.ReferTo()
	switch {
	case err != nil:
		in.reply(400, nil)
		return
	case c.state != confirmed || !c.joined:
		in.reply(603, nil)
		return
	}
	if len(c.transfers) >= mostTransfers {
		in.tooEarly(dialog.Refused{Status: 500, RetryAfter: true})
		return
	}
	t := &transfer{call: c, in: in, party: c.link.other(c)}
	if cseq, err := in.m.CSeq(); err == nil && c.referred {
		t.id = strconv.FormatUint(uint64(cseq.Number), 10)
	}
	if v, ok := in.m.Get("Refer-Sub"); ok && strings.EqualFold(strings.TrimSpace(v), "false") {
		t.silent = true
	}
	c.referred = true
	c.transfers = append(c.transfers, t)
	if text, ok := to.URI.Header("Replaces"); ok {
		v, err := sip.ParseReplaces(text)
		if err != nil {
			t.refuse(400)
			return
		}
		t.attended(v, to)
		return
	}
	t.ask(to, false)
}

// ask asks who decides.
func (t *transfer) ask(to *sip.Address, attended bool) {
	decide := t.call.env.Transfers
	if decide == nil {
		t.refuse(603)
		return
	}
	uri := to.URI
	uri.Headers = ""
	decide(&Transfer{By: t.call, Target: uri.String(), Attended: attended, t: t})
}

// accept answers the REFER.
func (t *transfer) accept() {
	t.in.reply(202, func(r *sip.Message) {
		r.Add("Contact", t.call.session.dialog.Contact())
		if t.silent {
			r.Add("Refer-Sub", "false")
		}
	})
	t.notify(100, false)
}

func (t *transfer) refuse(code int) {
	t.over = true
	t.in.reply(code, nil)
	t.forget()
}

func (t *transfer) forget() {
	c := t.call
	c.transfers = slices.DeleteFunc(c.transfers, func(other *transfer) bool { return other == t })
}

// abandon is the end of the transferor's leg: nobody is told any more.
func (t *transfer) abandon() {
	t.over = true
	t.in.refuse(487)
}

// dial has the party call the targets.
func (t *transfer) dial(groups []proxy.Group, o DialOptions) {
	t.accept()
	if t.replace != "" {
		o.Leg.Extra = append(slices.Clone(o.Leg.Extra), sip.Field{Name: "Replaces", Value: t.replace})
	}
	if by, err := t.in.m.ReferredBy(); err == nil {
		o.Leg.Extra = append(slices.Clone(o.Leg.Extra), sip.Field{Name: "Referred-By", Value: by.String()}) // RFC 3892 §2.2
	}
	from := t.call
	t.party.On(func(c *Call) {
		c.redial(groups, o, func(code int, final bool) {
			from.On(func(*Call) { t.progress(code, final) })
		})
	})
}

// redial calls somebody in the place of who this leg is with. If nobody answers all stays as it was.
func (c *Call) redial(groups []proxy.Group, o DialOptions, told func(code int, final bool)) {
	if c.state != confirmed || c.taken {
		told(481, true)
		return
	}
	c.taken = true
	o.Leg.Direct, o.Leg.Headers = c.options.Direct, c.options.Headers
	c.Dial(groups, o, func(leg *Call, res proxy.Result) {
		if leg == nil {
			c.passed(&StatusError{Code: res.Code})
			told(res.Code, true)
			return
		}
		c.join(leg, func(err error) {
			c.passed(err)
			if err != nil {
				told(488, true)
				return
			}
			told(200, true)
		})
	})
	for _, a := range c.dials {
		if a.done != nil {
			a.progress = func(code int, _ string) { told(code, false) }
		}
	}
}

// passed is the end of a transfer at the leg that was passed on.
func (c *Call) passed(err error) {
	c.taken = false
	if !c.state.live() {
		return
	}
	if err == nil {
		c.openPair()
		c.emit(Event{Kind: Transferred})
		return
	}
	if c.link == nil { // the transferor has gone meanwhile
		c.Hangup(Cause{By: ByTransfer, Code: 480})
	}
}

// progress tells the transferor how the transfer goes.
func (t *transfer) progress(code int, final bool) {
	if t.over {
		return
	}
	if !final {
		if code != t.code {
			t.notify(code, false)
		}
		return
	}
	t.over = true
	t.forget()
	t.notify(code, true)
	c := t.call
	if code/100 == 2 && c.state.live() {
		c.leave()
		if b := c.bridge; b != nil {
			c.bridge = nil
			b.finish(EndTransfer)
		}
	}
}

// notify tells it in a NOTIFY, RFC 3515 §2.4.5. When it is the last one and all went well the transferor has done what it
// was for.
func (t *transfer) notify(code int, last bool) {
	c := t.call
	t.code = code
	farewell := last && code/100 == 2
	if t.silent || !c.state.live() || !last && c.busy() {
		if farewell {
			c.Hangup(Cause{By: ByTransfer})
		}
		return
	}
	state := "active;expires=" + strconv.Itoa(int(notifies/time.Second))
	if last {
		state = "terminated;reason=noresource"
	}
	c.runErrand(t.notification(code, state), func(int) {
		if farewell {
			c.Hangup(Cause{By: ByTransfer})
		}
	})
}

// notification is a NOTIFY that says how it goes, and this about the subscription.
func (t *transfer) notification(code int, state string) *sip.Message {
	m := t.call.session.dialog.Request(sip.NOTIFY)
	event := "refer"
	if t.id != "" {
		event += ";id=" + t.id
	}
	m.Add("Event", event)
	m.Add("Subscription-State", state)
	m.SetBody("message/sipfrag;version=2.0", []byte("SIP/2.0 "+status(code, "")+"\r\n"))
	return m
}

// attended connects the party with the party of another call of the transferor's, RFC 3891: here the dialog that is to be
// replaced ends at this server, wherever its shard is. Else it is asked for as any other target is. A call that is not the
// transferor's own is none of its business, though it knows the names of its dialog (RFC 3891 §8).
func (t *transfer) attended(v sip.ReplacesValue, to *sip.Address) {
	e := t.call.env
	id := dialog.ID{CallID: v.CallID, Local: v.ToTag, Remote: v.FromTag}
	at := e.shards[e.ShardOf(v.CallID)]
	from := t.call
	by := from.identity()
	at.Loop.Post(func() {
		other := at.dialogs[id]
		var target *Call
		if other != nil && other.state == confirmed && other.joined && !v.EarlyOnly && by.is(other.identity()) {
			target = other.link.other(other)
			other.taken = true
		}
		from.On(func(*Call) {
			switch {
			case t.over:
				if target != nil {
					other.On((*Call).keptAfterAll)
				}
			case target != nil:
				t.accept()
				t.connect(target, other)
			case other != nil:
				t.refuse(603)
			default:
				t.replace = v.String()
				t.ask(to, true)
			}
		})
	})
}

// identity is by what the peers of two legs are known to be the same.
type identity struct {
	user string     // who has authenticated, "" for nobody
	addr netip.Addr // where the signalling comes from
}

func (c *Call) identity() identity {
	i := identity{addr: c.near.Remote.Addr()}
	if c.origin != nil {
		i.user = c.origin.User()
	}
	return i
}

// is reports whether two peers are one: a phone that has moved has another address, and one that was called has not
// authenticated.
func (i identity) is(other identity) bool {
	return i.addr.IsValid() && i.addr == other.addr || i.user != "" && i.user == other.user
}

// connect joins the party with a leg that exists. consultation is the transferor's other leg, which has done what it was
// for.
func (t *transfer) connect(target, consultation *Call) {
	from := t.call
	t.party.On(func(c *Call) {
		c.taken = true
		c.joinAny(target, func(err error) {
			c.passed(err)
			code := 200
			if err != nil {
				code = 480
			}
			from.On(func(*Call) { t.progress(code, true) })
			consultation.On(func(o *Call) {
				if code != 200 {
					o.keptAfterAll()
					return
				}
				o.taken = false
				o.handedOver()
			})
		})
	})
}

// keptAfterAll is the end of a transfer that has come to nothing at the leg whose party was to be taken from it. Where that
// has gone meanwhile, nobody else ends the leg.
func (c *Call) keptAfterAll() {
	c.taken = false
	if c.state == confirmed && c.link == nil {
		c.Hangup(Cause{By: ByOther, Code: 480})
	}
}
