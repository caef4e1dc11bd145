package engine

import (
	"hash/maphash"

	"github.com/sipscript/sipscript/sip"
)

// maxDialogs is how many confirmed dialogs the server remembers, over all shards; the oldest goes first.
const maxDialogs = 1_000_000

// fingerprints remembers, in 8 bytes each, the dialogs that were confirmed through this server. Some simple user
// agents send ACK and BYE without our Route; they are served along their request URI if the dialog is known here.
// So such phones work and nobody has an open relay.
type fingerprints struct {
	seed  maphash.Seed // decides nothing anybody sees
	known map[uint64]struct{}
	order []uint64 // ring, oldest at next once it is full
	next  int
	most  int
}

func (f *fingerprints) init(most int) {
	f.seed = maphash.MakeSeed()
	f.known = make(map[uint64]struct{})
	f.most = max(most, 1)
}

// add remembers the dialog a 2xx confirms.
func (f *fingerprints) add(ok *sip.Message) {
	d := f.of(ok)
	if _, known := f.known[d]; known {
		return
	}
	f.known[d] = struct{}{}
	if len(f.order) < f.most {
		f.order = append(f.order, d)
		return
	}
	delete(f.known, f.order[f.next])
	f.order[f.next] = d
	f.next = (f.next + 1) % f.most
}

// has reports whether m belongs to a dialog that was confirmed here.
func (f *fingerprints) has(m *sip.Message) bool {
	_, known := f.known[f.of(m)]
	return known
}

// of is the same for requests of both sides: the tags count in either order.
func (f *fingerprints) of(m *sip.Message) uint64 {
	var h maphash.Hash
	h.SetSeed(f.seed)
	a, b := m.FromTag(), m.ToTag()
	if a > b {
		a, b = b, a
	}
	for _, s := range [...]string{m.CallID(), a, b} {
		_, _ = h.WriteString(s) // never fails
		_ = h.WriteByte(0)
	}
	return h.Sum64()
}
