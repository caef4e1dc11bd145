package engine

import (
	"slices"
	"sync"

	"github.com/sipscript/sipscript/engine/location"
)

// arrivals are those who wait for a phone to register, by address of record.
type arrivals struct {
	mu  sync.Mutex // a leaf
	all map[string][]*arrival
}

// arrival is one of them.
type arrival struct {
	tell func(phones []location.Binding)
}

// AwaitRegistration has tell called once with the contacts that the next REGISTER under an address of record brings or renews,
// on the committer of the store, where it must not block. The result ends the wait: a tell that is on its way still comes. Any
// goroutine.
func (e *Engine) AwaitRegistration(aor string, tell func(phones []location.Binding)) (stop func()) {
	w, a := &arrival{tell}, &e.arrivals
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.all == nil {
		a.all = map[string][]*arrival{}
	}
	a.all[aor] = append(a.all[aor], w)
	return func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		left := slices.DeleteFunc(a.all[aor], func(other *arrival) bool { return other == w })
		if len(left) == 0 {
			delete(a.all, aor)
			return
		}
		a.all[aor] = left
	}
}

func (a *arrivals) awaited(aor string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.all[aor]) > 0
}

// take returns who waits for an address of record, and lets go of them.
func (a *arrivals) take(aor string) []*arrival {
	a.mu.Lock()
	defer a.mu.Unlock()
	all := a.all[aor]
	delete(a.all, aor)
	return all
}

// registered tells whom it concerns that phones have registered, or done so again. On the committer of the store.
func (e *Engine) registered(ch *location.Change) {
	if ch.Cause != location.Updated {
		return
	}
	_, mailbox := e.mailboxes.look(ch.AOR)
	if !mailbox && !e.arrivals.awaited(ch.AOR) {
		return
	}
	fresh := arrived(ch)
	if len(fresh) == 0 {
		return
	}
	for _, w := range e.arrivals.take(ch.AOR) {
		w.tell(fresh)
	}
	if mailbox {
		e.remind(ch.AOR, fresh)
	}
}

// arrived are the contacts that a change has brought or renewed.
func arrived(ch *location.Change) (fresh []location.Binding) {
	for _, b := range ch.New {
		same := func(old location.Binding) bool { return old.URI == b.URI && old.Registered.Equal(b.Registered) }
		if !slices.ContainsFunc(ch.Old, same) {
			fresh = append(fresh, b)
		}
	}
	return fresh
}
