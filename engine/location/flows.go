package location

import "slices"

// flows finds the AORs that registered over a stream connection. Nearly every connection has one, so that one is kept without a slice.
type flows struct {
	first map[uint64]string
	more  map[uint64][]string
}

func newFlows() flows {
	return flows{first: make(map[uint64]string), more: make(map[uint64][]string)}
}

func (f flows) add(conn uint64, aor string) {
	first, ok := f.first[conn]
	switch {
	case !ok:
		f.first[conn] = aor
	case first != aor && !slices.Contains(f.more[conn], aor):
		f.more[conn] = append(f.more[conn], aor)
	}
}

func (f flows) remove(conn uint64, aor string) {
	more := f.more[conn]
	if f.first[conn] == aor {
		if len(more) == 0 {
			delete(f.first, conn)
			return
		}
		f.first[conn], aor = more[0], more[0]
	}
	if i := slices.Index(more, aor); i >= 0 {
		f.more[conn] = slices.Delete(more, i, i+1)
	}
	if len(f.more[conn]) == 0 {
		delete(f.more, conn)
	}
}

// aors returns those of a connection in the order in which they first registered over it.
func (f flows) aors(conn uint64) []string {
	first, ok := f.first[conn]
	if !ok {
		return nil
	}
	return append([]string{first}, f.more[conn]...)
}
