package location

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sipscript/sipscript/sip"
)

const alice = "sip:alice@example.org"

// contact is a binding of which only this matters.
func contact(uri string, expires time.Duration) Binding {
	now := time.Now()
	return Binding{URI: uri, Q: 1000, Registered: now, Expires: now.Add(expires)}
}

func set(bindings ...Binding) func([]Binding) ([]Binding, error) {
	return func([]Binding) ([]Binding, error) { return bindings, nil }
}

func add(b Binding) func([]Binding) ([]Binding, error) {
	return func(old []Binding) ([]Binding, error) { return append(slices.Clone(old), b), nil }
}

func mustUpdate(t *testing.T, s *Store, aor string, apply func([]Binding) ([]Binding, error)) {
	t.Helper()
	if err := update(s, Update{AOR: aor, Apply: apply}); err != nil {
		t.Fatal(err)
	}
}

func uris(bindings []Binding) []string {
	var out []string
	for _, b := range bindings {
		out = append(out, b.URI)
	}
	return out
}

func expectURIs(t *testing.T, s *Store, aor string, want ...string) {
	t.Helper()
	got, _ := s.Lookup(aor, time.Now())
	if !slices.Equal(uris(got), want) {
		t.Errorf("%s has %v, want %v", aor, uris(got), want)
	}
}

// recorder keeps what the journal and the Changed hook were given; fail makes the journal fail, block makes it wait.
type recorder struct {
	mu      sync.Mutex
	journal [][]Change
	changed [][]Change
	fail    error
	block   chan struct{}
}

func (r *recorder) commits() (journal, changed [][]Change) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.journal), slices.Clone(r.changed)
}

func (r *recorder) Append(changes []Change) error {
	r.mu.Lock()
	block, fail := r.block, r.fail
	r.mu.Unlock()
	if block != nil {
		<-block
	}
	if fail != nil {
		return fail
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.journal = append(r.journal, slices.Clone(changes))
	return nil
}

func (r *recorder) Changed(changes []Change) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.changed = append(r.changed, changes)
}

func (r *recorder) set(fail error, block chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fail, r.block = fail, block
}

func TestB084UnknownAndKnownAORsDiffer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := New(Config{Known: time.Hour})
		defer s.Close()
		known := func() bool { _, known := s.Lookup(alice, time.Now()); return known }
		if known() {
			t.Error("known before it ever registered")
		}
		mustUpdate(t, s, alice, set())
		if known() {
			t.Error("an unregistration made it known: anybody could fill the memory with names")
		}
		mustUpdate(t, s, alice, set(contact("sip:a", time.Minute)))
		mustUpdate(t, s, alice, set())
		time.Sleep(time.Hour - time.Second)
		if !known() {
			t.Error("not known any more just after its last binding went")
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if known() {
			t.Error("still known an hour after its last binding went")
		}
	})
}

func TestLookupIsByQThenLatest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := New(Config{})
		defer s.Close()
		for i, q := range []int{500, 1000, 500, 0, 1000} {
			b := contact(fmt.Sprint("sip:", i), time.Hour)
			b.Q = q
			mustUpdate(t, s, alice, add(b))
			time.Sleep(time.Second)
		}
		expectURIs(t, s, alice, "sip:4", "sip:1", "sip:2", "sip:0", "sip:3")
	})
}

func TestB080ExpiredBindingIsNotUsedBetweenSweeps(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := New(Config{})
		defer s.Close()
		mustUpdate(t, s, alice, set(contact("sip:a", time.Minute), contact("sip:b", time.Hour)))
		now := time.Now()
		for _, tt := range []struct {
			after time.Duration
			want  []string
		}{{time.Minute - 1, []string{"sip:a", "sip:b"}}, {time.Minute, []string{"sip:b"}}, {time.Hour, nil}} {
			got, known := s.Lookup(alice, now.Add(tt.after)) // the committer has not run
			if !slices.Equal(uris(got), tt.want) || !known {
				t.Errorf("after %v: %v, known %v, want %v", tt.after, uris(got), known, tt.want)
			}
		}
		// An update does not see it either: as an old binding its CSeq would count, and it would be listed.
		done := make(chan []Binding, 1)
		s.Update(Update{AOR: alice, Now: now.Add(time.Minute), Apply: func(old []Binding) ([]Binding, error) {
			done <- old
			return old, nil
		}}, nil)
		if got := <-done; !slices.Equal(uris(got), []string{"sip:b"}) {
			t.Errorf("Apply was given %v, want only sip:b", uris(got))
		}
	})
}

func TestExpiryIsReportedOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		s := New(Config{Journal: r, Changed: r.Changed, Known: 24 * time.Hour})
		defer s.Close()
		mustUpdate(t, s, alice, set(contact("sip:a", time.Minute), contact("sip:b", time.Hour)))
		start := time.Now()
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := s.Count(); n != 1 {
			t.Errorf("%d bindings, want 1", n)
		}
		_, changed := r.commits()
		if len(changed) != 2 {
			t.Fatalf("%d commits, want 2", len(changed))
		}
		c := changed[1][0]
		if c.AOR != alice || c.Cause != Expired || !c.At.Equal(start.Add(time.Minute)) ||
			!slices.Equal(uris(c.Old), []string{"sip:a", "sip:b"}) || !slices.Equal(uris(c.New), []string{"sip:b"}) {
			t.Errorf("got %+v", c)
		}
		time.Sleep(2 * 24 * time.Hour)
		synctest.Wait()
		if journal, changed := r.commits(); len(changed) != 3 || len(journal) != 3 || s.Count() != 0 {
			t.Errorf("%d commits, %d in the journal, %d bindings, want 3, 3, 0", len(changed), len(journal), s.Count())
		}
	})
}

func TestRefreshMovesExpiryBothWays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := New(Config{})
		defer s.Close()
		mustUpdate(t, s, alice, set(contact("sip:a", time.Minute)))
		time.Sleep(30 * time.Second)
		mustUpdate(t, s, alice, set(contact("sip:a", 10*time.Minute)))
		time.Sleep(9 * time.Minute)
		synctest.Wait()
		if s.Count() != 1 {
			t.Error("gone at its first expiry although refreshed")
		}
		mustUpdate(t, s, alice, set(contact("sip:a", time.Second)))
		time.Sleep(time.Second)
		synctest.Wait()
		if s.Count() != 0 {
			t.Error("still there although the last refresh shortened its time")
		}
	})
}

func TestUpdatesThatWaitAreCommittedAsOneGroup(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		block := make(chan struct{})
		r := &recorder{block: block}
		s := New(Config{Journal: r, Changed: r.Changed})
		defer s.Close()
		var done []string
		for i := range 100 {
			aor := fmt.Sprint("sip:user", i%10, "@example.org")
			s.Update(Update{AOR: aor, Apply: add(contact(fmt.Sprint("sip:", i), time.Hour))}, func(_ Result, err error) {
				done = append(done, fmt.Sprint(i, err))
			})
			if i == 0 {
				synctest.Wait() // the first is being committed, the rest queues up
			}
		}
		if s.Count() != 0 || len(done) != 0 {
			t.Errorf("%d bindings visible, %d updates done before the journal has them", s.Count(), len(done))
		}
		close(block)
		synctest.Wait()
		journal, changed := r.commits()
		if len(journal) != 2 || len(journal[1]) != 99 {
			t.Errorf("%d journal appends, want one for the first and one for all others", len(journal))
		}
		if len(changed) != 2 {
			t.Errorf("Changed was called %d times, want 2", len(changed))
		}
		if s.Count() != 100 || len(done) != 100 {
			t.Errorf("%d bindings, %d updates done, want 100", s.Count(), len(done))
		}
		for i, d := range done {
			if d != fmt.Sprint(i, nil) {
				t.Fatalf("update %d ended as %q: out of order or failed", i, d)
			}
		}
		expectCount(t, s, "sip:user3@example.org", 10)
	})
}

func expectCount(t *testing.T, s *Store, aor string, n int) {
	t.Helper()
	if got, _ := s.Lookup(aor, time.Now()); len(got) != n {
		t.Errorf("%s has %d bindings, want %d", aor, len(got), n)
	}
}

func TestB070JournalErrorFailsTheGroupAndChangesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("disk full")
		r := &recorder{}
		s := New(Config{Journal: r, Changed: r.Changed})
		defer s.Close()
		mustUpdate(t, s, alice, set(contact("sip:a", time.Hour)))
		r.set(broken, nil)
		var errs []error
		for i := range 3 {
			s.Update(Update{AOR: alice, Apply: add(contact(fmt.Sprint("sip:", i), time.Hour))}, func(got Result, err error) {
				if got.Bindings != nil {
					t.Errorf("a failed update has bindings %v", uris(got.Bindings))
				}
				errs = append(errs, err)
			})
		}
		s.Update(Update{AOR: "sip:bob@example.org", Apply: set(contact("sip:b", time.Hour))}, func(_ Result, err error) { errs = append(errs, err) })
		synctest.Wait()
		if len(errs) != 4 {
			t.Fatalf("%d updates done, want 4", len(errs))
		}
		for _, err := range errs {
			if !errors.Is(err, ErrJournal) || !errors.Is(err, broken) {
				t.Errorf("err = %v, want ErrJournal and its cause", err)
			}
		}
		expectURIs(t, s, alice, "sip:a")
		if _, known := s.Lookup("sip:bob@example.org", time.Now()); known || s.Count() != 1 {
			t.Error("something of a failed group is visible")
		}
		if _, changed := r.commits(); len(changed) != 1 {
			t.Errorf("%d changes reported, want only the one before the failure", len(changed))
		}
		r.set(nil, nil)
		mustUpdate(t, s, alice, add(contact("sip:z", time.Hour)))
		expectCount(t, s, alice, 2)
	})
}

