package audio

import "time"

// Packet is what a jitter buffer is told of an RTP packet (RFC 3550 §5.1).
type Packet struct {
	SSRC      uint32
	Sequence  uint16
	Timestamp uint32
	Marker    bool   // the first packet behind a silence (RFC 3551 §4.1)
	Arrived   int64  // when it was received, in ns of any clock that does not jump; the one that JitterBuffer.Read is told
	Payload   []byte // copied
}

// JitterConfig is how much a jitter buffer delays. Zero values are the defaults.
type JitterConfig struct {
	Least time.Duration // even where packets come as regularly as they were sent; 20 ms
	Most  time.Duration // beyond which packets are rather lost than waited for; 200 ms
	First time.Duration // before it is known how packets come; 40 ms
}

// Heard says what a frame that was read consists of.
type Heard uint8

// What a frame can be.
const (
	HeardNothing   Heard = iota // silence: the peer sends nothing, or nothing yet
	HeardVoice                  // what the peer sent
	HeardConcealed              // made up, at least in part, for what has not come
)

// JitterCounts is what a jitter buffer has seen since it was made.
type JitterCounts struct {
	Packets    int // that were put
	Late       int // too late to be heard
	Duplicate  int // received before
	Refused    int // not decodable, too long, or of a stream that is not believed yet
	Resyncs    int // another source, or a jump of its sequence or timestamps
	Concealed  int // frames that were made up
	Stretched  int // of them, those that came in between and made the delay longer
	Compressed int // frames that were left out to make the delay shorter
}

// JitterBuffer turns packets as they come into frames as they are heard: in order, without gaps, on the clock of the one who reads. It delays just as
// much as the network needs: packets that are out of order or late within that delay are in their place, others are concealed.
//
// Time is the timestamp's. A packet is heard at the earliest arrival that any packet's timestamp has had in the last seconds, plus a delay that 99 % of
// the packets meet, within the limits of its config. Where the delay ought to be another one, as the network has changed or the sender's clock runs
// differently from this one, a frame is left out or added, while nobody speaks if that is possible.
//
// It belongs to one goroutine and allocates nothing once it has seen packets of every length; for G.711 and G.722 it takes less than 8 KB.
type JitterBuffer struct {
	config JitterConfig
	codec  Codec
	clock  int64 // of timestamps, in Hz
	rate   int64 // of samples, in Hz

	arrivals arrivals
	queue    packetQueue
	delay    delayEstimate
	conceal  concealer
	activity Activity
	counts   JitterCounts

	unpacked []int16 // the samples of one packet
	pcm      []int16 // those of them that were not heard yet
	arrived  int64   // when the last packet did
	playing  bool
	next     int64  // the timestamp behind pcm, extended
	last     uint16 // the sequence number of what was unpacked last
	waited   int64  // units that were made up while no packet was there, since the last one
	speech   bool   // in the last frame
	steady   int    // frames since one was added
}

// NewJitterBuffer returns an empty buffer for one direction of one stream, which is decoded by the codec.
func NewJitterBuffer(codec Codec, config JitterConfig) *JitterBuffer {
	if config.Least <= 0 {
		config.Least = 20 * time.Millisecond
	}
	if config.Most <= 0 {
		config.Most = 200 * time.Millisecond
	}
	config.Most = max(config.Most, config.Least)
	if config.First <= 0 {
		config.First = 40 * time.Millisecond
	}
	config.First = min(max(config.First, config.Least), config.Most)
	b := &JitterBuffer{config: config, codec: codec, clock: int64(codec.Clock()), rate: int64(codec.Rate())}
	b.unpacked = make([]int16, FrameLen(codec.Rate()))
	b.conceal.init(codec.Rate())
	return b
}

// Counts returns what has been seen so far.
func (b *JitterBuffer) Counts() JitterCounts { return b.counts }

// Delay returns the delay that is aimed at.
func (b *JitterBuffer) Delay() time.Duration { return time.Duration(b.target()) }

// target returns the delay that is aimed at, in ns behind the earliest arrival.
func (b *JitterBuffer) target() int64 {
	if b.delay.packets < settled {
		return max(int64(b.config.First), min(b.delay.quantile(), int64(b.config.Most)))
	}
	return max(int64(b.config.Least), min(b.delay.quantile(), int64(b.config.Most)))
}

// Put takes a packet. What it cannot use it counts.
func (b *JitterBuffer) Put(p Packet) {
	b.counts.Packets++
	if len(p.Payload) == 0 || len(p.Payload) > maxPayload {
		b.counts.Refused++
		return
	}
	at, verdict := b.arrivals.place(p, b.clock, b.delay.base)
	switch verdict {
	case unbelieved:
		b.counts.Refused++
		return
	case repeated:
		b.counts.Duplicate++
		return
	case begins:
		if b.delay.packets > 0 {
			b.counts.Resyncs++
		}
		b.restart()
	}
	transit := p.Arrived - nanos(at, b.clock)
	most := int64(b.config.Most)
	if !b.playing && b.queue.n == 0 && b.delay.packets > 0 && p.Arrived-b.arrived > most && transit-b.delay.base > most {
		// Behind a silence that its sender's timestamps did not count, as those of some phones do not behind a hold: by the old reckoning all that
		// comes would be too late. After a stall of the network the packets behind this one bring the reckoning back.
		b.delay.restart()
	}
	b.arrived = p.Arrived
	b.delay.note(transit, p.Arrived)
	if b.playing && at < b.next {
		b.counts.Late++
		return
	}
	if !b.queue.insert(at, p) {
		b.counts.Duplicate++ // another packet for the same time
	}
}

// restart forgets a stream that has ended, except for what it sounded like last.
func (b *JitterBuffer) restart() {
	b.queue.clear()
	b.delay.restart()
	b.pcm = b.pcm[:0]
	b.playing = false
	b.waited = 0
}

// nanos returns the time that an extended timestamp stands for.
func nanos(at, clock int64) int64 {
	const second = int64(time.Second)
	return at/clock*second + at%clock*second/clock
}
