package location

// deadline is an AOR's place in the expiry heap. It belongs to the committer but for aor, which never changes.
type deadline struct {
	aor   string
	at    int64 // Unix nanoseconds; never later than its row's due
	index int
}

// expiry is a heap of the deadlines of all rows, the earliest first.
//
// A refresh moves its row's due later and leaves the deadline where it is: only when that comes up is it moved to the row's due. So a
// refresh costs the heap nothing, and the heap never holds more than one entry an AOR, whatever peers do.
type expiry []*deadline

func (h *expiry) push(d *deadline) {
	d.index = len(*h)
	*h = append(*h, d)
	h.up(d.index)
}

func (h *expiry) remove(d *deadline) {
	i, last := d.index, len(*h)-1
	h.swap(i, last)
	(*h)[last] = nil
	*h = (*h)[:last]
	if i < last {
		h.fix((*h)[i])
	}
}

// fix restores the order after d.at has changed.
func (h expiry) fix(d *deadline) {
	h.up(d.index)
	h.down(d.index)
}

func (h expiry) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if h[parent].at <= h[i].at {
			return
		}
		h.swap(i, parent)
		i = parent
	}
}

func (h expiry) down(i int) {
	for {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(h); child++ {
			if h[child].at < h[least].at {
				least = child
			}
		}
		if least == i {
			return
		}
		h.swap(i, least)
		i = least
	}
}

func (h expiry) swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}
