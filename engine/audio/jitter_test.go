package audio

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
	"unsafe"
)

const ms = time.Millisecond

// loud is a level that is never silence, so that nothing is left out.
const loud = 4000

// sender makes the packets of a stream of L16, in which every sample of a packet is the number of the packet, from 1, above loud, so that what is heard tells
// from where it comes.
type sender struct {
	every time.Duration // of a packet, 20 ms where 0
	clock float64       // how fast its clock runs, 1 where 0
	from  time.Duration // when it begins
}

// network is what becomes of the packets.
type network struct {
	seed      uint64
	loss      float64
	duplicate float64
	delay     func(r *rand.Rand, sent time.Duration) time.Duration
}

// stream returns packets in the order of their arrival, n of them.
func stream(s sender, w network, n int) []Packet {
	r := rand.New(rand.NewPCG(w.seed, 3550))
	if s.every == 0 {
		s.every = 20 * ms
	}
	if s.clock == 0 {
		s.clock = 1
	}
	samples := int(s.every.Seconds() * 8000)
	sequence, timestamp := uint16(65000), uint32(0xffffff00) // both wrap
	var packets []Packet
	for i := range n {
		payload := make([]byte, 2*samples)
		for j := range samples {
			payload[2*j], payload[2*j+1] = byte((i+1+loud)>>8), byte(i+1+loud)
		}
		sent := s.from + time.Duration(float64(i)*float64(s.every)/s.clock)
		for copies := 0; ; copies++ {
			p := Packet{SSRC: 1, Sequence: sequence + uint16(i), Timestamp: timestamp + uint32(i*samples), Marker: i == 0, Payload: payload}
			p.Arrived = int64(sent)
			if w.delay != nil {
				p.Arrived += int64(w.delay(r, sent))
			}
			if r.Float64() >= w.loss {
				packets = append(packets, p)
			}
			if copies > 0 || r.Float64() >= w.duplicate {
				break
			}
		}
	}
	slices.SortStableFunc(packets, func(a, b Packet) int { return int(a.Arrived - b.Arrived) })
	return packets
}

// played is a frame that was read.
type played struct {
	heard  Heard
	number int // of the packet in its middle, for one that was heard
	at     time.Duration
	lag    time.Duration // the delay behind the earliest packets, of one that was heard
}

// listen reads a stream until a second behind its last packet, 7 ms off the sender's beat.
func listen(b *JitterBuffer, packets []Packet) []played {
	var all []played
	next := 0
	end := time.Duration(packets[len(packets)-1].Arrived) + time.Second
	frame := make([]int16, FrameLen(int(b.rate)))
	for at := 7 * ms; at < end; at += FrameTime {
		for next < len(packets) && packets[next].Arrived <= int64(at) {
			b.Put(packets[next])
			next++
		}
		heard := b.Read(frame, int64(at))
		p := played{heard: heard, number: int(frame[len(frame)/2]) - loud, at: at}
		if heard == HeardVoice {
			p.lag = time.Duration(b.lag(int64(at+FrameTime), b.next-b.units(len(b.pcm))))
		}
		all = append(all, p)
	}
	return all
}

func newTestBuffer(t *testing.T) *JitterBuffer {
	t.Helper()
	codec, ok := NewCodec("L16/8000")
	if !ok {
		t.Fatal("no L16")
	}
	return NewJitterBuffer(codec, JitterConfig{})
}

func steadily(d time.Duration) func(*rand.Rand, time.Duration) time.Duration {
	return func(*rand.Rand, time.Duration) time.Duration { return d }
}

// upTo is a delay of 30 ms and up to so much more, evenly.
func upTo(d time.Duration) func(*rand.Rand, time.Duration) time.Duration {
	return func(r *rand.Rand, _ time.Duration) time.Duration {
		return 30*ms + time.Duration(r.Float64()*float64(d))
	}
}

