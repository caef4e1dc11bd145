package ivr

import (
	"slices"

	"github.com/sipscript/sipscript/engine/shard"
)

// Conference is a room by its name, for whoever is not in it: from any shard. What is asked is answered on loop.
type Conference struct {
	Studio *Studio
	Name   string
	Loop   *shard.Loop
}

// ask does something in the room, on its shard, and answers with what then returns, on loop. r is nil when nobody is there.
func ask[T any](c Conference, do func(r *room) T, then func(T)) {
	h := c.Studio.hall(c.Name)
	h.loop.Post(func() {
		v := do(h.rooms[c.Name])
		c.Loop.Post(func() { then(v) })
	})
}

// Members lists who is there, in the order in which they came.
func (c Conference) Members(then func([]Attendee)) {
	ask(c, func(r *room) (all []Attendee) {
		if r == nil {
			return nil
		}
		for _, m := range r.members {
			all = append(all, Attendee{
				ID: m.id, From: m.from, Since: m.came, Moderator: m.options.Moderator, Muted: m.muted,
				Waiting: m.seat == nil, Talking: m.seat != nil && m.seat.Talks(),
			})
		}
		return all
	}, then)
}

// Mute keeps what the call with this ID says from the others, or no longer. The error is ErrNoMember.
func (c Conference) Mute(id string, on bool, then func(error)) {
	ask(c, func(r *room) error {
		m := r.member(id)
		if m == nil {
			return ErrNoMember
		}
		m.muted = on
		if m.seat != nil {
			m.seat.Mute(on)
		}
		return nil
	}, then)
}

// Kick takes the call with this ID out. The error is ErrNoMember.
func (c Conference) Kick(id string, then func(error)) {
	ask(c, func(r *room) error {
		m := r.member(id)
		if m == nil {
			return ErrNoMember
		}
		r.hall.leave(r.name, m, ByKicked)
		return nil
	}, then)
}

// Play has all who are there hear a prompt, after what they hear of that kind already, and answers when it is over. The
// error is ErrNoRoom, or what Library.Clip says.
func (c Conference) Play(what Prompt, then func(Played, error)) {
	h := c.Studio.hall(c.Name)
	tell := func(p Played, err error) { c.Loop.Post(func() { then(p, err) }) }
	h.loop.Post(func() {
		r := h.rooms[c.Name]
		if r == nil || !r.seated() {
			tell(Played{}, ErrNoRoom)
			return
		}
		r.announce(&announcement{what, tell})
	})
}

// Record records what is said in the room into a file, until the room is empty or Stop is called, and answers once that is there under
// its name or has failed. The error is ErrNoRoom, or as of Studio.Record.
func (c Conference) Record(path string, o RecordOptions, then func(Recorded, error)) *RoomRecording {
	t := &RoomRecording{hall: c.Studio.hall(c.Name)}
	tell := func(how Recorded, err error) { c.Loop.Post(func() { then(how, err) }) }
	t.hall.loop.Post(func() {
		r := t.hall.rooms[c.Name]
		if r == nil {
			tell(Recorded{}, ErrNoRoom)
			return
		}
		t.recording = c.Studio.recordRoom(r, path, o, func(how Recorded, err error) {
			r.tapes = slices.DeleteFunc(r.tapes, func(other *Recording) bool { return other == t.recording })
			tell(how, err)
		})
		r.tapes = append(r.tapes, t.recording)
	})
	return t
}

// RoomRecording is the recording of a room, from any shard.
type RoomRecording struct {
	hall      *Hall
	recording *Recording // its shard's; nil: nobody was in the room
}

// Stop ends it.
func (t *RoomRecording) Stop() {
	t.hall.loop.Post(func() {
		if t.recording != nil {
			t.recording.Stop(ByStopped)
		}
	})
}

// Pause leaves out what is said until it goes on.
func (t *RoomRecording) Pause(on bool) {
	t.hall.loop.Post(func() {
		if t.recording != nil {
			t.recording.Pause(on)
		}
	})
}

// member is the one with this ID, nil where there is none.
func (r *room) member(id string) *member {
	if r == nil {
		return nil
	}
	i := slices.IndexFunc(r.members, func(m *member) bool { return m.id == id })
	if i < 0 {
		return nil
	}
	return r.members[i]
}
