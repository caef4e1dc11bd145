package ivr

import (
	"slices"

	"github.com/sipscript/sipscript/engine/shard"
)

// Hall is where calls of any shard meet: the rooms, queues and slots whose names hash to one shard. It belongs to that
// shard. What is asked of it comes by posts, and so does what it says; calls are known to it by their IDs.
type Hall struct {
	studio *Studio
	loop   *shard.Loop
	rooms  map[string]*room
	slots  map[string]*parked
	queues map[string]*queue
}

// Open gives each shard its hall. at says which shard a name belongs to. It is called once, before anything else is asked.
func (s *Studio) Open(loops []*shard.Loop, at func(name string) int) {
	s.at = at
	for _, loop := range loops {
		s.halls = append(s.halls, &Hall{studio: s, loop: loop, rooms: map[string]*room{}, slots: map[string]*parked{}, queues: map[string]*queue{}})
	}
}

// hall is the one that a name belongs to.
func (s *Studio) hall(name string) *Hall { return s.halls[s.at(name)] }

// Leaks says what stands in the hall of a shard, on that shard: nothing may when no call does.
func (s *Studio) Leaks(index int) (list []string) {
	h := s.halls[index]
	for name := range h.rooms {
		list = append(list, "room "+name)
	}
	for name := range h.slots {
		list = append(list, "slot "+name)
	}
	for name, q := range h.queues {
		if len(q.waiting) > 0 {
			list = append(list, "calls in queue "+name)
		}
		for _, a := range q.agents {
			if a.serves != nil {
				list = append(list, "busy agent "+a.uri)
			}
		}
	}
	slices.Sort(list)
	return list
}
