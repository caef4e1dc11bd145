package media

import (
	"encoding/binary"
	"strconv"
	"strings"
	"time"

	"github.com/sipscript/sipscript/engine/audio"
	"github.com/sipscript/sipscript/engine/media/description"
)

// keys are digits on their way to the peer. They take a step each frame, whether that is one of this server's own or a packet relayed that goes in
// their place.
type keys struct {
	queue []key
	frame int    // of the first one
	begun uint32 // its timestamp
	tone  *audio.ToneSource
	done  []func() // to be called at the next tick
}

// key is one of them, with its times in frames.
type key struct {
	event     uint8 // RFC 4733 §3.2; noEvent: a pause
	each, gap int
	done      func()
}

const (
	noEvent = 0xFF
	// ends is how often the end of an event is sent, as a peer that loses it hears the key held (RFC 4733 §2.5.1.4).
	ends = 3
	// loudness of an event is 10 dB below the reference, what a telephone has.
	loudness = 10
	// pauseFrames is a 'w'.
	pauseFrames = int(500 * time.Millisecond / audio.FrameTime)
)

// step is what becomes of one frame.
type step struct {
	event bool    // body is the payload of a telephone-event
	first bool    // its first packet
	tone  bool    // the frame is of tone, or of the silence behind it
	body  [4]byte // of an event
	begun uint32  // its timestamp
	sound *audio.ToneSource
}

// append puts digits behind those that wait.
func (k *keys) append(digits string, each, gap time.Duration, done func()) {
	if each <= 0 {
		each = 160 * time.Millisecond
	}
	if gap <= 0 {
		gap = 80 * time.Millisecond
	}
	for _, digit := range []byte(strings.ToUpper(digits)) {
		if digit == 'W' {
			k.queue = append(k.queue, key{event: noEvent, gap: pauseFrames})
		} else if event := strings.IndexByte(eventKeys, digit); event >= 0 {
			k.queue = append(k.queue, key{event: uint8(event), each: frames(each), gap: frames(gap)})
		}
	}
	// What is called stands behind all the rest, as a pause of no length.
	k.queue = append(k.queue, key{event: noEvent, done: done})
}

// frames is how many there are in d, at least one.
func frames(d time.Duration) int { return max(1, int((d+audio.FrameTime-1)/audio.FrameTime)) }

// waiting reports whether there is anything to be sent.
func (k *keys) waiting() bool { return len(k.queue) > 0 || len(k.done) > 0 }

// tell has those told who wait for what is over; with all of them everybody.
func (k *keys) tell(p *pacer, all bool) {
	p.done = append(p.done, k.done...)
	k.done = nil
	if !all {
		return
	}
	for i := range k.queue {
		if done := k.queue[i].done; done != nil {
			p.done = append(p.done, done)
		}
	}
	k.queue = nil
}

// settle lets go of those that are over and of those that the peer cannot be sent.
func (k *keys) settle(l *line) {
	for len(k.queue) > 0 {
		first := &k.queue[0]
		length := first.each + first.gap
		if l.events != nil && first.each > 0 {
			length = max(length, first.each+ends-1)
		}
		sendable := first.event == noEvent || l.events != nil && accepts(l.events, first.event) || l.events == nil && l.codec != "" && first.event < 16
		if sendable && k.frame < length {
			return
		}
		if first.done != nil {
			k.done = append(k.done, first.done)
		}
		k.queue = k.queue[1:]
		k.frame, k.tone = 0, nil
	}
	k.queue = nil
}

// accepts reports whether a peer takes an event. Without a list it takes the 16 keys (RFC 4733 §2.4.1).
func accepts(f *description.Format, event uint8) bool {
	if f.Parameters == "" {
		return event < 16
	}
	for part := range strings.SplitSeq(f.Parameters, ",") {
		low, high, ranged := strings.Cut(strings.TrimSpace(part), "-")
		if !ranged {
			high = low
		}
		first, err := strconv.Atoi(low)
		if err != nil {
			continue
		}
		if last, err := strconv.Atoi(high); err == nil && int(event) >= first && int(event) <= last {
			return true
		}
	}
	return false
}

// step takes one, for a frame at a timestamp. It is for who has called settle.
func (k *keys) step(l *line, timestamp uint32) (s step) {
	if len(k.queue) == 0 {
		return s
	}
	first, frame := &k.queue[0], k.frame
	k.frame++
	switch {
	case first.event == noEvent:
	case l.events == nil:
		s.tone = true
		if frame == 0 {
			k.tone = toneOf(first)
		}
		s.sound = k.tone
	case frame < first.each+ends-1:
		if frame == 0 {
			k.begun = timestamp
			s.first = true
		}
		s.event, s.begun = true, k.begun
		s.body = [4]byte{first.event, loudness}
		if frame >= first.each-1 {
			s.body[1] |= 0x80
		}
		// A duration of 16 bits ends at 8 s; longer events have segments (RFC 4733 §2.5.1.3), which nobody needs to press a key.
		duration := uint32(min(frame+1, first.each)) * l.frame()
		binary.BigEndian.PutUint16(s.body[2:], uint16(min(duration, 0xFFFF)))
	}
	return s
}

// toneOf is what a key sounds like (ITU-T Q.23); nil for a flash, which makes no sound.
func toneOf(k *key) *audio.ToneSource {
	tone, err := audio.Digits(string(eventKeys[k.event]), time.Duration(k.each)*audio.FrameTime, time.Duration(k.gap)*audio.FrameTime)
	if err != nil {
		return nil
	}
	return tone.Source()
}

// fill fills a frame with what a key sounds like.
func (s *step) fill(frame []int16, rate int) {
	n := 0
	if s.sound != nil {
		n = s.sound.Read(frame, rate)
	}
	clear(frame[n:])
}
