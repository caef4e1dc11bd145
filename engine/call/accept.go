package call

import (
	"strings"

	"github.com/sipscript/sipscript/engine/names"
	"github.com/sipscript/sipscript/engine/proxy"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/dialog"
	"github.com/sipscript/sipscript/sip/transport"
)

// Origin is an INVITE outside a dialog that this server answers as a user agent.
type Origin interface {
	// Invite is the request, kept; nil once the leg has been answered and nobody asks any more.
	Invite() *sip.Message
	// From is the flow it came by, Routing what its own Routes said.
	From() sip.Flow
	Routing() proxy.Routing
	// Tag is our To tag.
	Tag() string
	// Respond sends a response, and a 2xx as often as it is asked to.
	Respond(r *sip.Message)
	// Repeat sends a 2xx once more.
	Repeat(code int, b []byte)
	// Settled is told that the leg has been answered and acknowledged: nothing is to be repeated, and Invite is asked for
	// no more than by later dials.
	Settled()
	// Vars are the script's values that stay with the call.
	Vars() map[string]any
	// User is who has authenticated, "" for nobody.
	User() string
	// Over is told that the leg has ended.
	Over(c *Call)
}

// Accept makes a leg of an INVITE, not yet answered. The error is a *StatusError with what the INVITE is to be refused
// with.
func (e *Env) Accept(from Origin, o Options) (*Call, error) {
	m := from.Invite()
	if list := unsupported(m); list != "" {
		return nil, &StatusError{Code: 420, Reason: list}
	}
	sdp, refused := described(m)
	if refused != 0 {
		return nil, &StatusError{Code: refused}
	}
	c := e.newCall(e.name(e), e.keepOptions(o))
	if code, _ := c.expiry.check(m); code != 0 {
		return nil, &StatusError{Code: code, Reason: o.Session.MinSE()}
	}
	c.origin, c.begun = from, e.now()
	c.counted.Store(true)
	c.root = proxy.Root(m, from.Routing())
	c.near = from.From()
	d, err := dialog.NewUAS(m, from.Tag(), e.contact(c, dialog.SecureContact(m)))
	if err != nil {
		return nil, &StatusError{Code: dialog.Refusal(err)}
	}
	if proxy.BehindNAT(m, c.near) {
		flow := c.near
		c.flow = &flow
	}
	c.fromURI, c.toURI = partyOf(m, sip.From), partyOf(m, sip.To)
	c.session = &session{dialog: d}
	c.session.talks.Receive(dialog.StepOf(m, sdp != nil))
	c.told = &tally{offer: sdp}
	e.calls[c.id] = c
	e.keep(d.ID(), c)
	c.patience = newPatience(c)
	return c, nil
}

// supported are the extensions a leg knows.
const supported = "replaces, norefersub, timer, 100rel"

// withoutReliable is for an INVITE without an offer: the first reliable response would bring one, and its PRACK the answer,
// before anybody could be asked for that.
const withoutReliable = "replaces, norefersub, timer"

// unsupported lists what an INVITE requires and a leg does not know.
func unsupported(m *sip.Message) string {
	var list []string
	for option := range m.List(sip.Require) {
		if !knows(option) {
			list = append(list, option)
		}
	}
	return strings.Join(list, ", ")
}

func knows(option string) bool {
	for known := range strings.SplitSeq(supported, ", ") {
		if strings.EqualFold(known, option) {
			return true
		}
	}
	return false
}

// name draws the ID of a leg that lives at another environment or here: the shard, then chance.
func (e *Env) name(at *Env) string {
	i := at.Loop.Index()
	b := []byte{'a' + byte(i/26%26), 'a' + byte(i%26)}
	return string(proxy.AppendBase32(b, e.Proxy.Random()))
}

// Name draws an ID of the form that legs of this shard have, for what stands beside them: the shard of such a call is seen by its ID, too.
func (e *Env) Name() string { return e.name(e) }

// ShardOfID is the shard of a leg with this ID, -1 for what is none.
func ShardOfID(id string) int {
	if len(id) < 2 || id[0] < 'a' || id[0] > 'z' || id[1] < 'a' || id[1] > 'z' {
		return -1
	}
	return int(id[0]-'a')*26 + int(id[1]-'a')
}

// contact is our Contact towards a peer that knows us by c.near.
func (e *Env) contact(c *Call, secure bool) string {
	l, ok := e.Proxy.Names.At(c.near)
	if !ok {
		return "<sip:" + c.id + "@" + e.Proxy.Names.Domain() + ">"
	}
	return contactAt(l, c.id, secure)
}

// contactAt writes the Contact of a leg at a listener. Over TLS it is a sips URI only where the dialog is one, as phones
// refuse one in a dialog of sip URIs.
func contactAt(l transport.Listener, user string, secure bool) string {
	b := []byte("<sip:")
	if secure && l.Transport.Secure() {
		b = []byte("<sips:")
	}
	b = append(append(b, user...), '@')
	b = names.Write(b, l)
	if l.Transport != sip.UDP && !secure {
		b = append(append(b, ";transport="...), l.Transport.Param()...)
	}
	return string(append(b, '>'))
}

func partyOf(m *sip.Message, n sip.Name) string {
	var a *sip.Address
	var err error
	if n == sip.From {
		a, err = m.From()
	} else {
		a, err = m.To()
	}
	if err != nil {
		return ""
	}
	return strings.Clone(a.URI.String())
}
