package call

import (
	"hash/maphash"
	"slices"

	"github.com/sipscript/sipscript/sip/dialog"
)

// bygone are the dialogs of a shard that have ended last. Whoever comes to replace one of them is told that there is nothing left to replace, which is
// another thing than a dialog that nobody knows (RFC 3891 §3).
type bygone struct {
	seed maphash.Seed
	last []uint64 // hashes
	next int
}

// mostBygone is how many are remembered: at 100 calls a second on a shard those of the last five seconds, in which a transfer and a hang-up may cross.
const mostBygone = 1024

func (b *bygone) add(id dialog.ID) {
	if b.last == nil {
		b.seed, b.last = maphash.MakeSeed(), make([]uint64, mostBygone)
	}
	b.last[b.next] = maphash.Comparable(b.seed, id)
	b.next = (b.next + 1) % mostBygone
}

func (b *bygone) has(id dialog.ID) bool {
	return b.last != nil && slices.Contains(b.last, maphash.Comparable(b.seed, id))
}
