package ivr

import (
	"sync/atomic"
	"time"
)

// announcement is something that all in a room hear. One comes after the other.
type announcement struct {
	what Prompt
	done func(Played, error)
}

// The tones that tell of who comes and goes.
const (
	tonesOfEntry   = "tone:523/100,784/120;once;level=-20"
	tonesOfLeaving = "tone:784/100,523/120;once;level=-20"
)

// signal plays one of these tones, unless something else is heard that matters more.
func (r *room) signal(tones string) {
	if len(r.waiting) > 0 {
		return
	}
	p, err := ParsePrompt(tones)
	if err != nil {
		panic(err) // they are the constants above
	}
	r.announce(&announcement{p, func(Played, error) {}})
}

func (r *room) announce(a *announcement) {
	r.waiting = append(r.waiting, a)
	if len(r.waiting) == 1 {
		r.next()
	}
}

// next plays the first one that waits.
func (r *room) next() {
	a := r.waiting[0]
	h := r.hall
	h.studio.load(h.loop, a.what, r.rate(), func(tracks []track, err error) {
		switch {
		case len(r.waiting) == 0 || r.waiting[0] != a: // the room has ended
		case err != nil:
			r.heard(a, Played{}, err)
		default:
			over := new(atomic.Bool)
			r.mix.Play(&reel{tracks: tracks, turns: 1, gain: gainOf(0), over: over}, func(length time.Duration) {
				h.loop.Post(func() {
					by := ByStopped
					if over.Load() {
						by = ByEnd
					}
					r.heard(a, Played{by, length}, nil)
				})
			})
		}
	})
}

// heard is the end of an announcement.
func (r *room) heard(a *announcement, how Played, err error) {
	if len(r.waiting) == 0 || r.waiting[0] != a {
		return
	}
	r.waiting = r.waiting[1:]
	a.done(how, err)
	if len(r.waiting) > 0 {
		r.next()
	}
}

// entertain has whoever is alone hear music. That of the first who brings some stays.
func (r *room) entertain(music Prompt) {
	if music == nil || r.music {
		return
	}
	r.music = true
	r.hall.studio.load(r.hall.loop, music, r.rate(), func(tracks []track, err error) {
		if err == nil && len(r.members) > 0 {
			r.mix.Background(&reel{tracks: tracks, gain: gainOf(0), over: new(atomic.Bool)})
		}
	})
}
