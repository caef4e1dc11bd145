package stream

import (
	"sync"
	"time"

	"github.com/sipscript/sipscript/engine/audio"
)

const (
	// deepest is how much an agent may say before it is heard. Agents speak faster than real time.
	deepest = 10 * time.Minute
	// blockSize is how much is allocated at once.
	blockSize = 8 << 10
	// markWeight is what a mark counts of the buffer beside its name: marks without samples have a bound, too.
	markWeight = 64
)

// playout is what the agent has said and was not heard yet. It is a media.Source without an end: where nothing is said there
// is silence. put, mark and clear are of the goroutine that reads; Read is the pacer's.
type playout struct {
	format format
	limit  int               // bytes; put is not to be called with more
	passed func(name string) // a mark was reached, or was cleared

	room chan struct{} // told when there is room again

	mu     sync.Mutex // a leaf
	blocks [][]byte   // of samples as they came; the first begins at offset
	offset int
	held   int    // bytes of samples
	weight int    // of marks
	heard  uint64 // bytes of samples that were read, or cleared
	marks  []mark

	// The pacer's, and touched by clear under mu.
	adapt *audio.Resampler // where the call has another rate
	rate  int              // that adapt makes
	rest  []int16          // what it has made, and was not read yet
	frame []int16
}

// mark is a place behind samples that the agent wants to know of.
type mark struct {
	name string
	at   uint64 // as heard counts
}

func newPlayout(f format, passed func(name string)) *playout {
	return &playout{format: f, limit: samplesIn(deepest, f.rate()) * f.width(), passed: passed, room: make(chan struct{}, 1), frame: make([]int16, audio.FrameLen(f.rate()))}
}

func samplesIn(d time.Duration, rate int) int { return int(d * time.Duration(rate) / time.Second) }

// put adds samples.
func (p *playout) put(samples []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held += len(samples)
	for len(samples) > 0 {
		last := len(p.blocks) - 1
		if last < 0 || len(p.blocks[last]) == cap(p.blocks[last]) {
			p.blocks = append(p.blocks, make([]byte, 0, blockSize))
			last++
		}
		b := p.blocks[last]
		n := min(len(samples), cap(b)-len(b))
		p.blocks[last] = append(b, samples[:n]...)
		samples = samples[n:]
	}
}

// mark marks the end of what was put. Where nothing waits to be heard it is reached at once.
func (p *playout) mark(name string) {
	p.mu.Lock()
	waits := p.held > 0
	if waits {
		p.marks = append(p.marks, mark{name, p.heard + uint64(p.held)})
		p.weight += markWeight + len(name)
	}
	p.mu.Unlock()
	if !waits {
		p.passed(name)
	}
}

// clear forgets all that waits to be heard. Its marks are reached at once.
func (p *playout) clear() {
	p.mu.Lock()
	marks := p.marks
	p.heard += uint64(p.held)
	p.blocks, p.offset, p.held, p.weight, p.marks = nil, 0, 0, 0, nil
	p.adapt, p.rest = nil, p.rest[:0]
	p.mu.Unlock()
	for _, m := range marks {
		p.passed(m.name)
	}
}

// full reports whether more is not to be put yet. room is told when that is over.
func (p *playout) full() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.held+p.weight >= p.limit
}

// Read implements media.Source.
func (p *playout) Read(frame []int16, rate int) int {
	p.mu.Lock()
	waits := p.held + p.weight
	p.read(frame, rate)
	reached := 0
	for reached < len(p.marks) && p.marks[reached].at <= p.heard {
		p.weight -= markWeight + len(p.marks[reached].name)
		reached++
	}
	marks := p.marks[:reached]
	if p.marks = p.marks[reached:]; len(p.marks) == 0 {
		p.marks = nil
	}
	room := waits >= p.limit && p.held+p.weight < p.limit
	p.mu.Unlock()
	for _, m := range marks {
		p.passed(m.name)
	}
	if room {
		select {
		case p.room <- struct{}{}:
		default:
		}
	}
	return len(frame)
}

func (p *playout) read(frame []int16, rate int) {
	if rate == p.format.rate() {
		p.take(frame)
		return
	}
	if p.adapt == nil || p.rate != rate {
		p.adapt, p.rate, p.rest = audio.NewResampler(p.format.rate(), rate), rate, p.rest[:0]
	}
	for len(p.rest) < len(frame) {
		p.take(p.frame)
		p.rest = p.adapt.Append(p.rest, p.frame)
	}
	n := copy(frame, p.rest)
	p.rest = p.rest[:copy(p.rest, p.rest[n:])]
}

// take fills frame with what waits to be heard, and silence.
func (p *playout) take(frame []int16) {
	width := p.format.width()
	for len(frame) > 0 && p.held > 0 {
		b := p.blocks[0][p.offset:]
		n := min(len(frame), len(b)/width)
		p.format.decode(frame[:n], b)
		frame = frame[n:]
		p.offset += n * width
		p.held -= n * width
		p.heard += uint64(n * width)
		if p.offset == len(p.blocks[0]) {
			p.offset = 0
			if p.blocks = p.blocks[1:]; len(p.blocks) == 0 {
				p.blocks = nil
			}
		}
	}
	clear(frame)
}
