package lua

import (
	"crypto/sha256"
	"maps"
	"slices"

	"github.com/sipscript/sipscript/lua/rt"
)

// reading is what an attempt to load the script has read. What comes of a script follows from that, so the next
// attempt is worth its time only when something of it has changed; a broken set of files is not tried again. It
// belongs to the keeper.
type reading struct {
	files rt.Files
	sums  map[string][sha256.Size]byte // by path; zero: it cannot be read
}

func newReading(f rt.Files) *reading {
	return &reading{files: f, sums: map[string][sha256.Size]byte{}}
}

// ReadFile implements rt.Files.
func (r *reading) ReadFile(path string) ([]byte, error) {
	b, err := r.files.ReadFile(path)
	r.sums[path] = sum(b, err)
	return b, err
}

func sum(b []byte, err error) [sha256.Size]byte {
	if err != nil {
		return [sha256.Size]byte{}
	}
	return sha256.Sum256(b)
}

// paths are the files read, also those that were looked for in vain.
func (r *reading) paths() []string { return slices.Sorted(maps.Keys(r.sums)) }

// stale reports whether one of the files is now different, has appeared or is gone.
func (r *reading) stale() bool {
	for path, s := range r.sums {
		if sum(r.files.ReadFile(path)) != s {
			return true
		}
	}
	return false
}
