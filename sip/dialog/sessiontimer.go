package dialog

import (
	"strconv"
	"time"

	"github.com/sipscript/sipscript/sip"
)

// smallestInterval is the absolute minimum of a session interval (RFC 4028 §4).
const smallestInterval = 90 * time.Second

// Refresher is who refreshes the session.
type Refresher uint8

// Who can be the refresher.
const (
	Either Refresher = iota // not decided: the callee chooses (RFC 4028 §9, table 2)
	Ourselves
	ThePeer
)

// SessionPolicy is what this side wants of session timers.
type SessionPolicy struct {
	Interval time.Duration // the session interval to ask for; 0 asks for none, but takes part in the peer's
	Min      time.Duration // the least that is accepted; below 90 s it counts as 90 s
	Prefer   Refresher     // who is to refresh where this side may choose; Either: the peer if it can
}

func (p SessionPolicy) min() time.Duration { return max(p.Min, smallestInterval) }

// SessionTimer is the session timer of one dialog at one of its ends (RFC 4028). The zero value is a session that does not expire. Times
// are in whole seconds.
//
// As the sender of an INVITE or UPDATE: Ask, then Accepted with the 2xx, or TooSmall with the 422 and Ask again. As its receiver: Check, then
// Answer with the 2xx. After a 2xx with either, the owner arms its timers anew by Interval, Ours, Refresh and Expire; no other response does
// anything to them.
type SessionTimer struct {
	interval time.Duration // 0: the session does not expire
	ours     bool          // we refresh
	least    time.Duration // the largest Min-SE that the peer or one on the way has shown
}

// Interval returns the session interval, 0 when the session does not expire.
func (t *SessionTimer) Interval() time.Duration { return t.interval }

// Ours reports whether this side refreshes.
func (t *SessionTimer) Ours() bool { return t.interval > 0 && t.ours }

// Refresh returns when after the latest 2xx the refresher refreshes: at half the interval (RFC 4028 §7.2, §9).
func (t *SessionTimer) Refresh() time.Duration { return t.interval / 2 }

// Expire returns when after the latest 2xx an unrefreshed session is ended with a BYE: 32 seconds or a third of the interval before its end,
// whichever is later, since what stands on the way may let nothing through once the session has expired (RFC 4028 §10).
func (t *SessionTimer) Expire() time.Duration {
	return t.interval - min(32*time.Second, t.interval/3)
}

// Ask prepares an INVITE or UPDATE of ours: Supported, and Session-Expires and Min-SE where there is a timer or one is wanted (RFC 4028 §7.1,
// §7.4). Within a dialog the refresher stays who it is.
func (t *SessionTimer) Ask(request *sip.Message, p SessionPolicy) {
	if !request.HasOption(sip.Supported, "timer") {
		request.Add("Supported", "timer")
	}
	interval := p.Interval
	refresher := ""
	switch {
	case t.interval > 0:
		interval, refresher = t.interval, "uas"
		if t.ours {
			refresher = "uac"
		}
	case p.Prefer == Ourselves:
		refresher = "uac"
	}
	if t.least > 0 || p.Min > smallestInterval {
		request.Set("Min-SE", seconds(max(t.least, p.min())))
	}
	if interval > 0 {
		value := sip.SessionExpiresValue{Seconds: int(max(interval, t.least, p.min()) / time.Second), Refresher: refresher}
		request.Set("Session-Expires", value.String())
	}
}

// Accepted takes the timer from the 2xx to a request that Ask has prepared (RFC 4028 §7.2). When the peer has no session timers the request's
// interval holds, and the refreshes are ours, if the policy wants a timer; else the session no longer expires.
func (t *SessionTimer) Accepted(request, response *sip.Message, p SessionPolicy) {
	got, ok, err := response.SessionExpires()
	if !ok || err != nil {
		got, ok, err = request.SessionExpires()
		got.Refresher = "uac"
		ok = ok && p.Interval > 0
	}
	t.interval = 0
	if ok && err == nil {
		t.set(time.Duration(got.Seconds)*time.Second, got.Refresher != "uas")
	}
}

// TooSmall takes the Min-SE of a 422 and reports whether the request may be sent again, prepared by Ask anew (RFC 4028 §7.3). A 422 that asks
// for no more than was offered would be answered the same for ever.
func (t *SessionTimer) TooSmall(request, response *sip.Message) (retry bool) {
	least, ok, err := response.MinSE()
	asked, _, _ := request.SessionExpires()
	if !ok || err != nil || least <= asked.Seconds {
		return false
	}
	t.learn(least)
	return true
}

// Check returns 0 for a received INVITE or UPDATE that can be accepted, 400 for one that cannot be read, or 422 for one with too small an
// interval: that response needs a Min-SE of MinSE. A sender without session timers could do nothing with a 422; a proxy has asked in its
// place, and is served (RFC 4028 §9).
func (t *SessionTimer) Check(request *sip.Message, p SessionPolicy) (status int) {
	asked, ok, err := request.SessionExpires()
	least, _, minErr := request.MinSE()
	switch {
	case err != nil || minErr != nil:
		return 400
	case ok && time.Duration(asked.Seconds)*time.Second < p.min() && request.HasOption(sip.Supported, "timer"):
		return 422
	}
	t.learn(least)
	return 0
}

// MinSE returns the value of the Min-SE in a 422.
func (p SessionPolicy) MinSE() string { return seconds(p.min()) }

// Answer prepares the 2xx to an INVITE or UPDATE that Check has let pass, and takes the timer from it (RFC 4028 §9, table 2). What was asked
// for is shortened to the policy's interval if that is less, and never lengthened.
func (t *SessionTimer) Answer(request, response *sip.Message, p SessionPolicy) {
	asked, ok, err := request.SessionExpires()
	supported := request.HasOption(sip.Supported, "timer")
	if err != nil || !ok && p.Interval == 0 {
		t.interval = 0
		return
	}
	least := smallestInterval
	if seconds, _, err := request.MinSE(); err == nil {
		least = max(least, time.Duration(seconds)*time.Second)
	}
	interval := p.Interval
	if ok {
		interval = time.Duration(asked.Seconds) * time.Second
		if p.Interval > 0 {
			interval = min(interval, max(p.Interval, p.min()))
		}
	}
	ours := !supported || asked.Refresher == "uas" || asked.Refresher == "" && p.Prefer == Ourselves
	t.set(max(interval, least), ours)
	value := sip.SessionExpiresValue{Seconds: int(t.interval / time.Second), Refresher: "uac"}
	if ours {
		value.Refresher = "uas"
	}
	response.Set("Session-Expires", value.String())
	if supported {
		response.Add("Require", "timer") // else a caller that refreshes might not know it (RFC 4028 §9)
	}
}

func (t *SessionTimer) set(interval time.Duration, ours bool) {
	t.interval, t.ours = max(interval, smallestInterval), ours
}

func (t *SessionTimer) learn(least int) { t.least = max(t.least, time.Duration(least)*time.Second) }

func seconds(d time.Duration) string { return strconv.FormatInt(int64(d/time.Second), 10) }
