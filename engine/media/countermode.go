package media

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha1" // HMAC-SHA1 is what RFC 3711 has; it does not rest on SHA-1's resistance to collisions
	"crypto/subtle"
	"encoding"
	"encoding/binary"
	"errors"
	"hash"
	"sync"
)

// counterMode is AES-CM with HMAC-SHA1 for RTP (RFC 3711 §4), the transform of nearly every call. RTCP, which is rare, and the AEAD suites are pion's.
//
// It is here for one reason: a relay with thousands of streams finds nothing of a key in the processor's caches, so what counts is how much memory
// a packet touches. This is a key schedule, two states of SHA-1 and 48 bytes of counters; pion's context took three times as long.
type counterMode struct {
	block   cipher.Block
	salt    [aes.BlockSize]byte // the session salt, where the IV has it (§4.1.1)
	inner   [sha1.Size]byte     // state of SHA-1 after the inner and the outer pad of the HMAC
	outer   [sha1.Size]byte
	tag     int
	mki     []byte
	current source   // of the last packet
	others  []source // that the key has served before it
}

// source is what is kept of one SSRC (§3.2.1): the highest index, of which the rollover counter is the upper part, and which of those below it have been
// used.
type source struct {
	ssrc    uint32
	started bool
	highest uint64
	used    [window / 64]uint64 // bit n: highest-n
}

// Labels of key derivation (§4.3.2).
const (
	labelEncryption = iota
	labelAuthentication
	labelSalt
)

const (
	stateSize = 96 // of a marshaled SHA-1: what it is, the state, a block that is not full, how much went before
	stateAt   = 4
)

// lastIndex is the highest index of a key's life (§9.2).
const lastIndex = 1<<48 - 1

// derive derives the session keys (§4.3.1, with a key derivation rate of 0).
func (c *counterMode) derive(key, salt []byte, tag int, mki []byte) error {
	master, err := aes.NewCipher(key)
	if err != nil {
		return err
	}
	session := func(label byte, n int) []byte {
		var iv [aes.BlockSize]byte
		copy(iv[:], salt)
		iv[7] ^= label
		out := make([]byte, n)
		cipher.NewCTR(master, iv[:]).XORKeyStream(out, out)
		return out
	}
	c.tag, c.mki = tag, mki
	if c.block, err = aes.NewCipher(session(labelEncryption, len(key))); err != nil {
		return err
	}
	copy(c.salt[:], session(labelSalt, len(salt)))
	authentication := session(labelAuthentication, sha1.Size)
	if err := padded(&c.inner, authentication, 0x36); err != nil {
		return err
	}
	return padded(&c.outer, authentication, 0x5c)
}

// padded is the state of SHA-1 after one pad of an HMAC (RFC 2104 §2).
func padded(state *[sha1.Size]byte, key []byte, pad byte) error {
	var block [sha1.BlockSize]byte
	copy(block[:], key)
	for i := range block {
		block[i] ^= pad
	}
	b, err := marshaled(block[:])
	copy(state[:], b[stateAt:])
	return err
}

// marshaled is a SHA-1 that has taken b.
func marshaled(b []byte) (m [stateSize]byte, err error) {
	h := sha1.New()
	h.Write(b)
	all, err := h.(encoding.BinaryMarshaler).MarshalBinary()
	if err == nil && len(all) != stateSize {
		err = errors.New("media: SHA-1 has another state")
	}
	copy(m[:], all)
	return m, err
}

// keystreamBlocks is how many blocks are made at a time: a packet of 20 ms of G.711 needs ten.
const keystreamBlocks = 16

// workspace is the memory of one transform. Those few that are in use stay in the caches, which is what they are apart for.
type workspace struct {
	digest    hash.Hash
	restore   encoding.BinaryUnmarshaler // digest
	padded    [stateSize]byte            // a SHA-1 that has taken one block
	keystream [keystreamBlocks * aes.BlockSize]byte
	sum       [sha1.Size]byte
	roc       [4]byte
}

var workspaces = sync.Pool{New: func() any {
	d := sha1.New()
	m, _ := marshaled(make([]byte, sha1.BlockSize)) // it does not fail once a key was made
	return &workspace{digest: d, restore: d.(encoding.BinaryUnmarshaler), padded: m}
}}

// open authenticates and decrypts b in place.
func (c *counterMode) open(b []byte, h *rtpHeader) ([]byte, error) {
	trailer := len(c.mki) + c.tag
	if len(b) < h.length+trailer {
		return nil, errForged
	}
	s, known := c.source(h.ssrc)
	if !known && 1+len(c.others) >= maxSources {
		return nil, errSources
	}
	index, ok := s.index(h.sequence)
	if !ok || s.seen(index) {
		return nil, errReplayed
	}
	packet := b[:len(b)-trailer]
	w := workspaces.Get().(*workspace)
	defer workspaces.Put(w)
	if subtle.ConstantTimeCompare(c.authenticate(w, packet, index), b[len(b)-c.tag:]) != 1 ||
		subtle.ConstantTimeCompare(c.mki, b[len(packet):len(b)-c.tag]) != 1 {
		return nil, errForged
	}
	s.use(index)
	c.keep(s)
	c.crypt(w, packet[h.length:], h.ssrc, index)
	return packet, nil
}

