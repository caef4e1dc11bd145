package media

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sipscript/sipscript/engine/audio"
)

const (
	// slotTime is how long a slot of the wheel is: what is due in one slot leaves together.
	slotTime = time.Millisecond
	// slots is how many there are: one turn of the wheel is a frame.
	slots = int(audio.FrameTime / slotTime)
	// catchUp is how many turns are made up for at once by a thread that comes late. Frames that are later than that are left out: their receiver has played
	// silence in their place already, and would have to throw a burst away.
	catchUp = 2
)

// pacer says when the frames of this server's own are due. It is a wheel of one turn a frame: whoever has frames to send or to hear is in one slot of it. It
// belongs to one relay thread, or to one goroutine over a simulated network: a thread paces those whose sockets it has, so that a frame is built, sealed
// and sent where packets of the same peer are received, and there is no ticker and no goroutine for a call.
type pacer struct {
	wake  func() // ends the wait of the thread
	clock func() int64

	// Of the thread.
	slots   [slots][]paced
	members int
	turn    int64 // the slot to be done next, counted from the beginning of time
	out     departure
	scratch scratch
	done    []func() // to be called when what is in out has left
	late    lateness

	mu      sync.Mutex // a leaf
	coming  []coming
	pending atomic.Bool // somebody is coming
}

// paced is what a pacer serves each 20 ms. tick is called with the time at which the frame is due, and reports whether it wants to be served again.
type paced interface {
	tick(p *pacer, due int64) bool
}

// coming is one that will be served.
type coming struct {
	paced
	slot int // where it was served before, as its frames are to stay on their grid; nowhere: it was not
}

const nowhere = -1

// slotAt is the slot of a time.
func slotAt(due int64) int { return int(due / int64(slotTime) % int64(slots)) }

// scratch are the frames that are made and heard in one tick; nothing of them outlasts it.
type scratch struct {
	said, heard, mixed [audio.MaxFrame]int16
	packet             [audio.MaxPacket]int16
}

func newPacer(clock func() int64, wake func()) *pacer {
	p := &pacer{clock: clock, wake: wake}
	p.out.init()
	return p
}

// take serves m from now on, in a slot or nowhere in particular, until its tick says otherwise. Any goroutine may call it.
func (p *pacer) take(m paced, slot int) {
	p.mu.Lock()
	p.coming = append(p.coming, coming{m, slot})
	p.mu.Unlock()
	if !p.pending.Swap(true) {
		p.wake()
	}
}

// next is when a slot is due that somebody is in; 0: none will be.
func (p *pacer) next() int64 {
	if p.pending.Load() {
		return 1 // at once
	}
	if p.members == 0 {
		return 0
	}
	for i := range int64(slots) {
		if len(p.slots[(p.turn+i)%int64(slots)]) > 0 {
			return (p.turn + i) * int64(slotTime)
		}
	}
	return 0
}

// spare is how long nothing of what comes is needed: until the next slot, if anybody is served at all.
func (p *pacer) spare(now int64) time.Duration {
	if p.members == 0 {
		return 0
	}
	return min(time.Duration(p.next()-now), slotTime)
}

// due does what is due at now.
func (p *pacer) due(now int64) {
	last := now / int64(slotTime)
	if p.pending.Load() {
		p.admit(last)
	}
	if p.members == 0 {
		return
	}
	p.turn = max(p.turn, last-int64(catchUp*slots)+1)
	for ; p.turn <= last; p.turn++ {
		at := int(p.turn % int64(slots))
		if len(p.slots[at]) == 0 {
			continue
		}
		due := p.turn * int64(slotTime)
		p.serve(&p.slots[at], due)
		p.leave(due)
	}
}

// serve ticks the members of a slot, and lets go those who have nothing more to do.
func (p *pacer) serve(slot *[]paced, due int64) {
	all := *slot
	stay := all[:0]
	for _, m := range all {
		if m.tick(p, due) {
			stay = append(stay, m)
		}
	}
	clear(all[len(stay):])
	p.members -= len(all) - len(stay)
	*slot = stay
}

// admit puts those who are coming where they have been, or where the fewest are: however many come at once, they are served one after another.
func (p *pacer) admit(last int64) {
	p.mu.Lock()
	p.pending.Store(false)
	all := p.coming
	p.coming = nil
	p.mu.Unlock()
	if p.members == 0 {
		p.turn = last + 1
	}
	for _, m := range all {
		if m.slot == nowhere {
			m.slot = p.emptiest()
		}
		p.slots[m.slot] = append(p.slots[m.slot], m.paced)
		p.members++
	}
}

