package dialog

import (
	"fmt"
	"strings"

	"github.com/sipscript/sipscript/sip"
)

// ID identifies a dialog at one of its two ends (RFC 3261 §12). The other end has the tags the other way round. It is comparable. A tag is
// "" with a peer of RFC 2543.
type ID struct{ CallID, Local, Remote string }

// Of returns the ID of the dialog that a received message belongs to: of a request our tag is in the To, of a response in the From. The
// strings are the message's.
func Of(m *sip.Message) ID {
	if m.IsRequest() {
		return ID{CallID: m.CallID(), Local: m.ToTag(), Remote: m.FromTag()}
	}
	return ID{CallID: m.CallID(), Local: m.FromTag(), Remote: m.ToTag()}
}

// State is how far a dialog has come.
type State uint8

// The states of a dialog (RFC 3261 §12). A dialog ends early without ever being confirmed by a non-2xx final response (§12.3).
const (
	Early State = iota
	Confirmed
	Terminated
)

// String names the state.
func (s State) String() string {
	return [...]string{Early: "early", Confirmed: "confirmed", Terminated: "terminated"}[s]
}

// Dialog is one end of a dialog that an INVITE made (RFC 3261 §12).
//
//	state      event                              → state       actions
//	           NewUAS, NewUAC with 1xx            early         route set, target, tags
//	           NewUAC with 2xx                    confirmed     route set, target, tags
//	early      2xx to the first INVITE sent       confirmed     –
//	early      2xx to the first INVITE received   confirmed     route set anew (§13.2.2.4), target
//	early      3xx-6xx to the first INVITE        terminated    – (§12.3)
//	any        End                                terminated    –
//
// Neither state stops requests from being made: the BYE of a dialog is sent after its End, too.
type Dialog struct {
	id      ID
	state   State
	caller  bool   // we sent the INVITE that made the dialog
	first   uint32 // its CSeq number
	local   string // the value of our From
	remote  string // the value of our To
	contact string // the value of our Contact
	target  string // the remote target URI
	routes  []string
	strict  bool   // the first route lacks lr
	sent    uint32 // the local sequence number, 0 when empty
	got     uint32 // the remote sequence number
	heard   bool   // got is not empty
	peer    peer
}

// NewUAS returns the early dialog that an INVITE makes at the callee (RFC 3261 §12.1.1). tag is our To tag, contact the whole value of our
// Contact, "<sip:192.0.2.1:5060>". The error wraps ErrNoTarget or ErrRouteSet, each a 400.
func NewUAS(invite *sip.Message, tag, contact string) (*Dialog, error) {
	cseq, err := invite.CSeq()
	if err != nil {
		return nil, err
	}
	target, ok := targetOf(invite)
	if !ok {
		return nil, ErrNoTarget
	}
	from, _ := invite.Value(sip.From)
	to, _ := invite.Value(sip.To)
	if tag != "" && invite.ToTag() == "" {
		to += ";tag=" + tag
	}
	local, remote := strings.Clone(to), strings.Clone(from)
	d := &Dialog{
		id:    ID{CallID: strings.Clone(invite.CallID()), Local: within(local, tag), Remote: within(remote, invite.FromTag())},
		first: cseq.Number, got: cseq.Number, heard: true,
		local: local, remote: remote, contact: contact, target: target,
	}
	if err := d.route(invite, false); err != nil {
		return nil, err
	}
	d.peer.learn(invite)
	return d, nil
}

// NewUAC returns the dialog that a response with a To tag makes at the caller of an INVITE, early or confirmed (RFC 3261 §12.1.2). Each To
// tag makes one of its own. Without a usable Contact in the response the target is the request URI of the INVITE, since a 2xx has to be
// acknowledged anyhow. When the error wraps ErrRouteSet the dialog is returned too, so that the ACK and the BYE can be tried.
func NewUAC(invite, response *sip.Message) (*Dialog, error) {
	cseq, err := invite.CSeq()
	if err != nil {
		return nil, err
	}
	from, _ := invite.Value(sip.From)
	to, _ := response.Value(sip.To)
	contact, _ := invite.Value(sip.Contact)
	target, ok := targetOf(response)
	if !ok {
		target = strings.Clone(invite.URIText())
	}
	local, remote := strings.Clone(from), strings.Clone(to)
	d := &Dialog{
		id:     ID{CallID: strings.Clone(invite.CallID()), Local: within(local, invite.FromTag()), Remote: within(remote, response.ToTag())},
		caller: true, first: cseq.Number, sent: cseq.Number,
		local: local, remote: remote, contact: strings.Clone(contact), target: target,
	}
	if response.Status() >= 200 {
		d.to(Confirmed)
	}
	err = d.route(response, true)
	d.peer.learn(response)
	return d, err
}

// within returns a tag as a part of the value that it stands in, so that it takes no memory of its own.
func within(value, tag string) string {
	if i := strings.LastIndex(value, tag); i >= 0 {
		return value[i : i+len(tag)]
	}
	return strings.Clone(tag)
}

// ID returns the ID of the dialog.
func (d *Dialog) ID() ID { return d.id }

// State returns the state of the dialog.
func (d *Dialog) State() State { return d.state }

// Caller reports whether we sent the INVITE that made the dialog, and so own its Call-ID: who does waits longer after glare (RFC 3261
// §14.1).
func (d *Dialog) Caller() bool { return d.caller }

// Local returns the value of the From in our requests, tag included.
func (d *Dialog) Local() string { return d.local }

// Remote returns the value of the To in our requests, tag included.
func (d *Dialog) Remote() string { return d.remote }

// Target returns the URI of the remote target.
func (d *Dialog) Target() string { return d.target }

// Contact returns the value of our Contact.
func (d *Dialog) Contact() string { return d.contact }

// SetContact replaces the value of our Contact. The peer learns it from the next target refresh request (RFC 6141 §4.4).
func (d *Dialog) SetContact(value string) { d.contact = value }

// Routes returns the route set, nearest hop first, as whole values. It must not be written to.
func (d *Dialog) Routes() []string { return d.routes }

// End ends the dialog.
func (d *Dialog) End() { d.to(Terminated) }

// to is the only writer of the state.
func (d *Dialog) to(next State) { d.state = next }

// String describes the dialog for logs.
func (d *Dialog) String() string {
	return fmt.Sprintf("%s dialog %s;local=%s;remote=%s", d.state, d.id.CallID, d.id.Local, d.id.Remote)
}
