package transaction

import (
	"time"

	"github.com/sipscript/sipscript/sip/wheel"
)

// remains is what is left of finished transactions that tell nobody of anything any more: enough to absorb a
// retransmission or to answer it. At 10,000 calls a second hundreds of thousands stand for 32 s; as objects the garbage
// collector would walk through all of them in each cycle, and the calls of that moment would wait for it. So they lie
// in blocks without a pointer, in the order in which they end.
//
// Only what came over UDP is kept so: over a stream there is nearly nothing to absorb, and a response may need a new
// connection.
type remains struct {
	table            *Table
	places           map[key]place
	queues           [waits]queue
	servers, clients int
}

// place is where a remnant lies.
type place struct {
	wait wait
	seq  uint32
}

// wait says how long a remnant stands, and thereby in which queue.
type wait uint8

const (
	waitT4      wait = iota // Timers I and K
	waitTimeout             // 64·T1: Timers J, L and M
	waitD
	waits
)

// remnant is one finished transaction.
type remnant struct {
	key      key
	due      time.Duration // of the table's time
	flow     packedFlow    // text goes there; a further 2xx to what only that can follow, see Client.PassOn
	at, size uint32        // text: what a retransmission is answered with
	method   method
	state    State
	server   bool
}

// queue holds the remnants that wait equally long, the first to end in front.
type queue struct {
	remains     *remains
	blocks      []*block // the first holds the remnant first, and begins at a multiple of blockSize
	first, next uint32   // numbers of the oldest remnant and of the one to come; they may wrap
	latest      time.Duration
	room        int // what the texts of the latest block took: the next will take as much
	timer       wheel.Timer
}

const blockSize = 128

// block refers to both, which are the garbage collector's to skip: in one object with a pointer it would walk through all.
type block struct {
	remnants []remnant // blockSize of them
	text     []byte    // of all of them
}

func newRemains(t *Table) *remains {
	r := &remains{table: t, places: map[key]place{}}
	for i := range r.queues {
		q := &r.queues[i]
		q.remains = r
		q.timer.Bind(q)
	}
	return r
}

// add keeps m and its text, which is copied, until m is due.
func (r *remains) add(m remnant, text []byte, w wait) {
	q := &r.queues[w]
	m.due = max(m.due, q.latest) // one whose user let go of it late came earlier than those before it
	r.forget(m.key)
	r.places[m.key] = place{w, q.next}
	q.push(m, text)
	r.count(&m, 1)
}

// forget takes the remnant with this key away before its time.
func (r *remains) forget(k key) {
	m, _ := r.find(k)
	if m == nil {
		return
	}
	q := &r.queues[r.places[k].wait]
	r.end(m)
	q.sweep()
}

// end takes m out of the table; its room is given back in its turn.
func (r *remains) end(m *remnant) {
	r.table.trace(Event{Kind: Moved, Server: m.server, Method: m.method.String(), From: m.state, To: Terminated})
	delete(r.places, m.key)
	r.count(m, -1)
	m.state = Terminated
}

func (r *remains) count(m *remnant, n int) {
	if m.server {
		r.servers += n
	} else {
		r.clients += n
	}
}

// find returns the remnant with this key and the block it is in, or nil.
func (r *remains) find(k key) (*remnant, *block) {
	p, ok := r.places[k]
	if !ok {
		return nil, nil
	}
	b := r.queues[p.wait].block(p.seq)
	return &b.remnants[p.seq%blockSize], b
}

// again answers a retransmission with the text of m, or absorbs it when there is none.
func (r *remains) again(m *remnant, b *block) {
	ev := Event{Kind: Absorbed, Server: m.server, Method: m.method.String(), From: m.state, To: m.state}
	if m.size > 0 {
		ev.Kind = Resent
		end := m.at + m.size
		r.table.cfg.Send(m.flow.unpack(), "", b.text[m.at:end:end])
	}
	r.table.trace(ev)
}

func (q *queue) block(seq uint32) *block {
	return q.blocks[(seq-q.first/blockSize*blockSize)/blockSize]
}

func (q *queue) push(m remnant, text []byte) {
	if q.next%blockSize == 0 {
		q.blocks = append(q.blocks, &block{remnants: make([]remnant, blockSize), text: make([]byte, 0, q.room)})
	}
	b := q.blocks[len(q.blocks)-1]
	m.at, m.size = uint32(len(b.text)), uint32(len(text))
	b.text = append(b.text, text...)
	b.remnants[q.next%blockSize] = m
	q.latest, q.room = m.due, len(b.text)
	if q.next++; !q.timer.Armed() {
		q.arm()
	}
}

func (q *queue) arm() {
	t := q.remains.table
	t.cfg.Wheel.Schedule(&q.timer, q.block(q.first).remnants[q.first%blockSize].due-t.elapsed())
}

// TimerFired implements wheel.Owner: what is due ends.
func (q *queue) TimerFired(*wheel.Timer) { q.sweep() }

func (q *queue) sweep() {
	r := q.remains
	now := r.table.elapsed()
	for q.first != q.next {
		m := &q.block(q.first).remnants[q.first%blockSize]
		switch {
		case m.state == Terminated:
		case m.due > now:
			q.arm()
			return
		default:
			r.end(m)
		}
		if q.first++; q.first%blockSize == 0 {
			q.blocks[0] = nil
			q.blocks = q.blocks[1:]
		}
	}
	q.timer.Stop()
	q.blocks = nil
	q.next = (q.next + blockSize - 1) / blockSize * blockSize // the next one begins a new block
	q.first = q.next
}

var _ wheel.Owner = (*queue)(nil)