// Whatever the network does, the order is never inverted, nothing is heard twice, and nothing is heard later than the most that is allowed.
func TestJitterBufferKeepsOrder(t *testing.T) {
	t.Parallel()
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 1))
		w := network{seed: seed, loss: 0.2 * r.Float64() * r.Float64(), duplicate: 0.1 * r.Float64(), delay: upTo(time.Duration(r.Float64() * 250 * float64(ms)))}
		s := sender{every: []time.Duration{10 * ms, 20 * ms, 30 * ms, 60 * ms}[r.IntN(4)], clock: 1 + 0.0004*(r.Float64()-0.5)}
		t.Run(fmt.Sprint(seed, " ", s.every), func(t *testing.T) {
			t.Parallel()
			b := newTestBuffer(t)
			last, voices := 0, 0
			for _, p := range listen(b, stream(s, w, 3000)) {
				if p.heard != HeardVoice {
					continue
				}
				voices++
				// A packet of 30 or 60 ms is heard in several frames.
				if p.number < last || s.every <= FrameTime && p.number == last {
					t.Fatalf("%d is heard behind %d", p.number, last)
				}
				last = p.number
				sent := time.Duration(float64(p.number-1) * float64(s.every) / s.clock)
				if late := p.at - sent; late > 30*ms+200*ms+time.Duration(stall)+s.every+FrameTime {
					t.Fatalf("%d is heard %v after it was sent", p.number, late)
				}
			}
			if counts := b.Counts(); voices == 0 || counts.Resyncs > 0 || counts.Packets != counts.Duplicate+3000-lost(s, w) {
				t.Errorf("%d frames of voice, %+v", voices, counts)
			}
		})
	}
}

// lost is how many of 3,000 packets did not come at all, not even once.
func lost(s sender, w network) int {
	came := make(map[uint16]bool)
	for _, p := range stream(s, w, 3000) {
		came[p.Sequence] = true
	}
	return 3000 - len(came)
}

// Where nothing is lost and no packet is late by more than the buffer allows for, every packet is heard, and all but the first frames are voice.
func TestJitterBufferHearsAllThatComes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		sender  sender
		network network
		missing int // frames that may be made up
	}{
		{"regular", sender{}, network{delay: steadily(30 * ms)}, 0},
		{"regular, 10 ms", sender{every: 10 * ms}, network{delay: steadily(30 * ms)}, 0},
		{"regular, 30 ms", sender{every: 30 * ms}, network{delay: steadily(30 * ms)}, 0},
		{"regular, 60 ms", sender{every: 60 * ms}, network{delay: steadily(30 * ms)}, 0},
		{"in pairs", sender{}, network{delay: func(_ *rand.Rand, sent time.Duration) time.Duration {
			if sent/(20*ms)%2 == 0 {
				return 50 * ms
			}
			return 30 * ms
		}}, 0},
		{"jitter of 15 ms", sender{}, network{delay: upTo(15 * ms)}, 0},
		{"jitter of 40 ms, out of order", sender{}, network{delay: upTo(40 * ms)}, 5},
		{"jitter of 100 ms, out of order", sender{}, network{delay: upTo(100 * ms)}, 15},
		{"every packet twice", sender{}, network{delay: upTo(15 * ms), duplicate: 1}, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := newTestBuffer(t)
			all := listen(b, stream(test.sender, test.network, 3000))
			every := max(test.sender.every, 20*ms)
			first := slices.IndexFunc(all, func(p played) bool { return p.heard == HeardVoice })
			end := first + int(2900*every/FrameTime)
			if test.sender.every == 10*ms {
				end = first + 1400
			}
			missing := 0
			for _, p := range all[first:end] {
				if p.heard != HeardVoice {
					missing++
				}
			}
			if missing > test.missing {
				t.Errorf("%d of %d frames are not voice, %+v", missing, end-first, b.Counts())
			}
		})
	}
}

// The delay follows the network, to no more than it needs.
func TestJitterBufferDelaysAsMuchAsTheNetworkNeeds(t *testing.T) {
	t.Parallel()
	tests := []struct {
		jitter      time.Duration
		least, most time.Duration
	}{
		{0, 20 * ms, 20 * ms},
		{10 * ms, 20 * ms, 20 * ms},
		{50 * ms, 45 * ms, 60 * ms},
		{120 * ms, 110 * ms, 130 * ms},
		{600 * ms, 200 * ms, 200 * ms},
	}
	for _, test := range tests {
		b := newTestBuffer(t)
		all := listen(b, stream(sender{}, network{delay: upTo(test.jitter)}, 1500))
		if d := b.Delay(); d < test.least || d > test.most {
			t.Errorf("jitter of %v: delays %v, want %v to %v", test.jitter, d, test.least, test.most)
		}
		var late time.Duration
		for _, p := range all[1000:1400] {
			if p.heard == HeardVoice {
				late = max(late, p.at-time.Duration(p.number-1)*20*ms)
			}
		}
		if test.jitter < 200*ms && late > 30*ms+test.most+2*FrameTime {
			t.Errorf("jitter of %v: heard %v after it was sent", test.jitter, late)
		}
	}
}

