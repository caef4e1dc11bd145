package call

import (
	"slices"
	"time"

	"github.com/sipscript/sipscript/engine/media"
	"github.com/sipscript/sipscript/engine/media/description"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/dialog"
)

// Snapshot is a leg at one moment, for those who are not on its shard.
type Snapshot struct {
	ID         string
	CallID     string
	Call       *Call          // for On
	Dialled    bool           // this server has called
	Source     string         // where the peer is, "udp:192.0.2.10:5060"
	Codec      string         // of the first audio, as agreed last; "" for none
	Vars       map[string]any // the script's values
	State      string
	Direction  string // "in" or "out", as seen from here
	From, To   string // URIs
	Peer       string // ID of the leg that this one is joined with
	Begun      time.Time
	AnsweredAt time.Time // zero: not yet
	Ended      time.Time
	Media      media.Stats
	Cause      Cause
}

// Snapshot copies what there is to say about the leg.
func (c *Call) Snapshot() Snapshot {
	s := Snapshot{
		ID: c.id, Call: c, State: c.state.String(), Direction: "in", From: c.fromURI, To: c.toURI,
		Begun: c.begun, AnsweredAt: c.answeredAt, Ended: c.ended, Media: c.Media(), Cause: c.why(),
	}
	if c.dialled {
		s.Direction, s.Dialled = "out", true
	}
	if c.near.Remote.IsValid() {
		s.Source = c.near.Transport.Param() + ":" + c.near.Remote.String()
	}
	if c.session != nil {
		s.CallID, s.Codec = c.session.dialog.ID().CallID, codecIn(c.session.local)
	}
	switch {
	case c.origin != nil:
		s.Vars = c.origin.Vars()
	case c.account != nil:
		s.Vars = c.account.Vars()
	}
	if c.link != nil && c.joined {
		s.State, s.Peer = "bridged", c.link.other(c).id
	}
	return s
}

// Media are the figures of the leg's media, the last ones when it is over.
func (c *Call) Media() media.Stats {
	own, _ := c.Terminals()
	if own == nil {
		return media.Stats{}
	}
	return own.Stats()
}

// Peer is the leg that this one is joined with, or nil.
func (c *Call) Peer() *Call {
	if c.link == nil || !c.joined {
		return nil
	}
	return c.link.other(c)
}

// Duration is how long the leg has been answered.
func (c *Call) Duration() time.Duration {
	switch {
	case c.answeredAt.IsZero():
		return 0
	case c.ended.IsZero():
		return c.env.now().Sub(c.answeredAt)
	}
	return c.ended.Sub(c.answeredAt)
}

// Get is the leg of this shard with an ID, or nil.
func (e *Env) Get(id string) *Call { return e.calls[id] }

// Named is the leg of this shard whose dialog a Replaces names, or nil.
func (e *Env) Named(v sip.ReplacesValue) *Call {
	return e.dialogs[dialog.ID{CallID: v.CallID, Local: v.ToTag, Remote: v.FromTag}]
}

// Each calls f for each leg of this shard, in the order of their IDs.
func (e *Env) Each(f func(*Call)) {
	for _, id := range sorted(e.calls) {
		f(e.calls[id])
	}
}

// sorted are the IDs of legs in order: the order of a map decides nothing.
func sorted(calls map[string]*Call) []string {
	ids := make([]string, 0, len(calls))
	for id := range calls {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// codecIn is the name of the first codec of the first audio in a description.
func codecIn(sdp []byte) string {
	d, err := description.Parse(sdp)
	if err != nil {
		return ""
	}
	for i := range d.Media {
		if m := &d.Media[i]; m.Kind == description.Audio && m.Port != 0 && len(m.Formats) > 0 {
			return m.Formats[0].Name
		}
	}
	return ""
}

// CallIDs are those of the legs that were dialled for this one, in order.
func (c *Call) CallIDs() []string { return c.callIDs }

// Brought is the best of what the dials of an unanswered leg have failed with, nil for nothing.
func (c *Call) Brought() *Result {
	if c.best == nil {
		return nil
	}
	return &c.best.Result
}

// Target is the URI that has answered a dial of this leg, or was asked last.
func (c *Call) Target() string { return c.target }

// Terminals are the media of the leg and of who it has talked with last, closed or not; nil where there was none.
func (c *Call) Terminals() (own, partner media.Terminal) {
	if own = c.terminal; own == nil {
		own = c.closed
	}
	return own, c.partner
}

// connect lets media flow between the leg and another one.
func (c *Call) connect(other media.Terminal) {
	c.partner = other
	c.backend.Connect(c.terminal, other)
}
