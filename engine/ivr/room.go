package ivr

import (
	"slices"
	"time"

	"github.com/sipscript/sipscript/engine/call"
	"github.com/sipscript/sipscript/engine/media"
)

// room is a conference, for as long as somebody is in it. It belongs to its hall's shard.
//
//	a member that      while                           comes
//	is a moderator     –                               in, and so do all who wait
//	waits for one      there is one                    in
//	waits for one      there is none                   to wait: it hears music
//	is another         –                               in
//
// When the last moderator leaves, those go whose stay ends with the moderator, or all of them where the moderator's own does; the
// others stay, those who once waited, too.
type room struct {
	hall    *Hall
	name    string
	pin     string
	mix     *media.Room
	members []*member
	waiting []*announcement // the first one is heard
	tapes   []*Recording
	music   bool // it has been loaded, or is being
}

// member is a call in a room.
type member struct {
	guest   *guest // to be asked on its shard
	id      string
	from    string // the URI of the peer
	voice   media.Voice
	options JoinOptions
	came    time.Time
	muted   bool
	seat    *media.Member // nil: it waits
}

// Attendee is what is told of a member.
type Attendee struct {
	ID, From                           string
	Moderator, Muted, Waiting, Talking bool
	Since                              time.Time
}

// enter takes a call in.
func (h *Hall) enter(name string, m *member) {
	r := h.rooms[name]
	switch {
	case r == nil:
		r = &room{hall: h, name: name, pin: m.options.Pin, mix: media.NewRoom(name)}
	case r.pin != m.options.Pin:
		m.told(Stay{}, ErrPin)
		return
	case m.options.Most > 0 && len(r.members) >= m.options.Most:
		m.told(Stay{}, ErrFull)
		return
	}
	m.came = h.loop.Wheel().Now()
	h.rooms[name] = r
	r.members = append(r.members, m)
	if m.options.WaitForModerator && !m.options.Moderator && !r.moderated() {
		m.guest.call.On(func(*call.Call) { m.guest.wait(m.options.Music) })
		return
	}
	r.seat(m)
	if !m.options.Moderator {
		return
	}
	for _, other := range slices.Clone(r.members) {
		if other.seat == nil {
			r.seat(other)
		}
	}
}

func (r *room) moderated() bool {
	return slices.ContainsFunc(r.members, func(m *member) bool { return m.options.Moderator })
}

// seat lets a member talk with the others.
func (r *room) seat(m *member) {
	seat, err := r.mix.Join(m.voice)
	if err != nil {
		r.remove(m, Stay{}, err)
		return
	}
	m.seat = seat
	seat.Mute(m.muted)
	m.guest.call.On(func(*call.Call) { m.guest.hush() })
	r.entertain(m.options.Music)
	if !m.options.Silent {
		r.signal(tonesOfEntry)
	}
}

// leave takes a member out. One that is not there any more was told so.
func (h *Hall) leave(name string, m *member, by string) {
	r := h.rooms[name]
	if r == nil || !slices.Contains(r.members, m) {
		return
	}
	r.remove(m, Stay{By: by}, nil)
	if !m.options.Moderator || r.moderated() {
		return
	}
	for _, other := range slices.Clone(r.members) {
		if m.options.EndWithModerator || other.options.EndWithModerator {
			r.remove(other, Stay{By: ByModerator}, nil)
		}
	}
}

// remove ends a stay, and the room with the last one.
func (r *room) remove(m *member, how Stay, err error) {
	i := slices.Index(r.members, m)
	if i < 0 {
		return
	}
	r.members = slices.Delete(r.members, i, i+1)
	if m.seat != nil {
		m.seat.Leave()
		m.seat = nil
	}
	how.Length = r.hall.loop.Wheel().Now().Sub(m.came)
	m.told(how, err)
	switch {
	case len(r.members) == 0:
		r.close()
	case !m.options.Silent && err == nil && r.seated():
		r.signal(tonesOfLeaving)
	}
}

// seated reports whether anybody is there who does not wait.
func (r *room) seated() bool {
	return slices.ContainsFunc(r.members, func(m *member) bool { return m.seat != nil })
}

func (m *member) told(how Stay, err error) {
	m.guest.call.On(func(*call.Call) { m.guest.over(how, err) })
}

// close is the end of a room that nobody is in.
func (r *room) close() {
	delete(r.hall.rooms, r.name)
	waiting := r.waiting
	r.waiting = nil
	for _, a := range waiting {
		a.done(Played{}, ErrNoRoom)
	}
	for _, t := range slices.Clone(r.tapes) {
		t.Stop(ByEnd)
	}
	r.mix.Background(nil)
}

// rate is that of the best codec in the room.
func (r *room) rate() int {
	best := 8000
	for _, m := range r.members {
		_, rate := m.voice.Codec()
		best = max(best, rate)
	}
	return best
}
