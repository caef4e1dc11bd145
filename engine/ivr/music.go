package ivr

import (
	"sync/atomic"

	"github.com/sipscript/sipscript/engine/call"
)

// Music plays a prompt, over and over, to the peer of c whenever it hears nothing else; without a prompt that ends. It is called on the
// shard of the leg, and tells done there, later. The error is as of Play.
func (s *Studio) Music(c *call.Call, what Prompt, o PlayOptions, done func(error)) {
	at := partyOf(c)
	at.musics++
	turn := at.musics
	p := &performance{call: c, done: func(_ Played, err error) { done(err) }}
	voice, rate, err := voiceOf(c)
	switch {
	case err != nil:
		p.later(Played{}, err)
		return
	case what == nil:
		partyOf(c).music = nil
		partyOf(c).settle(voice)
		p.later(Played{}, nil)
		return
	}
	p.forget = c.AtEnd(p.lose)
	s.load(c.Loop(), what, rate, func(tracks []track, err error) {
		if err == nil && p.done != nil && at.musics == turn {
			partyOf(c).music = &reel{tracks: tracks, gain: gainOf(o.Volume), over: new(atomic.Bool)}
			partyOf(c).settle(voice)
		}
		p.finish(Played{}, err)
	})
}
