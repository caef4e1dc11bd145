package track

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sipscript/sipscript/engine/proxy"
	"github.com/sipscript/sipscript/sip"
)

// leg is the way of an INVITE to one target: what is said there in place of what the caller has said.
type leg struct {
	call   *Call
	target string
	flow   sip.Flow // by which alone the target is reached; zero: by its Contact
	most   time.Duration
	relay  bool // media passes through this server

	identity *proxy.Identity
	shown    string               // the From that the target sees; "": the caller's
	auth     *proxy.Authenticator // nil: challenges are the caller's affair
	shift    uint32               // how far the CSeq number of the INVITE is ahead there: one for each challenge answered
	proof    []sip.Field          // the credentials in it
	offered  bool                 // it has carried an offer
}

func newLeg(c *Call, t *proxy.Target, o *proxy.Options) *leg {
	l := &leg{call: c, target: strings.Clone(t.URI), most: o.MaxDuration, relay: o.Relay, identity: o.Identity}
	if len(t.Path) == 0 {
		l.flow = t.Flow
	}
	if t.Identity != nil {
		l.identity = t.Identity
	}
	credentials := o.Credentials
	if t.Credentials != nil {
		credentials = t.Credentials
	}
	if credentials != nil {
		l.auth = &proxy.Authenticator{Credentials: *credentials, Random: c.table.env.Random}
	}
	return l
}

// Request implements proxy.Passage, for the INVITE that makes the call.
func (l *leg) Request(m *sip.Message, next func(int)) {
	if l.call.invite > highest {
		next(400)
		return
	}
	if l.identity != nil {
		l.identity.Show(m)
		l.shown = value(m, sip.From)
	}
	l.relayMedia(m, next)
}

// Answers implements proxy.Passage.
func (l *leg) Answers(r, m *sip.Message) bool {
	if l.auth == nil || !l.auth.Answer(r, m) {
		return false
	}
	l.shift++
	setCSeq(m, l.call.invite+l.shift)
	l.proof = proof(m)
	return true
}

// Response implements proxy.Passage.
func (l *leg) Response(r *sip.Message, by sip.Flow, next func(int)) {
	c := l.call
	if r.ToTag() != "" {
		d := c.dialog(l, r)
		d.callee.accept(r, c.table.env.Names)
		if r.Status() >= 200 {
			c.Record.Target = l.target
			d.shift, d.inviteShift, d.inviteProof = max(d.shift, l.shift), l.shift, l.proof
			c.confirm(d, r.Status(), l.most)
			d.refreshed(r)
		}
	}
	l.relayAnswer(r, by, next)
}

// Restore implements proxy.Passage.
func (l *leg) Restore(r *sip.Message) {
	if l.shift > 0 {
		setCSeq(r, l.call.invite)
	}
	if l.shown != "" {
		r.Set("From", l.call.from)
	}
}

// Failed implements proxy.Passage.
func (l *leg) Failed() {
	c := l.call
	c.dialogs = slices.DeleteFunc(c.dialogs, func(d *dialog) bool { return d.leg == l })
	c.dialogEnded("")
}

func setCSeq(m *sip.Message, number uint32) {
	m.Set("CSeq", strconv.FormatUint(uint64(number), 10)+" "+m.Method())
}

var _ proxy.Passage = (*leg)(nil)
