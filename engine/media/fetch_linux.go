package media

import "unsafe"

// fetch asks for the memory that the packets of a batch will need. Of thousands of streams nothing is in the processor's caches when a packet comes, and its
// way leads from pointer to pointer: followed packet by packet, each step waits for the memory. Here all packets take each step together, and so wait once.
func fetch(batch []received) {
	for i := range batch {
		r := &batch[i]
		r.in = r.port.stream
		prefetch4(unsafe.Pointer(r.in)) // as far as inbound.rtp
	}
	for i := range batch {
		r := &batch[i]
		prefetch(unsafe.Pointer(r.in.rules.Load()))
		prefetch(unsafe.Pointer(r.in.route.Load()))
		r.in.in.crypt.Load().fetch()
	}
	for i := range batch {
		r := &batch[i]
		if way := r.in.route.Load(); way != nil && way.to.rtp != nil {
			r.to = way.to
			prefetch(unsafe.Pointer(r.to.rtp))
			prefetch(unsafe.Pointer(&r.to.out))
			prefetch(unsafe.Pointer(&r.to.out.packets))
		}
		r.in.in.crypt.Load().fetchKey()
	}
	for i := range batch {
		if to := batch[i].to; to != nil {
			if s, ok := to.rtp.socket.(*fdSocket); ok {
				prefetch(unsafe.Pointer(s))
			}
			to.out.crypt.Load().fetch()
		}
	}
	for i := range batch {
		if to := batch[i].to; to != nil {
			if s, ok := to.rtp.socket.(*fdSocket); ok {
				prefetch(unsafe.Pointer(s.peer.Load()))
			}
			to.out.crypt.Load().fetchKey()
		}
	}
}

func (c *crypt) fetch() {
	if c != nil {
		prefetch4(unsafe.Pointer(c)) // counter is first
	}
}

// fetchKey asks for the schedule of the session key, which is what the block refers to.
func (c *crypt) fetchKey() {
	if c != nil && c.counter.block != nil {
		prefetch4((*[2]unsafe.Pointer)(unsafe.Pointer(&c.counter.block))[1])
	}
}
