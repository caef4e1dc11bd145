//go:build linux

package load

// due is something to be done at a time for the operation of that number, if it is then still in that state.
type due struct {
	at     int64
	number int64
	state  state
}

// queue is a growing ring of things due. All entries of one queue wait equally long, so they are due in the order they were put in
// and neither heap nor wheel is needed.
type queue struct {
	ring  []due // length 0 or a power of two
	first int
	count int
}

func (q *queue) push(d due) {
	if q.count == len(q.ring) {
		grown := make([]due, max(1024, 2*len(q.ring)))
		n := copy(grown, q.ring[q.first:])
		copy(grown[n:], q.ring[:q.first])
		q.ring, q.first = grown, 0
	}
	q.ring[(q.first+q.count)&(len(q.ring)-1)] = d
	q.count++
}

// next takes out the first entry when it is due.
func (q *queue) next(now int64) (due, bool) {
	if q.count == 0 || q.ring[q.first].at > now {
		return due{}, false
	}
	d := q.ring[q.first]
	q.first = (q.first + 1) & (len(q.ring) - 1)
	q.count--
	return d, true
}

// earliest returns when the first entry is due, or otherwise when there is none.
func (q *queue) earliest(otherwise int64) int64 {
	if q.count == 0 {
		return otherwise
	}
	return min(otherwise, q.ring[q.first].at)
}
