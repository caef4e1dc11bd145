package sip

import "sync"

// sizes are the buffer sizes messages are pooled by: a kept message keeps its whole buffer, so they follow the sizes of the Go allocator
// where messages usually are. What is larger is not pooled.
var sizes = [...]int{512, 768, 1024, 1536, 2048, 4096, 8192, 16384, 65536}

// pools hold released messages with their buffers, one pool for each size.
var pools [len(sizes)]sync.Pool

const (
	usualFields = 20   // header fields a new message has room for
	mostFields  = 128  // room beyond this is not pooled
	mostExt     = 2048 // nor are edits beyond this many bytes
)

// take returns an empty message with room for n bytes.
func take(n int) *Message {
	for c, size := range sizes {
		if n > size {
			continue
		}
		if m, _ := pools[c].Get().(*Message); m != nil {
			m.reset()
			return m
		}
		return room(size, c)
	}
	return room(n, len(sizes))
}

// room is an empty message with room for size bytes.
func room(size, class int) *Message {
	m := withForms()
	m.buf, m.fields, m.class = make([]byte, 0, size), make([]field, 0, usualFields), uint8(class)
	return m
}

// Keep gives the message to the garbage collector for ever: Release does nothing from now on. Everything that stores the message, or a
// string of it, beyond the turn in which it was received calls it. There is no way back and no count.
func (m *Message) Keep() { m.kept = true }

// Kept reports whether Keep was called: Release will do nothing.
func (m *Message) Kept() bool { return m.kept }

// Release gives an unkept message back to the pools. The message and every string taken from it must not be used again. Releasing it twice
// panics, since the second time it may already be another one.
func (m *Message) Release() {
	if m.kept {
		return
	}
	if m.released {
		panic("sip: message released twice")
	}
	m.released = true
	if poison {
		spoil(m.buf)
		spoil(m.ext)
		*m = Message{released: true}
		return
	}
	if int(m.class) == len(pools) || cap(m.fields) > mostFields || cap(m.ext) > mostExt {
		return
	}
	pools[m.class].Put(m)
}

// reset makes a released message an empty one. The parsed forms stay: they point into nothing but the message's own buffers, and cached
// says that none of them holds.
func (m *Message) reset() {
	m.buf, m.ext, m.fields, m.body = m.buf[:0], m.ext[:0], m.fields[:0], nil
	m.text, m.method, m.uriText, m.reason = "", "", "", ""
	m.startEnd, m.status, m.cached, m.present, m.repeated = 0, 0, 0, 0, 0
	m.released = false
}

// spoil overwrites a released buffer so that a string still pointing into it is seen to be wrong.
func spoil(b []byte) {
	b = b[:cap(b)]
	for i := range b {
		b[i] = 0xDB
	}
}
