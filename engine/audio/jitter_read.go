package audio

import (
	"errors"
	"time"
)

const (
	// patience is for how long something is made up where no packet is, before the stream counts as paused. Concealment has faded to silence by then.
	patience = int64(100 * time.Millisecond)
	// slack is by how much the delay may miss its target before a frame is left out or added. Less than the 20 ms by which that moves it would let it
	// swing to and fro.
	slack = int64(25 * time.Millisecond)
	// stall is how far beyond the most that is allowed the delay may be before speech is thrown away to make it shorter, and twice that before
	// everything is.
	stall = int64(100 * time.Millisecond)
	// beat is how many frames are at least from one that is added to the next.
	beat = 5
)

// Read fills frame, 20 ms at the codec's rate, with what is heard at now, in ns on the clock of [Packet.Arrived]. It is called every 20 ms.
//
//	state    the next packet                → state    what is heard
//	waiting  not there, or before its time    waiting  silence
//	waiting  there and due                    playing  it
//	playing  there                            playing  it
//	playing  lost: a later one is there       playing  concealment in its place
//	playing  not there, nor a later one       playing  concealment before it: the delay grows
//	playing  none for 100 ms                  waiting  silence
//	playing  behind a silence of its sender   waiting  silence until it is due
func (b *JitterBuffer) Read(frame []int16, now int64) Heard {
	heard := HeardNothing
	moved := false // by a frame: not twice at a time
	for n := 0; n < len(frame); {
		rest := frame[n:]
		if len(b.pcm) > 0 {
			rest = rest[:copy(rest, b.pcm)]
			b.pcm = b.pcm[len(rest):]
			b.conceal.hear(rest)
			heard = max(heard, HeardVoice)
			n += len(rest)
			continue
		}
		at := now + nanos(int64(n), b.rate)
		gap, there := b.find(at)
		switch {
		case there && gap == 0 && !moved && b.short(at):
			b.conceal.fill(rest)
			b.counts.Stretched++
			b.steady = 0
			heard, moved = HeardConcealed, true
		case there && gap == 0:
			b.unpack()
			if !moved && b.long(at) {
				b.compress(len(frame))
				moved = true
			}
			continue
		case there:
			rest = rest[:min(len(rest), int(max(1, gap*b.rate/b.clock)))]
			b.next += min(gap, b.units(len(rest)))
			b.conceal.fill(rest)
			heard = HeardConcealed
		case b.playing:
			b.waited += b.units(len(rest))
			b.conceal.fill(rest)
			heard = HeardConcealed
		default:
			b.conceal.fill(rest) // what was heard last fades away
		}
		n += len(rest)
	}
	if heard == HeardConcealed {
		b.counts.Concealed++
	}
	b.speech = b.activity.Write(frame)
	b.steady++
	return heard
}

// units returns the timestamp units of so many samples.
func (b *JitterBuffer) units(samples int) int64 { return int64(samples) * b.clock / b.rate }

// lag returns how long before a time, in ns, the packet of a timestamp could have come at the earliest. For what is heard at that time it is the delay.
func (b *JitterBuffer) lag(at, timestamp int64) int64 {
	return at - b.delay.base - nanos(timestamp, b.clock)
}

// find looks for what is to be heard at a time. It returns how many units before the oldest packet that is, 0 if it is its first sample, and reports
// false while no packet is there, or none is due. It is what changes between waiting and playing.
func (b *JitterBuffer) find(at int64) (gap int64, there bool) {
	if b.playing && b.lag(at, b.next) > int64(b.config.Most)+2*stall {
		b.playing = false // nobody has read for a while
	}
	for b.playing && b.queue.n > 0 && b.queue.packets[0].at < b.next {
		b.queue.remove() // its sender's timestamps say that it begins in the middle of the one before
		b.counts.Late++
	}
	if b.queue.n == 0 {
		if nanos(b.waited, b.clock) >= patience {
			b.playing = false
		}
		return 0, false
	}
	first := b.queue.packets[0]
	if b.playing && first.at > b.next && first.sequence == b.last+1 {
		b.playing = false // nothing was lost: its sender was silent
	}
	if !b.playing && !b.begin(at) {
		return 0, false
	}
	gap = b.queue.packets[0].at - b.next
	skip := min(b.waited, gap) // it was lost, and was made up while it still could have come
	b.next += skip
	b.waited -= skip
	return gap - skip, true
}

// begin plays from the oldest packet if that is due.
func (b *JitterBuffer) begin(at int64) bool {
	b.waited = 0
	// What came in a heap, behind a stall of the network, is thrown away as far as it is too old; by up to a frame it may be, or none would ever be due.
	for b.queue.n > 1 && b.lag(at, b.queue.packets[0].at) > int64(b.config.Most+FrameTime) {
		b.queue.remove()
		b.counts.Late++
	}
	first := b.queue.packets[0]
	if b.lag(at, first.at) < b.target() {
		return false
	}
	b.playing, b.next, b.last = true, first.at, first.sequence-1
	return true
}

// unpack decodes the oldest packet. One that cannot be decoded is a lost one.
func (b *JitterBuffer) unpack() {
	n, err := b.codec.Decode(b.unpacked, b.queue.payload())
	for errors.Is(err, ErrShortBuffer) && len(b.unpacked) < MaxPacket {
		b.unpacked = make([]int16, min(2*len(b.unpacked), MaxPacket))
		n, err = b.codec.Decode(b.unpacked, b.queue.payload())
	}
	if err != nil || n == 0 {
		b.counts.Refused++
		b.queue.remove()
		return
	}
	b.pcm = b.unpacked[:n]
	b.last = b.queue.packets[0].sequence
	b.next += b.units(n)
	b.counts.Stretched += int(b.waited * 50 / b.clock)
	b.waited = 0
	b.queue.remove()
}

// short reports whether the delay should be a frame longer, and nobody would hear it.
func (b *JitterBuffer) short(at int64) bool {
	return !b.speech && b.steady >= beat && b.lag(at, b.next) < b.target()-slack
}

// long reports whether the delay should be a frame shorter, and nobody would hear it. Where it is beyond all bounds that does not matter.
func (b *JitterBuffer) long(at int64) bool {
	lag := b.lag(at, b.next-b.units(len(b.pcm)))
	if lag > int64(b.config.Most)+stall {
		return true
	}
	return lag > b.target()+slack && !b.speech && Level(b.pcm) < b.activity.threshold()
}

// compress leaves out a frame of what was unpacked, or all of it where it is shorter.
func (b *JitterBuffer) compress(frame int) {
	n := min(frame, len(b.pcm))
	b.conceal.skip(b.pcm[:n])
	b.pcm = b.pcm[n:]
	b.counts.Compressed++
}