// A sender whose clock runs 500 ppm fast or slow is off by a frame every 40 s. Frames are left out or added while it is silent, as few as that needs.
func TestJitterBufferFollowsDrift(t *testing.T) {
	t.Parallel()
	for _, clock := range []float64{1.0005, 0.9995} {
		t.Run(fmt.Sprint(clock), func(t *testing.T) {
			t.Parallel()
			b := newTestBuffer(t)
			packets := stream(sender{clock: clock}, network{delay: upTo(5 * ms)}, 30000) // 10 min: 300 ms
			for i := range packets {
				clear(packets[i].Payload)
			}
			voices := 0
			for _, p := range listen(b, packets) {
				if p.heard == HeardVoice {
					voices++
				}
				if p.lag > 90*ms {
					t.Fatalf("delayed by %v at %v", p.lag, p.at)
				}
			}
			counts := b.Counts()
			if moved := counts.Compressed + counts.Stretched; moved < 12 || moved > 20 || voices < 30000-20 {
				t.Errorf("%d frames moved, want about 15, %d are voice: %+v", moved, voices, counts)
			}
		})
	}
}

// One packet in twenty is lost: each is made up in its place, and no more.
func TestJitterBufferConcealsInPlace(t *testing.T) {
	t.Parallel()
	b := newTestBuffer(t)
	packets := stream(sender{}, network{delay: steadily(30 * ms)}, 1000)
	var came []Packet
	for i, p := range packets {
		if i%20 != 10 {
			came = append(came, p)
		}
	}
	last := played{}
	made := 0
	for _, p := range listen(b, came)[:1000] {
		switch {
		case p.heard == HeardConcealed:
			made++
		case p.heard == HeardVoice && last.heard == HeardVoice && p.number != last.number+1,
			p.heard == HeardVoice && last.heard == HeardConcealed && p.number != last.number+2:
			t.Fatalf("packet %d is heard behind %d (%d)", p.number, last.number, last.heard)
		}
		if p.heard == HeardConcealed {
			p.number = last.number
		}
		last = p
	}
	if counts := b.Counts(); made != 50 || counts.Stretched != 0 {
		t.Errorf("%d frames made up, want 50: %+v", made, counts)
	}
}

// Behind a silence in which nothing is sent, everything is heard from its first packet, whether its timestamps went on or not, and at once.
func TestJitterBufferBeginsAnew(t *testing.T) {
	t.Parallel()
	const pause = 3 * time.Second
	tests := []struct {
		name    string
		change  func(*Packet)
		resyncs int
		dropped int
	}{
		{"silence, timestamps go on", func(p *Packet) { p.Timestamp += 3 * 8000 }, 0, 0},
		{"silence, timestamps stand still, marker", func(*Packet) {}, 1, 0},
		{"another source", func(p *Packet) { p.SSRC, p.Sequence, p.Timestamp = 2, p.Sequence+12345, p.Timestamp+1e9 }, 1, 1},
		{"another numbering", func(p *Packet) { p.Sequence, p.Timestamp = p.Sequence+20000, p.Timestamp+1e9 }, 1, 1},
		{"timestamps back", func(p *Packet) { p.Timestamp -= 1e6 }, 1, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			packets := stream(sender{}, network{delay: steadily(30 * ms)}, 200)
			for i := 100; i < 200; i++ {
				packets[i].Marker = i == 100 && test.dropped == 0
				packets[i].Arrived += int64(pause)
				test.change(&packets[i])
			}
			b := newTestBuffer(t)
			last := 0
			for _, p := range listen(b, packets) {
				if p.heard != HeardVoice {
					continue
				}
				want := last + 1
				if want == 101 {
					want += test.dropped
					if late := p.at - pause - 100*20*ms; late > 110*ms {
						t.Errorf("heard %v after it was sent", late)
					}
				}
				if p.number != want {
					t.Fatalf("packet %d is heard, want %d", p.number, want)
				}
				last = p.number
			}
			if counts := b.Counts(); last != 200 || counts.Resyncs != test.resyncs || counts.Refused != test.dropped {
				t.Errorf("heard to %d, %+v", last, counts)
			}
		})
	}
}