func TestExpiryIsTriedAgainWhenTheJournalFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		s := New(Config{Journal: r})
		defer s.Close()
		mustUpdate(t, s, alice, set(contact("sip:a", time.Minute)))
		r.set(errors.New("disk full"), nil)
		time.Sleep(time.Minute)
		synctest.Wait()
		expectURIs(t, s, alice) // not used all the same
		if s.Count() != 1 {
			t.Errorf("%d bindings, want 1: the journal has not seen it go", s.Count())
		}
		r.set(nil, nil)
		time.Sleep(retryExpiry)
		synctest.Wait()
		if s.Count() != 0 {
			t.Error("still there after the journal recovered")
		}
	})
}

func TestRefusedUpdateLeavesTheOthersOfItsGroupAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		stale := errors.New("stale")
		block := make(chan struct{})
		r := &recorder{block: block}
		s := New(Config{Journal: r})
		defer s.Close()
		s.Update(Update{AOR: "sip:first@example.org", Apply: set(contact("sip:x", time.Hour))}, nil)
		synctest.Wait()
		var got []error
		note := func(_ Result, err error) { got = append(got, err) }
		s.Update(Update{AOR: alice, Apply: set(contact("sip:a", time.Hour))}, note)
		s.Update(Update{AOR: alice, Apply: func(old []Binding) ([]Binding, error) {
			if !slices.Equal(uris(old), []string{"sip:a"}) {
				t.Errorf("was given %v, want what the update before it made", uris(old))
			}
			return []Binding{contact("sip:no", time.Hour)}, stale
		}}, note)
		s.Update(Update{AOR: alice, Apply: add(contact("sip:b", time.Hour))}, note)
		close(block)
		synctest.Wait()
		if len(got) != 3 || got[0] != nil || !errors.Is(got[1], stale) || got[2] != nil {
			t.Errorf("got %v, want only the second refused", got)
		}
		expectCount(t, s, alice, 2)
	})
}

func TestFetchChangesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		s := New(Config{Journal: r, Changed: r.Changed})
		defer s.Close()
		mustUpdate(t, s, alice, set(contact("sip:a", time.Hour)))
		mustUpdate(t, s, alice, keep)
		if journal, changed := r.commits(); len(journal) != 1 || len(changed) != 1 {
			t.Errorf("%d journal appends, %d change reports, want 1 and 1", len(journal), len(changed))
		}
	})
}

func TestQueueIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		block := make(chan struct{})
		r := &recorder{block: block}
		s := New(Config{Journal: r, Queue: 2})
		defer s.Close()
		s.Update(Update{AOR: alice, Apply: set(contact("sip:a", time.Hour))}, nil)
		synctest.Wait()
		var got []error
		for range 3 {
			s.Update(Update{AOR: alice, Apply: set(contact("sip:b", time.Hour))}, func(_ Result, err error) { got = append(got, err) })
		}
		if len(got) != 1 || !errors.Is(got[0], ErrOverload) {
			t.Errorf("got %v, want ErrOverload at once for the third", got)
		}
		s.FlowClosed(sip.Flow{Conn: 1}) // never refused
		close(block)
		synctest.Wait()
		if len(got) != 3 || got[1] != nil || got[2] != nil {
			t.Errorf("got %v, want the two that had room done", got)
		}
	})
}

func TestCloseCommitsWhatIsQueued(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := New(Config{})
		var got []error
		note := func(_ Result, err error) { got = append(got, err) }
		for range 3 {
			s.Update(Update{AOR: alice, Apply: add(contact("sip:a", time.Hour))}, note)
		}
		s.Close()
		s.Update(Update{AOR: alice, Apply: set()}, note)
		s.FlowClosed(sip.Flow{Conn: 1})
		s.Close()
		if len(got) != 4 || errors.Join(got[:3]...) != nil || !errors.Is(got[3], ErrClosed) {
			t.Errorf("got %v, want three done and ErrClosed", got)
		}
		expectCount(t, s, alice, 3)
	})
}