// seal encrypts b in place, and puts what authenticates it behind it. An index is used once: two packets encrypted alike give away both (§9.1), and
// the peer would take the second one for a replay in any case.
func (c *counterMode) seal(b []byte, h *rtpHeader) ([]byte, error) {
	s, known := c.source(h.ssrc)
	if !known && 1+len(c.others) >= maxSources {
		return nil, errSources
	}
	index, ok := s.index(h.sequence)
	if !ok || s.seen(index) {
		return nil, errReplayed
	}
	s.use(index)
	c.keep(s)
	w := workspaces.Get().(*workspace)
	defer workspaces.Put(w)
	c.crypt(w, b[h.length:], h.ssrc, index)
	tag := c.authenticate(w, b, index)
	b = append(b, c.mki...)
	return append(b, tag...), nil
}

// source is what is kept of ssrc; known is false for one that the key has not served, of which nothing is.
func (c *counterMode) source(ssrc uint32) (s source, known bool) {
	if c.current.started && c.current.ssrc == ssrc {
		return c.current, true
	}
	for i := range c.others {
		if c.others[i].ssrc == ssrc {
			return c.others[i], true
		}
	}
	return source{ssrc: ssrc}, !c.current.started
}

// keep makes s the current source.
func (c *counterMode) keep(s source) {
	if c.current.started && c.current.ssrc != s.ssrc {
		for i := range c.others {
			if c.others[i].ssrc == s.ssrc {
				c.others[i], c.current = c.current, s
				return
			}
		}
		c.others = append(c.others, c.current)
	}
	c.current = s
}

// index is the likeliest index of a sequence number (§3.3.1, appendix A); false before the first or after the last one.
func (s *source) index(sequence uint16) (uint64, bool) {
	if !s.started {
		return uint64(sequence), true
	}
	index := s.highest&^0xffff | uint64(sequence)
	switch low := uint16(s.highest); {
	case low < 1<<15 && sequence > low && sequence-low > 1<<15:
		if index < 1<<16 {
			return 0, false
		}
		index -= 1 << 16
	case low >= 1<<15 && low-1<<15 > sequence:
		index += 1 << 16
	}
	return index, index <= lastIndex
}

// seen reports whether an index was used, or is too old to tell (§3.3.2).
func (s *source) seen(index uint64) bool {
	if !s.started || index > s.highest {
		return false
	}
	back := s.highest - index
	return back >= window || s.used[back/64]>>(back%64)&1 != 0
}

// use notes an index that was not seen.
func (s *source) use(index uint64) {
	switch {
	case !s.started:
		s.started, s.highest = true, index
	case index > s.highest:
		s.shift(index - s.highest)
		s.highest = index
	}
	back := s.highest - index
	s.used[back/64] |= 1 << (back % 64)
}

// shift moves the window up.
func (s *source) shift(n uint64) {
	switch {
	case n >= window:
		s.used = [window / 64]uint64{}
	case n >= 64:
		s.used[1], s.used[0] = s.used[0]<<(n-64), 0
	default:
		s.used[1], s.used[0] = s.used[1]<<n|s.used[0]>>(64-n), s.used[0]<<n
	}
}

// authenticate is the tag of a packet (§4.2), in the memory of w.
func (c *counterMode) authenticate(w *workspace, b []byte, index uint64) []byte {
	binary.BigEndian.PutUint32(w.roc[:], uint32(index>>16))
	w.begin(&c.inner)
	w.digest.Write(b)
	w.digest.Write(w.roc[:])
	sum := w.digest.Sum(w.sum[:0])
	w.begin(&c.outer)
	w.digest.Write(sum)
	return w.digest.Sum(w.sum[:0])[:c.tag]
}

func (w *workspace) begin(state *[sha1.Size]byte) {
	copy(w.padded[stateAt:], state[:])
	if err := w.restore.UnmarshalBinary(w.padded[:]); err != nil {
		panic(err) // it is one that SHA-1 has marshaled
	}
}

// crypt encrypts or decrypts a payload (§4.1.1).
func (c *counterMode) crypt(w *workspace, b []byte, ssrc uint32, index uint64) {
	iv := c.salt
	binary.BigEndian.PutUint32(iv[4:], binary.BigEndian.Uint32(iv[4:])^ssrc)
	binary.BigEndian.PutUint64(iv[8:], binary.BigEndian.Uint64(iv[8:])^index<<16)
	for counter := uint16(0); len(b) > 0; {
		n := min(len(b), len(w.keystream))
		for i := 0; i < n; i += aes.BlockSize {
			block := w.keystream[i : i+aes.BlockSize]
			copy(block, iv[:])
			binary.BigEndian.PutUint16(block[14:], counter)
			c.block.Encrypt(block, block)
			counter++
		}
		subtle.XORBytes(b[:n], b[:n], w.keystream[:n])
		b = b[n:]
	}
}