// emptiest is the slot with the fewest members, the next one to be done first.
func (p *pacer) emptiest() int {
	first := int(p.turn % int64(slots))
	best := first
	for i := range slots {
		if at := (first + i) % slots; len(p.slots[at]) < len(p.slots[best]) {
			best = at
		}
	}
	return best
}

// leave sends what the slot has made, and then tells whoever waits for it.
func (p *pacer) leave(due int64) {
	frames := p.out.frames
	p.out.leave()
	if frames > 0 {
		p.late.note(time.Duration(p.clock()-due), frames)
	}
	for len(p.done) > 0 { // one may bring another
		done := p.done
		p.done = nil
		for _, f := range done {
			f()
		}
	}
}

// end serves everybody once more, when the thread ends: all terminals are closed, and whoever waits for the end of something is told of it. It reports
// whether nobody was left.
func (p *pacer) end() (empty bool) {
	empty = true
	for p.pending.Load() || p.members > 0 {
		empty = false
		p.admit(p.turn)
		for i := range p.slots {
			p.serve(&p.slots[i], p.turn*int64(slotTime))
			p.leave(p.turn * int64(slotTime))
		}
	}
	return empty
}

// departure are packets that are about to leave together: as what is relayed, they are built, then sent, as these are two pieces of code that would
// drive each other out of the processor's caches.
type departure struct {
	memory  [batched][]byte
	packets [batched]send
	n       int
	frames  int // since leave
}

const (
	batched = 32
	// longestFrame is the longest packet of this server's own: L16 at 16 kHz has 640 bytes of samples.
	longestFrame = 12 + 2*16000/50
)

func (d *departure) init() {
	const room = longestFrame + tail
	memory := make([]byte, batched*room)
	for i := range d.memory {
		d.memory[i] = memory[i*room : i*room : (i+1)*room]
	}
}

// buffer is where the next packet is built.
func (d *departure) buffer() []byte {
	if d.n == batched {
		d.flush()
	}
	return d.memory[d.n]
}

// add takes what was built in buffer.
func (d *departure) add(out send) {
	d.packets[d.n] = out
	d.n++
	d.frames++
}

func (d *departure) flush() {
	for i := range d.packets[:d.n] {
		d.packets[i].leave()
		d.packets[i] = send{}
	}
	d.n = 0
}

func (d *departure) leave() {
	d.flush()
	d.frames = 0
}

// lateness counts how long after they were due frames have left, in slots of a quarter of a millisecond; the last one has all that are later.
type lateness struct {
	counts [lateSlots]atomic.Uint64
}

const (
	lateSlots = 400
	lateSlot  = 250 * time.Microsecond
)

func (l *lateness) note(late time.Duration, frames int) {
	l.counts[min(max(0, int(late/lateSlot)), lateSlots-1)].Add(uint64(frames))
}

// Punctuality is how punctual the frames of this server's own have left: by how much later than on their grid of 20 ms.
type Punctuality struct {
	Frames uint64
	counts [lateSlots]uint64
}

// Punctuality yields the figures since the relay was started.
func (r *Relay) Punctuality() Punctuality {
	var sum Punctuality
	for _, p := range r.loop.pacers() {
		for i := range p.late.counts {
			n := p.late.counts[i].Load()
			sum.counts[i] += n
			sum.Frames += n
		}
	}
	return sum
}

// Since is what was counted after before.
func (p Punctuality) Since(before Punctuality) Punctuality {
	p.Frames -= before.Frames
	for i := range p.counts {
		p.counts[i] -= before.counts[i]
	}
	return p
}

// Quantile is how late the latest of a share of all frames was, 0 to 1, to a quarter of a millisecond; 100 ms stand for everything above, and 0 for no frames.
func (p *Punctuality) Quantile(share float64) time.Duration {
	if p.Frames == 0 {
		return 0
	}
	rest := uint64(share * float64(p.Frames))
	i := slices.IndexFunc(p.counts[:], func(n uint64) bool {
		if n > rest {
			return true
		}
		rest -= n
		return false
	})
	if i < 0 {
		i = lateSlots - 1
	}
	return time.Duration(i+1) * lateSlot
}
