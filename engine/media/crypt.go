package media

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"

	"github.com/sipscript/sipscript/engine/media/description"
)

const (
	// window is how far back a packet may come late and still be told from a replay (RFC 3711 §3.3.2 wants at least 64).
	window = 128
	// maxSources is how many SSRCs one key may serve. Each holds state for as long as the key is used, and a peer may draw them as it likes.
	maxSources = 64
)

var (
	errForged   = errors.New("media: SRTP authentication failed")
	errReplayed = errors.New("media: SRTP packet seen before")
	errSources  = errors.New("media: too many SSRCs under one key")
	errNowhere  = errors.New("media: no destination, or no key")
)

// crypt is the cryptographic context of one way of one m-line (RFC 3711 §3.2), for RTP and RTCP. It does not allocate for a packet of a source it
// knows. It belongs to whoever holds the lock of that way.
type crypt struct {
	counter  counterMode // of RTP; without a block: context is, too
	sdes     *description.SDES
	context  *srtp.Context // see prepare
	header   rtp.Header
	sources  []uint32
	overhead int // bytes that the shortest packet has beside its header
}

var profiles = [...]srtp.ProtectionProfile{
	description.AES128SHA80: srtp.ProtectionProfileAes128CmHmacSha1_80,
	description.AES128SHA32: srtp.ProtectionProfileAes128CmHmacSha1_32,
	description.AES128GCM:   srtp.ProtectionProfileAeadAes128Gcm,
	description.AES256GCM:   srtp.ProtectionProfileAeadAes256Gcm,
}

// tags are the lengths of the authentication tags of RTP (RFC 4568 §6.2, RFC 7714 §13.1). Those of RTCP are as long or longer.
var tags = [...]int{
	description.AES128SHA80: 10,
	description.AES128SHA32: 4,
	description.AES128GCM:   16,
	description.AES256GCM:   16,
}

// newCrypt makes the context of a key. Its errors do not tell the key.
func newCrypt(sdes *description.SDES) (*crypt, error) {
	n := sdes.Suite.KeyLen()
	if len(sdes.Key) != n+sdes.Suite.SaltLen() {
		return nil, fmt.Errorf("media: %d bytes of key for %v", len(sdes.Key), sdes.Suite)
	}
	c := &crypt{sdes: sdes, overhead: len(sdes.MKI) + tags[sdes.Suite]}
	var err error
	if sdes.Suite == description.AES128SHA80 || sdes.Suite == description.AES128SHA32 {
		err = c.counter.derive(sdes.Key[:n], sdes.Key[n:], tags[sdes.Suite], sdes.MKI)
	} else {
		err = c.prepare()
	}
	if err != nil {
		return nil, fmt.Errorf("media: %v: %w", sdes.Suite, err)
	}
	return c, nil
}

// prepare makes pion's context, which is large, and which a call without RTCP may never need.
func (c *crypt) prepare() (err error) {
	if c.context == nil {
		n := c.sdes.Suite.KeyLen()
		c.context, err = srtp.CreateContext(c.sdes.Key[:n], c.sdes.Key[n:], profiles[c.sdes.Suite],
			srtp.SRTPReplayProtection(window), srtp.SRTCPReplayProtection(window), srtp.MasterKeyIndicator(c.sdes.MKI))
	}
	return err
}

// rekey returns the context for sdes: c itself while the key stays, since its counters must go on (RFC 4568 §7.1.4), nil for none.
func (c *crypt) rekey(sdes *description.SDES) (*crypt, error) {
	switch {
	case sdes == nil:
		return nil, nil
	case c != nil && c.sdes.Suite == sdes.Suite && bytes.Equal(c.sdes.Key, sdes.Key) && bytes.Equal(c.sdes.MKI, sdes.MKI):
		return c, nil
	}
	return newCrypt(sdes)
}

// admits reports whether a packet of ssrc may be worked on, known says that the key has served it before.
func (c *crypt) admits(ssrc uint32) (known, ok bool) {
	if slices.Contains(c.sources, ssrc) {
		return true, true
	}
	return false, len(c.sources) < maxSources
}

// openRTP decrypts b in place. What is replayed is refused before it costs anything.
func (c *crypt) openRTP(b []byte, h *rtpHeader) ([]byte, error) {
	if c.counter.block != nil {
		return c.counter.open(b, h)
	}
	return c.open(rtpPacket, b, h.length, h.ssrc)
}

// sealRTP encrypts b in place; b has room behind it.
func (c *crypt) sealRTP(b []byte, h *rtpHeader) ([]byte, error) {
	if c.counter.block != nil {
		return c.counter.seal(b, h)
	}
	return c.seal(rtpPacket, b, h.ssrc)
}

// open decrypts b, whose header in the clear is of the given length, in place.
func (c *crypt) open(kind content, b []byte, header int, ssrc uint32) ([]byte, error) {
	known, ok := c.admits(ssrc)
	if !ok {
		return nil, errSources
	}
	if len(b) < header+c.overhead {
		return nil, errForged
	}
	if err := c.prepare(); err != nil {
		return nil, err
	}
	var opened []byte
	var err error
	if kind == rtpPacket {
		opened, err = c.context.DecryptRTP(b[:0], b, &c.header)
	} else {
		opened, err = c.context.DecryptRTCP(b[:0], b, nil)
	}
	switch {
	case errors.Is(err, srtp.ErrFailedToVerifyAuthTag), errors.Is(err, srtp.ErrMKINotFound):
		return nil, errForged
	case err != nil:
		return nil, errReplayed
	case !known:
		c.sources = append(c.sources, ssrc)
	}
	return opened, nil
}

// seal encrypts b in place; b has room behind it.
func (c *crypt) seal(kind content, b []byte, ssrc uint32) ([]byte, error) {
	known, ok := c.admits(ssrc)
	switch {
	case !ok:
		return nil, errSources
	case !known:
		c.sources = append(c.sources, ssrc)
	}
	if err := c.prepare(); err != nil {
		return nil, err
	}
	if kind == rtpPacket {
		return c.context.EncryptRTP(b[:0], b, &c.header)
	}
	return c.context.EncryptRTCP(b[:0], b, nil)
}
