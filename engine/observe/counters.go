package observe

import (
	"maps"
	"slices"
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
	caused   atomic.Uint64           // of them by peers
	reported atomic.Uint64           // caused at the last summary
	example  atomic.Pointer[example] // the first that a peer caused since then
}

// Add counts n more of what is everyday life: it is in the metrics, not in the log.
func (c *Counter) Add(n uint64) { c.total.Add(n) }

// Total is the count since the start.
func (c *Counter) Total() uint64 { return c.total.Load() }

func (c *Counter) addCaused(n uint64) {
	c.total.Add(n)
	c.caused.Add(n)
}

func (c *Counter) keepExample(e *Event) {
	if c.example.Load() == nil {
		c.example.CompareAndSwap(nil, e.example())
	}
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

// growth is what peers caused of one kind since the last summary.
type growth struct {
	kind         string
	count, total uint64
	example      *example
}

// drain lists the kinds that grew since the last drain, by name, and takes their examples.
func (c *Counters) drain() []growth {
	known := c.kinds.Load()
	if known == nil {
		return nil
	}
	var grown []growth
	for _, kind := range slices.Sorted(maps.Keys(*known)) {
		counter := (*known)[kind]
		caused := counter.caused.Load()
		count := caused - counter.reported.Swap(caused)
		if count == 0 {
			continue
		}
		grown = append(grown, growth{kind, count, caused, counter.example.Swap(nil)})
	}
	return grown
}