// A single packet of somebody else changes nothing.
func TestJitterBufferDoubtsAStranger(t *testing.T) {
	t.Parallel()
	packets := stream(sender{}, network{delay: steadily(30 * ms)}, 200)
	for i := 10; i < len(packets); i += 11 {
		stranger := packets[i]
		stranger.SSRC, stranger.Sequence, stranger.Timestamp = 7, uint16(i*999), uint32(i*123456)
		packets = slices.Insert(packets, i, stranger)
	}
	b := newTestBuffer(t)
	last := 0
	for _, p := range listen(b, packets) {
		if p.heard == HeardVoice {
			if p.number != last+1 {
				t.Fatalf("packet %d is heard behind %d", p.number, last)
			}
			last = p.number
		}
	}
	if counts := b.Counts(); last != 200 || counts.Resyncs != 0 || counts.Refused == 0 {
		t.Errorf("heard to %d, %+v", last, counts)
	}
}

// When the network stalls and then brings all at once, what is too old is thrown away, and the rest is not delayed for ever.
func TestJitterBufferSurvivesAStall(t *testing.T) {
	t.Parallel()
	for _, stalls := range []time.Duration{90 * ms, 300 * ms, 800 * ms, 5 * time.Second} {
		t.Run(stalls.String(), func(t *testing.T) {
			t.Parallel()
			packets := stream(sender{}, network{delay: func(_ *rand.Rand, sent time.Duration) time.Duration {
				if sent >= 4*time.Second && sent < 4*time.Second+stalls {
					return 30*ms + 4*time.Second + stalls - sent
				}
				return 30 * ms
			}}, 3000)
			for i := range packets {
				clear(packets[i].Payload)
			}
			b := newTestBuffer(t)
			all := listen(b, packets)
			voices := 0
			for _, p := range all {
				if p.lag > 320*ms {
					t.Fatalf("delayed by %v at %v", p.lag, p.at)
				}
				if p.heard == HeardVoice {
					voices++
				}
			}
			if end := all[2900]; end.heard != HeardVoice || end.lag > 70*ms {
				t.Errorf("in the end delayed by %v: %+v", end.lag, b.Counts())
			}
			if lost := 3000 - voices; time.Duration(lost)*20*ms > stalls+200*ms {
				t.Errorf("%d packets of %d are not heard", lost, 3000)
			}
		})
	}
}

// brittle decodes nothing of some payloads.
type brittle struct{ Codec }

func (c brittle) Decode(dst []int16, payload []byte) (int, error) {
	if payload[1]%10 == 0 {
		return 0, ErrFormat
	}
	return c.Codec.Decode(dst, payload)
}

func TestJitterBufferConcealsWhatCannotBeDecoded(t *testing.T) {
	t.Parallel()
	codec, _ := NewCodec("L16/8000")
	b := NewJitterBuffer(brittle{codec}, JitterConfig{})
	made := 0
	packets := stream(sender{}, network{delay: steadily(30 * ms)}, 200)
	packets[50].Payload = nil
	packets[60].Payload = make([]byte, 3000)
	for _, p := range listen(b, packets)[:200] {
		if p.heard == HeardConcealed {
			made++
		}
	}
	if counts := b.Counts(); made != 22 || counts.Refused != 22 {
		t.Errorf("%d frames made up, want 22: %+v", made, counts)
	}
}

// The counters of a stream wrap after 22 minutes of sequence numbers, and after six days of timestamps.
func TestJitterBufferCountsBeyondItsFields(t *testing.T) {
	t.Parallel()
	b := newTestBuffer(t)
	packets := stream(sender{}, network{delay: steadily(30 * ms)}, 30000)
	for i := range packets {
		packets[i].Sequence = uint16(i * 50) // 49 of 50 are lost, of a stream of a month
		packets[i].Timestamp = uint32(i * 50 * 160 * 10)
		packets[i].Arrived = int64(30*ms) + int64(i)*int64(10*time.Second)
	}
	for _, p := range packets {
		b.Put(p)
	}
	if counts := b.Counts(); counts.Refused != 0 || counts.Resyncs != 0 || b.arrivals.last != 29999*80000 {
		t.Errorf("at %d, %+v", b.arrivals.last, counts)
	}
}

