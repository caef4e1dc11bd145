package transaction

import (
	"encoding/binary"
	"hash/maphash"

	"github.com/sipscript/sipscript/sip"
)

// cookie begins the branch of every client that makes it unique (RFC 3261 §8.1.1.7). A branch is a token, so its case
// does not count (§7.3.1).
const cookie = "z9hG4bK"

// key identifies a transaction: 128 bits of keyed hash over what RFC 3261 §17.1.3 and §17.2.3 compare. The seeds are
// drawn for each table, so nobody can search for two requests with one key; with a million transactions standing, ten
// billion lookups meet a false match with a probability of 10⁻²². The text itself would cost each transaction a hundred
// bytes, and each lookup a comparison.
type key [2]uint64

// hasher turns identifying text into keys. The scratch makes lookups free of allocation.
type hasher struct {
	seeds   [2]maphash.Seed
	scratch []byte
}

func newHasher() hasher {
	return hasher{seeds: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}, scratch: make([]byte, 0, 512)}
}

// client is the key of a client transaction: the branch alone, since ours are unique; the method, which tells an INVITE
// from its CANCEL, is compared in the table.
func (h *hasher) client(branch string) key {
	h.begin('C')
	h.folded(branch)
	return h.sum()
}

// server is the key of RFC 3261 §17.2.3 for the request m read as one of the given method: an ACK is looked up as its
// INVITE, a CANCEL as what it cancels. It is false for a message without the headers that make a key.
func (h *hasher) server(m *sip.Message, method string) (key, bool) {
	via, err := m.Via()
	if err != nil {
		return key{}, false
	}
	if !unique(via.Branch) {
		return h.rfc2543(m, via, method, m.ToTag())
	}
	if method == sip.ACK {
		method = sip.INVITE
	}
	h.begin('S')
	h.folded(via.Branch)
	h.sentBy(via)
	h.exact(method)
	return h.sum(), true
}

// rfc2543 is the key of a request whose branch is not unique. An ACK carries the To tag of the response instead of the
// INVITE's, and its key is therefore made when that response is sent. Of the top Via the parameters other than the
// branch do not count: received and rport are ours and may change behind a NAT. A client repeats a request byte by
// byte, so the Request-URI is compared as text.
func (h *hasher) rfc2543(m *sip.Message, via *sip.ViaValue, method, toTag string) (key, bool) {
	cseq, err := m.CSeq()
	if err != nil {
		return key{}, false
	}
	h.begin('O')
	h.exact(m.URIText())
	h.exact(toTag)
	h.exact(m.FromTag())
	h.exact(m.CallID())
	h.scratch = binary.BigEndian.AppendUint32(h.scratch, cseq.Number)
	h.exact(method)
	h.folded(via.Transport)
	h.folded(via.Branch)
	h.sentBy(via)
	return h.sum(), true
}

// unique reports whether a branch is a transaction identifier. The cookie with nothing behind it is none (RFC 4475
// §3.2.1): all requests of a client that sends it would be one transaction.
func unique(branch string) bool {
	if len(branch) <= len(cookie) {
		return false
	}
	for i := range len(cookie) {
		if lower(branch[i]) != lower(cookie[i]) {
			return false
		}
	}
	return true
}

// begin keeps the kinds of keys apart.
func (h *hasher) begin(kind byte) { h.scratch = append(h.scratch[:0], kind) }

// sentBy adds host and port, a missing port as the default it stands for (RFC 3261 §18.1.1): two clients that drew the
// same branch are two transactions.
func (h *hasher) sentBy(via *sip.ViaValue) {
	port := via.Port
	if port == 0 {
		transport, ok := sip.ParseTransport(via.Transport)
		if !ok {
			transport = sip.UDP
		}
		port = transport.DefaultPort()
	}
	h.folded(via.Host)
	h.scratch = binary.BigEndian.AppendUint16(h.scratch, port)
}

// exact and folded write the length before the text, so that no two lists of texts look the same.
func (h *hasher) exact(s string) {
	h.scratch = binary.BigEndian.AppendUint32(h.scratch, uint32(len(s)))
	h.scratch = append(h.scratch, s...)
}

func (h *hasher) folded(s string) {
	h.scratch = binary.BigEndian.AppendUint32(h.scratch, uint32(len(s)))
	for i := range len(s) {
		h.scratch = append(h.scratch, lower(s[i]))
	}
}

func (h *hasher) sum() key {
	return key{maphash.Bytes(h.seeds[0], h.scratch), maphash.Bytes(h.seeds[1], h.scratch)}
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}