func TestFlowClosedRemovesItsBindingsWhateverTheAOR(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		s := New(Config{Changed: r.Changed})
		defer s.Close()
		over := func(conn uint64, uri string) Binding {
			b := contact(uri, time.Hour)
			b.Flow = sip.Flow{Transport: sip.TCP, Conn: conn}
			return b
		}
		const bob, carol = "sip:bob@example.org", "sip:carol@example.org"
		mustUpdate(t, s, alice, set(over(1, "sip:a1"), over(2, "sip:a2"), contact("sip:a-udp", time.Hour)))
		mustUpdate(t, s, bob, set(over(1, "sip:b1")))
		mustUpdate(t, s, carol, set(over(1, "sip:c1")))
		mustUpdate(t, s, carol, set(over(3, "sip:c1"))) // came back by another connection
		s.FlowClosed(sip.Flow{})                        // names no connection
		// Update and close in one batch: the close comes second.
		s.Update(Update{AOR: "sip:dave@example.org", Apply: set(over(1, "sip:d1"))}, nil)
		s.FlowClosed(sip.Flow{Transport: sip.TCP, Conn: 1})
		synctest.Wait()
		expectCount(t, s, alice, 2)
		expectURIs(t, s, bob)
		expectURIs(t, s, carol, "sip:c1")
		expectURIs(t, s, "sip:dave@example.org")
		_, changed := r.commits()
		last := changed[len(changed)-1]
		if len(last) != 3 || last[0].AOR != alice || last[1].AOR != bob || last[2].AOR != "sip:dave@example.org" || last[0].Cause != FlowClosed {
			t.Errorf("reported %+v", last)
		}
		s.FlowClosed(sip.Flow{Transport: sip.TCP, Conn: 2})
		s.FlowClosed(sip.Flow{Transport: sip.TCP, Conn: 3})
		synctest.Wait()
		if s.Count() != 1 {
			t.Errorf("%d bindings, want the one over UDP", s.Count())
		}
	})
}

func TestEachIsInOrderAndLeavesOutTheEmpty(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := New(Config{})
		defer s.Close()
		for _, aor := range []string{"sip:c@x", "sip:a@x", "sip:ab@x", "sip:b@x"} {
			mustUpdate(t, s, aor, set(contact("sip:1", time.Hour)))
		}
		mustUpdate(t, s, "sip:b@x", set())
		var got []string
		s.Each(func(aor string, b []Binding) bool { got = append(got, aor); return len(got) < 5 })
		if want := []string{"sip:a@x", "sip:ab@x", "sip:c@x"}; !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		got = nil
		s.Each(func(aor string, b []Binding) bool { got = append(got, aor); return false })
		if len(got) != 1 {
			t.Errorf("went on to %v after false", got)
		}
	})
}

// Values once looked up stay as they are, whatever is committed later; -race watches the rest.
func TestReadersSeeSnapshots(t *testing.T) {
	t.Parallel()
	s := New(Config{})
	defer s.Close()
	version := func(i int) Binding {
		b := contact(fmt.Sprint("sip:", i), time.Hour)
		b.UserAgent = b.URI
		return b
	}
	mustUpdate(t, s, alice, set(version(0)))
	first, _ := s.Lookup(alice, time.Now())
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for range 300 {
				if got, _ := s.Lookup(alice, time.Now()); len(got) != 1 || got[0].URI != got[0].UserAgent {
					t.Errorf("got %+v, want one binding whose parts belong together", got)
				}
				s.Each(func(string, []Binding) bool { return true })
			}
		})
	}
	for i := range 300 {
		mustUpdate(t, s, alice, set(version(i)))
	}
	wg.Wait()
	if first[0].URI != "sip:0" {
		t.Errorf("a binding once read has become %q", first[0].URI)
	}
}

func TestStoredStringsAreCopies(t *testing.T) {
	t.Parallel()
	s := New(Config{})
	defer s.Close()
	b := phone(1, time.Now())
	b.Path = []string{"<sip:p1;lr>", "<sip:p2;lr>"}
	mustUpdate(t, s, alice, set(b))
	b.Path[0] = "written after it was stored"
	got, _ := s.Lookup(alice, time.Now())
	if len(got) != 1 || got[0].Path[0] != "<sip:p1;lr>" {
		t.Errorf("got %+v: stored bindings follow what they were made from", got)
	}
}

func TestMemoryPerContact(t *testing.T) {
	if raceEnabled || testing.Short() {
		t.Skip("measures memory")
	}
	const n, most = 100_000, 800
	before := heapInUse()
	s := New(Config{})
	defer s.Close()
	fill(s, n)
	if got := (heapInUse() - before) / n; got > most {
		t.Errorf("%d bytes a contact, want at most %d", got, most)
	}
	if s.Count() != n {
		t.Errorf("%d bindings, want %d", s.Count(), n)
	}
}

func TestLookupAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	s := New(Config{})
	defer s.Close()
	mustUpdate(t, s, alice, set(phone(1, time.Now())))
	now := time.Now()
	// One is the result, the others are memdb's.
	if n := testing.AllocsPerRun(100, func() { s.Lookup(alice, now) }); n > 7 {
		t.Errorf("%v allocations, want at most 7", n)
	}
}

var loopback = netip.MustParseAddrPort("127.0.0.1:5060")
