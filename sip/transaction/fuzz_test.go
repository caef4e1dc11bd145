package transaction

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sipscript/sipscript/sip"
)

// FuzzServer feeds a server machine events in any order. Whatever comes, it is silent after its end, it ends once it was
// answered, and it leaves nothing behind.
func FuzzServer(f *testing.F) {
	f.Add(true, false, []byte{0, 3, 5, 6, 1})
	f.Add(false, true, []byte{7, 7, 0, 4, 0, 7})
	f.Add(true, true, []byte{5, 5, 1, 0, 8, 7})
	f.Fuzz(func(t *testing.T, invite, reliable bool, events []byte) {
		r := newRig(t, Timers{})
		method, transport := "MESSAGE", sip.UDP
		if invite {
			method = sip.INVITE
		}
		if reliable {
			transport = sip.TCP
		}
		s, _ := r.receive(request(method), transport)
		vocabulary := []string{method, sip.ACK, "trying", "100", "180", "200", "486", "3s", "fail"}
		for _, e := range events[:min(len(events), 50)] {
			event := vocabulary[int(e)%len(vocabulary)]
			before, sends := s.State(), len(r.sent)
			r.play(s, event)
			if before == Terminated && (s.State() != Terminated || len(r.sent) != sends) {
				t.Fatalf("%s woke a terminated transaction", event)
			}
			if event == sip.ACK && len(r.sent) != sends {
				t.Fatal("an ACK was answered")
			}
		}
		_ = s.Respond(486, encoded(method, 486))
		r.pass(100 * time.Second)
		ends := slices.DeleteFunc(r.told, func(s string) bool { return !strings.HasPrefix(s, "ended") })
		if len(ends) != 1 || r.lens() != "0 0" || r.wheel.Len() != 0 || len(r.table.servers) != 0 || s.request != nil || s.last != nil {
			t.Fatalf("told %q, left %s, %d timers, state %v", ends, r.lens(), r.wheel.Len(), s.State())
		}
	})
}

// FuzzClient is the same for the client machines: they end by themselves once the user has gone.
func FuzzClient(f *testing.F) {
	f.Add(true, false, []byte{0, 1, 2, 2, 4})
	f.Add(false, false, []byte{4, 4, 0, 4, 2, 2})
	f.Add(true, true, []byte{1, 3, 3, 5})
	f.Fuzz(func(t *testing.T, invite, reliable bool, events []byte) {
		r := newRig(t, Timers{})
		method, transport := "MESSAGE", sip.UDP
		if invite {
			method = sip.INVITE
		}
		if reliable {
			transport = sip.TCP
		}
		c := r.send(method, transport)
		vocabulary := []string{"100", "180", "200", "486", "3s", "fail", "abandon"}
		for _, e := range events[:min(len(events), 50)] {
			event := vocabulary[int(e)%len(vocabulary)]
			before, sends, calls := c.State(), len(r.sent), len(r.told)
			ended := slices.Contains(r.told, "ended")
			r.playClient(c, event)
			if before == Terminated && (c.State() != Terminated || len(r.sent) != sends) {
				t.Fatalf("%s woke a terminated transaction", event)
			}
			if ended && len(r.told) != calls {
				t.Fatalf("told %q after the end", r.told)
			}
		}
		c.Abandon()
		r.pass(100 * time.Second)
		if r.lens() != "0 0" || r.wheel.Len() != 0 || len(r.table.clients) != 0 || c.bytes != nil {
			t.Fatalf("left %s, %d timers, state %v", r.lens(), r.wheel.Len(), c.State())
		}
	})
}
