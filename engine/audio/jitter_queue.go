package audio

const (
	// maxQueue is how many packets a jitter buffer holds: those of 320 ms where one has only 10 ms.
	maxQueue = 32
	// maxPayload is the longest payload taken: more does not fit into a datagram of Ethernet.
	maxPayload = 1500
)

// packetQueue holds packets in the order of their timestamps. Its buffers are used again, the last one first, so that it has no more of them than
// packets were ever held at once.
type packetQueue struct {
	n       int
	packets [maxQueue]struct {
		at       int64
		sequence uint16
		buffer   uint8
	}
	buffers [maxQueue][]byte
	free    [maxQueue]uint8
	unused  int // of free
	made    int // of buffers
}

// insert copies a packet to its place, and reports false if there is one of that time. The oldest one leaves where there is no room.
func (q *packetQueue) insert(at int64, p Packet) bool {
	i := q.n
	for i > 0 && q.packets[i-1].at >= at {
		i--
	}
	if i < q.n && q.packets[i].at == at {
		return false
	}
	if q.n == maxQueue {
		if i == 0 {
			return true // it is the oldest itself
		}
		q.remove()
		i--
	}
	copy(q.packets[i+1:q.n+1], q.packets[i:q.n])
	q.n++
	held := &q.packets[i]
	held.at, held.sequence, held.buffer = at, p.Sequence, q.buffer()
	q.buffers[held.buffer] = append(q.buffers[held.buffer][:0], p.Payload...)
	return true
}

func (q *packetQueue) buffer() uint8 {
	if q.unused > 0 {
		q.unused--
		return q.free[q.unused]
	}
	q.made++
	return uint8(q.made - 1)
}

// payload returns that of the oldest packet. It is valid until the next insert.
func (q *packetQueue) payload() []byte { return q.buffers[q.packets[0].buffer] }

// remove forgets the oldest packet.
func (q *packetQueue) remove() {
	q.free[q.unused] = q.packets[0].buffer
	q.unused++
	q.n--
	copy(q.packets[:q.n], q.packets[1:q.n+1])
}

func (q *packetQueue) clear() {
	for q.n > 0 {
		q.remove()
	}
}