func TestJitterBufferIsSmallAndAllocatesNothing(t *testing.T) {
	for _, name := range []string{"PCMU", "G722"} {
		codec, _ := NewCodec(name)
		b := NewJitterBuffer(codec, JitterConfig{})
		packets := stream(sender{}, network{delay: upTo(190 * ms), loss: 0.05, duplicate: 0.05, seed: 3}, 20000)
		for i := range packets {
			packets[i].Payload = packets[i].Payload[:160]
		}
		next, at := 0, time.Duration(0)
		frame := make([]int16, FrameLen(codec.Rate()))
		play := func() {
			for range 50 {
				for next < len(packets) && packets[next].Arrived <= int64(at) {
					b.Put(packets[next])
					next++
				}
				b.Read(frame, int64(at))
				at += FrameTime
			}
		}
		for range 100 {
			play()
		}
		if !raceDetector {
			if n := testing.AllocsPerRun(100, play); n != 0 {
				t.Errorf("%s: %v allocations", name, n)
			}
		}
		size := int(unsafe.Sizeof(*b)) + 2*(cap(b.unpacked)+cap(b.conceal.heard)+cap(b.conceal.period)+cap(b.conceal.room))
		for _, buffer := range b.queue.buffers {
			size += cap(buffer)
		}
		if size > 8<<10 {
			t.Errorf("%s: %d bytes", name, size)
		}
	}
}

// Whatever comes, each read is a whole frame, and nothing panics.
func FuzzJitterBuffer(f *testing.F) {
	f.Add([]byte("\x00\x01\x00\xa0\x01\x00\x01\x40\x05\xff\xff\x00\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		codec, _ := NewCodec("PCMA")
		b := NewJitterBuffer(codec, JitterConfig{})
		frame := make([]int16, 160)
		payload := make([]byte, 480)
		var p Packet
		for at := int64(0); len(data) >= 4; data = data[4:] {
			p.SSRC = uint32(data[0] >> 7)
			p.Marker = data[0]&64 != 0
			p.Sequence += uint16(int8(data[1]))
			p.Timestamp += uint32(int32(int8(data[2])) * 80 << (data[0] & 15))
			p.Payload = payload[:int(data[3])*3%480]
			p.Arrived = at
			b.Put(p)
			for range data[0] >> 4 & 3 {
				b.Read(frame, at)
				at += int64(FrameTime)
			}
			if b.queue.n > maxQueue || b.queue.made > maxQueue {
				t.Fatal("too many packets")
			}
			for i := 1; i < b.queue.n; i++ {
				if b.queue.packets[i-1].at >= b.queue.packets[i].at {
					t.Fatal("out of order")
				}
			}
		}
	})
}

func BenchmarkJitterBuffer(b *testing.B) {
	codec, _ := NewCodec("PCMU")
	buffer := NewJitterBuffer(codec, JitterConfig{})
	frame := make([]int16, 160)
	p := Packet{Payload: make([]byte, 160)}
	b.ReportAllocs()
	for b.Loop() {
		buffer.Put(p)
		buffer.Read(frame, p.Arrived)
		p.Sequence++
		p.Timestamp += 160
		p.Arrived += int64(FrameTime)
	}
}

// A phone whose timestamps stand still while it holds is heard again, whether it marks the end of the silence or not.
func TestJitterBufferHearsWhoDoesNotCountSilence(t *testing.T) {
	t.Parallel()
	for _, pause := range []time.Duration{150 * ms, 250 * ms, time.Second, 3 * time.Second, time.Minute} {
		for _, marker := range []bool{false, true} {
			packets := stream(sender{}, network{delay: steadily(30 * ms)}, 200)
			for i := 100; i < 200; i++ {
				packets[i].Arrived += int64(pause)
			}
			packets[100].Marker = marker
			b := newTestBuffer(t)
			heard := 0
			for _, p := range listen(b, packets) {
				if p.heard == HeardVoice && p.number > 100 {
					heard++
				}
			}
			if heard < 90 {
				t.Errorf("%d packets of 100 are heard behind %v, marker %v: %+v", heard, pause, marker, b.Counts())
			}
		}
	}
}
