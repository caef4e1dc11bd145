package auth

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strings"
	"time"

	"github.com/sipscript/sipscript/sip"
)

// A nonce is 32 characters of base64:
//
//	6 bytes  when it was issued, Unix milliseconds
//	8 bytes  hash of the request it was issued to, so that no two clients share one and a nonce count
//	10 bytes HMAC-SHA-256 of the above
const (
	nonceTime    = 6
	noncePayload = 14
	nonceLen     = 24
)

// nonces makes and checks nonces. It is never written after New.
type nonces struct {
	secret []byte
	life   time.Duration
}

// nonce is one that we have issued.
type nonce struct {
	id     uint64 // unique, and nobody can choose it
	issued int64  // Unix milliseconds
}

// issue returns the nonce for a challenge to m. A request that comes again within the same millisecond gets the same one.
func (n *nonces) issue(m *sip.Message, now time.Time) string {
	var raw [nonceLen]byte
	var at [8]byte
	binary.BigEndian.PutUint64(at[:], uint64(now.UnixMilli()))
	copy(raw[:nonceTime], at[8-nonceTime:])

	id := sha256.New()
	via, _ := m.Value(sip.Via)
	cseq, _ := m.Value(sip.CSeq)
	for _, part := range []string{m.CallID(), cseq, m.FromTag(), via} {
		id.Write([]byte(part))
		id.Write([]byte{0})
	}
	copy(raw[nonceTime:noncePayload], id.Sum(nil))
	n.seal(&raw)
	return base64.RawURLEncoding.EncodeToString(raw[:])
}

func (n *nonces) mac(payload []byte) []byte {
	h := hmac.New(sha256.New, n.secret)
	h.Write(payload)
	return h.Sum(nil)[:nonceLen-noncePayload]
}

func (n *nonces) seal(raw *[nonceLen]byte) { copy(raw[noncePayload:], n.mac(raw[:noncePayload])) }

// open reads a nonce. ok is false for one that this server, with this secret, has not issued.
func (n *nonces) open(text string) (_ nonce, ok bool) {
	var raw [nonceLen]byte
	if len(text) != base64.RawURLEncoding.EncodedLen(nonceLen) || strings.ContainsAny(text, "\r\n") {
		return nonce{}, false
	}
	if _, err := base64.RawURLEncoding.Decode(raw[:], []byte(text)); err != nil {
		return nonce{}, false
	}
	if !hmac.Equal(raw[noncePayload:], n.mac(raw[:noncePayload])) {
		return nonce{}, false
	}
	var at [8]byte
	copy(at[8-nonceTime:], raw[:nonceTime])
	return nonce{
		// Of the MAC: spread evenly, and out of the client's hands.
		id:     binary.BigEndian.Uint64(raw[noncePayload:]),
		issued: int64(binary.BigEndian.Uint64(at[:])),
	}, true
}

// fresh reports whether a nonce may still be used.
func (n *nonces) fresh(of nonce, now time.Time) bool {
	return now.Before(time.UnixMilli(of.issued).Add(n.life))
}
