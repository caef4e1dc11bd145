package observe

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// Counters are event counts by kind. The zero value is ready; all methods may be called from any goroutine.
//
// Kinds are few and known after the first minutes, counting never ends: so the map of kinds is replaced as a whole when one is added, and read
// without a lock.
type Counters struct {
	adding sync.Mutex
	kinds  atomic.Pointer[map[string]*Counter]
}

// Counter is the count of one kind.
type Counter struct {
	total    atomic.Uint64
	reported atomic.Uint64         // total at the last summary
	example  atomic.Pointer[Event] // the first event since the last summary
}

// Add counts n more.
func (c *Counter) Add(n uint64) { c.total.Add(n) }

// Total is the count since the start.
func (c *Counter) Total() uint64 { return c.total.Load() }

func (c *Counter) keepExample(e *Event) {
	if c.example.Load() != nil {
		return
	}
	// The event's strings may be slices of a pooled message buffer that is used again as soon as this returns.
	kept := *e
	kept.CallID, kept.Detail = strings.Clone(e.CallID), strings.Clone(e.Detail)
	c.example.CompareAndSwap(nil, &kept)
}

// Counter is the counter of kind, made at its first use. Whoever counts often keeps it.
func (c *Counters) Counter(kind string) *Counter {
	if known := c.kinds.Load(); known != nil {
		if counter, ok := (*known)[kind]; ok {
			return counter
		}
	}
	return c.add(kind)
}

func (c *Counters) add(kind string) *Counter {
	c.adding.Lock()
	defer c.adding.Unlock()
	next := make(map[string]*Counter)
	if known := c.kinds.Load(); known != nil {
		if counter, ok := (*known)[kind]; ok {
			return counter
		}
		maps.Copy(next, *known)
	}
	counter := new(Counter)
	next[kind] = counter
	c.kinds.Store(&next)
	return counter
}

// Total is the count of kind since the start; 0 for a kind never counted.
func (c *Counters) Total(kind string) uint64 {
	if known := c.kinds.Load(); known != nil {
		if counter, ok := (*known)[kind]; ok {
			return counter.Total()
		}
	}
	return 0
}

// Snapshot is a copy of all counts.
func (c *Counters) Snapshot() map[string]uint64 {
	all := make(map[string]uint64)
	if known := c.kinds.Load(); known != nil {
		for kind, counter := range *known {
			all[kind] = counter.Total()
		}
	}
	return all
}

// growth is what one kind has grown by since the last summary.
type growth struct {
	kind         string
	count, total uint64
	example      *Event
}

// drain lists the kinds that grew since the last drain, by name, and takes their examples. One goroutine at a time.
func (c *Counters) drain() []growth {
	known := c.kinds.Load()
	if known == nil {
		return nil
	}
	var grown []growth
	for _, kind := range slices.Sorted(maps.Keys(*known)) {
		counter := (*known)[kind]
		total := counter.total.Load()
		count := total - counter.reported.Swap(total)
		if count == 0 {
			continue
		}
		grown = append(grown, growth{kind, count, total, counter.example.Swap(nil)})
	}
	return grown
}
