package transaction

import (
	"bytes"
	"time"
	"unsafe"

	"github.com/sipscript/sipscript/sip/pages"
	"github.com/sipscript/sipscript/sip/wheel"
)

// remains is what is left of finished transactions that tell nobody of anything any more: enough to absorb a
// retransmission or to answer it. At 10,000 calls a second a million of them stand for up to 32 s; on the heap the
// garbage collector would let as much garbage gather beside them, and the calls of the moment in which that is swept
// would wait for it. So they lie in blocks that it does not know of, in the order in which they end.
//
// Only what came over UDP is kept so: over a stream there is nearly nothing to absorb, and a response may need a new
// connection.
type remains struct {
	table            *Table
	index            index
	blocks           [][]byte // by number, see ref; nil: unused
	unused           []uint32 // numbers
	spare            [][]byte // blocks that have ended; the next ones are made of them
	queues           [waits]queue
	servers, clients int
}

// wait says how long a remnant stands, and thereby in which queue.
type wait uint8

const (
	waitT4      wait = iota // Timers I and K
	waitTimeout             // 64·T1: Timers J, L and M
	waitD
	waits
)

// remnant is one finished transaction. Its text, what a retransmission is answered with, lies behind it.
type remnant struct {
	key    key
	due    time.Duration // of the table's time
	flow   packedFlow    // text goes there; a further 2xx to what only that can follow, see Client.PassOn
	size   uint32        // of the text
	next   ref           // in the index, when its bucket is full
	wait   wait
	method method
	state  State
	server bool
}

// ref says where a remnant lies: the number of the block and, in the lower 12 bits, how many lines of 16 bytes precede it.
// 0 is none. A shard could keep 64 GB of them.
type ref uint32

const (
	line      = 16
	blockSize = line << 12 // bytes; more for a text that is longer
	header    = (int(unsafe.Sizeof(remnant{})) + line - 1) / line * line
	spares    = 16 // what is more goes back to the system
)

// queue holds the remnants that wait equally long, the first to end in front.
type queue struct {
	remains *remains
	blocks  []uint32 // numbers
	first   int      // bytes before the oldest remnant in the first block
	latest  time.Duration
	timer   wheel.Timer
}

func newRemains(t *Table) *remains {
	r := &remains{table: t, blocks: [][]byte{nil}}
	r.index.remains = r
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
	m.wait, m.size = w, uint32(len(text))
	m.due = max(m.due, q.latest) // one whose user let go of it late came earlier than those before it
	q.latest = m.due
	r.forget(m.key)
	r.index.insert(m.key, q.push(m, text))
	r.count(&m, 1)
	if !q.timer.Armed() {
		q.arm()
	}
}

// forget takes the remnant with this key away before its time.
func (r *remains) forget(k key) {
	if m := r.find(k); m != nil {
		w := m.wait
		r.end(m)
		r.queues[w].sweep()
	}
}

// end takes m out of the table; its room is given back in its turn.
func (r *remains) end(m *remnant) {
	r.table.trace(Event{Kind: Moved, Server: m.server, Method: m.method.String(), From: m.state, To: Terminated})
	r.index.remove(m.key)
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

// find returns the remnant with this key, or nil.
func (r *remains) find(k key) *remnant { return r.at(r.index.find(k)) }

// at returns the remnant that lies at f, nil for none. It is good until a remnant ends.
func (r *remains) at(f ref) *remnant {
	if f == 0 {
		return nil
	}
	return at(r.blocks[f>>12], int(f&(1<<12-1))*line)
}

// at is the remnant that begins offset bytes into a block, a multiple of line.
func at(block []byte, offset int) *remnant {
	return (*remnant)(unsafe.Pointer(&block[offset : offset+header][0]))
}

// text is the text of m. It is good until a remnant ends.
func (m *remnant) text() []byte {
	return unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(m), header)), m.size)
}

// length is what m takes in its block.
func length(size int) int { return (header + size + line - 1) / line * line }

// again answers a retransmission with the text of m, or absorbs it when there is none.
func (r *remains) again(m *remnant) {
	ev := Event{Kind: Absorbed, Server: m.server, Method: m.method.String(), From: m.state, To: m.state}
	if m.size > 0 {
		ev.Kind = Resent
		// A copy, since it leaves at the end of the turn, and m may end before.
		r.table.cfg.Send(m.flow.unpack(), "", bytes.Clone(m.text()))
	}
	r.table.trace(ev)
}

// push puts m and its text behind all others of q.
func (q *queue) push(m remnant, text []byte) ref {
	r, need := q.remains, length(len(text))
	if n := len(q.blocks); n == 0 || cap(r.blocks[q.blocks[n-1]])-len(r.blocks[q.blocks[n-1]]) < need {
		q.blocks = append(q.blocks, r.open(need))
	}
	number := q.blocks[len(q.blocks)-1]
	b := &r.blocks[number]
	offset := len(*b)
	*b = (*b)[:offset+need]
	*at(*b, offset) = m
	copy((*b)[offset+header:], text)
	return ref(number<<12 | uint32(offset/line))
}

// open returns the number of an empty block with room for need bytes.
func (r *remains) open(need int) uint32 {
	var b []byte
	if n := len(r.spare); n > 0 && need <= blockSize {
		b, r.spare = r.spare[n-1], r.spare[:n-1]
	} else {
		b = pages.Take[byte](max(blockSize, need))[:0]
	}
	if n := len(r.unused); n > 0 {
		number := r.unused[n-1]
		r.unused = r.unused[:n-1]
		r.blocks[number] = b
		return number
	}
	r.blocks = append(r.blocks, b)
	return uint32(len(r.blocks) - 1)
}

// close ends a block that no remnant is left in.
func (r *remains) close(number uint32) {
	b := r.blocks[number]
	r.blocks[number] = nil
	r.unused = append(r.unused, number)
	if cap(b) == blockSize && len(r.spare) < spares {
		r.spare = append(r.spare, b[:0])
	} else {
		pages.Give(b[:cap(b)])
	}
}

// free gives all memory back; there are no remains from then on.
func (r *remains) free() {
	for i := range r.queues {
		q := &r.queues[i]
		for _, number := range q.blocks {
			r.close(number)
		}
		q.blocks, q.first = nil, 0
		q.timer.Stop()
	}
	for _, b := range r.spare {
		pages.Give(b[:cap(b)])
	}
	r.spare, r.servers, r.clients = nil, 0, 0
	r.index.close()
}

func (q *queue) arm() {
	t := q.remains.table
	t.cfg.Wheel.Schedule(&q.timer, at(q.remains.blocks[q.blocks[0]], q.first).due-t.elapsed())
}

// TimerFired implements wheel.Owner: what is due ends.
func (q *queue) TimerFired(*wheel.Timer) { q.sweep() }

// sweep ends what is due, and closes the blocks in which nothing is left.
func (q *queue) sweep() {
	r := q.remains
	now := r.table.elapsed()
	for len(q.blocks) > 0 {
		for b := r.blocks[q.blocks[0]]; q.first < len(b); {
			m := at(b, q.first)
			switch {
			case m.state == Terminated:
			case m.due > now:
				q.arm()
				return
			default:
				r.end(m)
			}
			q.first += length(int(m.size))
		}
		r.close(q.blocks[0])
		q.blocks, q.first = q.blocks[1:], 0
	}
	q.blocks = nil
	q.timer.Stop()
}

var _ wheel.Owner = (*queue)(nil)
