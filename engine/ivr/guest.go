package ivr

import (
	"time"

	"github.com/sipscript/sipscript/engine/call"
)

// JoinOptions say how a call is in a room.
type JoinOptions struct {
	Moderator bool
	// WaitForModerator keeps the call waiting until there is a moderator, with Music.
	WaitForModerator bool
	// EndWithModerator ends its stay when the last moderator leaves. That of a moderator ends everybody's.
	EndWithModerator bool
	Muted            bool
	Silent           bool   // no tones tell of its coming and going
	Music            Prompt // for whoever is alone or waits; nil: silence
	Pin              string // that of the room is what the first has given
	Most             int    // calls in the room, with this one; 0: any number
}

// Stay is how a call has left a room.
type Stay struct {
	By     string // one of the words below, or what leave was told
	Length time.Duration
}

// The words of Stay.By beside ByCaller and ByStopped.
const (
	ByKicked    = "kicked"
	ByModerator = "moderator" // the last one has left
)

// guest is a call that is in a room, or on its way. It belongs to the shard of the leg.
type guest struct {
	studio *Studio
	call   *call.Call
	done   func(Stay, error)
	music  func() // stops it
	forget func() // of the end of the leg
}

// Meets reports whether a call is in a room, a queue or a slot, or on its way. On its shard.
func Meets(c *call.Call) bool { return partyOf(c).meets }

// RoomOf is the name of the room that a call is in, "" for none. On its shard.
func RoomOf(c *call.Call) string { return partyOf(c).room }

// Join brings the call into the room of this name, which is there while somebody is in it. It is called on the shard of the
// leg, and tells done there once, later, when the call has left the room. leave takes it out; by is what Stay will say. The
// error is call.ErrOver, call.ErrBusy for a call that talks to somebody already, ErrUnheard, ErrPin, ErrFull or what
// media.Room says.
func (s *Studio) Join(c *call.Call, name string, o JoinOptions, done func(Stay, error)) (leave func(by string)) {
	g := &guest{studio: s, call: c, done: done}
	at := partyOf(c)
	voice, _, err := voiceOf(c)
	if err == nil && (at.meets || c.Bridged()) {
		err = call.ErrBusy
	}
	if err != nil {
		c.On(func(*call.Call) { g.over(Stay{}, err) })
		return func(string) {}
	}
	at.meets, at.room = true, name
	v := c.Snapshot()
	m := &member{guest: g, voice: voice, options: o, muted: o.Muted, id: c.ID(), from: v.From}
	if c.Dialled() {
		m.from = v.To
	}
	h := s.hall(name)
	leave = func(by string) { h.loop.Post(func() { h.leave(name, m, by) }) }
	g.forget = c.AtEnd(func() { leave(ByCaller) })
	h.loop.Post(func() { h.enter(name, m) })
	return leave
}

// wait lets the call hear music.
func (g *guest) wait(music Prompt) {
	if music != nil && g.done != nil && g.music == nil && !g.call.Over() {
		g.music = g.studio.Play(g.call, music, PlayOptions{}, func(Played, error) {})
	}
}

// hush ends that.
func (g *guest) hush() {
	if stop := g.music; stop != nil {
		g.music = nil
		stop()
	}
}

// over is told that the call has left the room.
func (g *guest) over(how Stay, err error) {
	g.hush()
	if g.forget != nil {
		g.forget()
		g.forget = nil
		at := partyOf(g.call)
		at.meets, at.room = false, ""
	}
	if done := g.done; done != nil {
		g.done = nil
		done(how, err)
	}
}
