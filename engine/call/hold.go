package call

import (
	"github.com/sipscript/sipscript/engine/media/description"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/dialog"
	"github.com/sipscript/sipscript/sip/wheel"
)

// want is a change of the session by this server itself: it waits until the peer is free, and for its turn after glare.
type want struct {
	offer func(done func(sdp []byte, err error))
	done  func(error)
	tries int
	again wheel.Timer // after glare
}

// mostTries is how often a change is tried again that always meets one of the peer's.
const mostTries = 5

// Hold puts the peer on hold, RFC 3264 §8.4. done is told when it has agreed.
func (c *Call) Hold(done func(error)) { c.hold(true, done) }

// Unhold takes that back.
func (c *Call) Unhold(done func(error)) { c.hold(false, done) }

func (c *Call) hold(on bool, done func(error)) {
	if !c.state.live() || c.session == nil {
		done(c.wrong())
		return
	}
	c.change(func(done func([]byte, error)) { c.backend.Hold(c.terminal, on, done) }, done)
}

// resync offers the session again as it has become: another peer is there, with other codecs.
func (c *Call) resync([]byte) {
	if c.wanted != nil {
		return
	}
	c.change(func(done func([]byte, error)) { c.backend.Offer(c.terminal, c.options.Media, done) }, func(error) {})
}

func (c *Call) change(offer func(func([]byte, error)), done func(error)) {
	if c.wanted != nil {
		done(ErrBusy)
		return
	}
	c.openMedia(nil)
	c.wanted = &want{offer: offer, done: done}
	c.tryAgain()
}

// tryAgain makes the offer that is wanted if the peer is free. If not, freed calls when it is.
func (c *Call) tryAgain() {
	w := c.wanted
	if w == nil || c.state != confirmed || c.proposal != nil || len(c.unacked) > 0 || c.session.talks.Busy() {
		return
	}
	c.wanted = nil
	land(c, w.offer, func(sdp []byte, err error) {
		switch {
		case err != nil:
			w.done(err)
			return
		case !c.state.live():
			w.done(ErrOver)
			return
		}
		c.propose(sip.INVITE, sdp, func(code int, answer []byte) { c.decided(w, code, answer) })
	})
}

// decided is what the peer says to a change: after glare it is tried once more (RFC 3261 §14.1).
func (c *Call) decided(w *want, code int, answer []byte) {
	switch {
	case code/100 == 2:
		backend := c.backend
		land(c, func(done func([]byte, error)) {
			backend.Accept(c.terminal, answer, c.options.Media, func(err error) { done(nil, err) })
		}, func(_ []byte, err error) { w.done(err) })
	case code == 491 && w.tries < mostTries && c.state.live() && c.wanted == nil:
		w.tries++
		c.wanted = w
		w.again.Init(c.tryAgain)
		c.env.Loop.Wheel().Schedule(&w.again, dialog.GlareWait(c.dialled, c.env.Proxy.Random()))
	default:
		w.done(&StatusError{Code: code})
	}
}

// heldBy tells the script that the peer holds or has come back, by what it has offered and what it was answered.
func (c *Call) heldBy(offer, answer []byte) {
	on := holds(offer, answer)
	if on == c.held {
		return
	}
	c.held = on
	kind := Unheld
	if on {
		kind = Held
	}
	c.emit(Event{Kind: kind})
}

// holds reports whether an offer puts us on hold, in the way of RFC 3264 §8.4 or the old one of 0.0.0.0. It is the voice that
// is on hold: video that only comes is none, and what a refused m-line says is nothing (RFC 3264 §6).
func holds(offer, answer []byte) bool {
	offered, err := description.Parse(offer)
	if err != nil {
		return false
	}
	answered, err := description.Parse(answer)
	if err != nil {
		return false
	}
	var first *description.Media
	for i := range min(len(offered.Media), len(answered.Media)) {
		m := &offered.Media[i]
		switch {
		case m.Port == 0 || answered.Media[i].Port == 0:
		case m.Kind == description.Audio:
			return !m.Direction.Receives()
		case first == nil:
			first = m
		}
	}
	return first != nil && !first.Direction.Receives()
}
