package ivr

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sipscript/sipscript/engine/shard"
)

// clerk is a queue on a shard that runs in virtual time.
type clerk struct {
	Queue
	t       *testing.T
	rung    []string // agents, together those that ring together
	ended   []error
	callers map[string]*Waiter
}

func newClerk(t *testing.T, f func(c *clerk)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := shard.New(shard.Config[int]{Flush: func() bool { return false }})
		quit, done := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(done)
			s.Run(quit)
		}()
		studio := new(Studio)
		studio.Open([]*shard.Loop{&s.Loop}, func(string) int { return 0 })
		f(&clerk{Queue: Queue{studio, "desk", &s.Loop}, t: t, callers: map[string]*Waiter{}})
		synctest.Wait()
		close(quit)
		<-done
	})
}

// do carries out a step: "login a", "logout a", "pause a", "resume a"; "enter x", "declined x", "taken x a", "leave x"; "wait 5".
func (c *clerk) do(step string, by Strategy) {
	f := strings.Fields(step)
	w := c.callers[f[1]]
	switch f[0] {
	case "login":
		c.Login(f[1], func() {})
	case "logout":
		c.Logout(f[1], func(error) {})
	case "pause", "resume":
		c.Pause(f[1], f[0] == "pause", func(error) {})
	case "enter":
		c.callers[f[1]] = &Waiter{
			Strategy: by, WrapUp: 10 * time.Second, Most: 2,
			Offer: func(agents []string) { c.rung = append(c.rung, f[1]+":"+strings.Join(agents, "+")) },
			End:   func(err error) { c.ended = append(c.ended, err) },
		}
		c.Enter(c.callers[f[1]])
	case "declined":
		c.Declined(w)
	case "taken":
		c.Taken(w, f[2])
	case "leave":
		c.Leave(w)
	case "wait":
		d, err := time.ParseDuration(f[1])
		if err != nil {
			c.t.Fatal(err)
		}
		time.Sleep(d)
	}
	synctest.Wait()
}

func TestWhoRingsForWhom(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		by    Strategy
		steps string
		rung  string
		ended error
	}{
		{"all together, again after a rest", RingAll, "login a, login b, enter x, declined x, wait 4s, wait 2s", "x:a+b x:a+b", nil},
		{"all who are free", RingAll, "login a, login b, login c, pause b, enter x", "x:a+c", nil},
		{"the first who waits", RingAll, "login a, enter x, enter y, declined x, wait 6s", "x:a x:a", nil},
		{"one after the other", RoundRobin, "login a, login b, login c, enter x, declined x, declined x, declined x, wait 6s", "x:a x:b x:c x:a", nil},
		{"behind the one who was asked last", RoundRobin, "login a, login b, login c, enter x, taken x a, enter y, taken y b, leave y, leave x, enter z", "x:a y:b z:c", nil},
		{"who has been idle for longest", LongestIdle, "login a, wait 1s, login b, enter x, taken x a, leave x, wait 60s, enter y, taken y b, leave y, wait 60s, enter z", "x:a y:b z:a", nil},
		{"an agent wraps up", RingAll, "login a, enter x, taken x a, enter y, leave x, wait 9s", "x:a", nil},
		{"and is free then", RingAll, "login a, enter x, taken x a, enter y, leave x, wait 11s", "x:a y:a", nil},
		{"one has taken it, the other is free", RingAll, "login a, login b, enter x, enter y, taken x b", "x:a+b y:a", nil},
		{"who waits goes while it rings", RingAll, "login a, enter x, enter y, leave x", "x:a y:a", nil},
		{"an agent comes", RingAll, "login a, pause a, enter x, login b", "x:b", nil},
		{"an agent comes back", RingAll, "login a, pause a, enter x, resume a", "x:a", nil},
		{"nobody serves it", RingAll, "enter x", "", ErrNoAgents},
		{"the last agent goes", RingAll, "login a, pause a, enter x, logout a", "", ErrNoAgents},
		{"the last agent goes while it rings", RingAll, "login a, enter x, logout a, wait 1s, declined x", "x:a", ErrNoAgents},
		{"it is full", RingAll, "login a, pause a, enter x, enter y, enter z", "", ErrFull},
	} {
		t.Run(strings.ReplaceAll(tt.name, " ", "_"), func(t *testing.T) {
			t.Parallel()
			newClerk(t, func(c *clerk) {
				for step := range strings.SplitSeq(tt.steps, ", ") {
					c.do(step, tt.by)
				}
				if got := strings.Join(c.rung, " "); got != tt.rung {
					t.Errorf("there rang %q, want %q", got, tt.rung)
				}
				if !errors.Is(errors.Join(c.ended...), tt.ended) {
					t.Errorf("ended by %v, want %v", c.ended, tt.ended)
				}
				for _, name := range slices.Sorted(maps.Keys(c.callers)) {
					c.Leave(c.callers[name])
				}
				for _, a := range []string{"a", "b", "c"} {
					c.Logout(a, func(error) {})
				}
				synctest.Wait()
				if h := c.Studio.hall("desk"); len(h.queues) > 0 {
					t.Errorf("the queue is left: %v", c.Studio.Leaks(0))
				}
			})
		})
	}
}
