package transaction

import (
	"fmt"
	"runtime"
	"testing"
	"time"
	"unsafe"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/wheel"
)

// TestTransactionsAreSmall guards the structs: with a map entry and a kept response of 400 bytes each stays under 1 KB.
func TestTransactionsAreSmall(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name        string
		size, limit uintptr
	}{
		{"Server", unsafe.Sizeof(Server{}), 320}, {"Client", unsafe.Sizeof(Client{}), 320}, {"key", unsafe.Sizeof(key{}), 16},
	} {
		if test.size > test.limit {
			t.Errorf("%s is %d bytes, more than %d", test.name, test.size, test.limit)
		}
	}
}

func TestFinishedTransactionsLetGoOfWhatTheyNoLongerNeed(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		method string
		status int
		ack    bool
		kept   bool // the response
	}{
		{sip.INVITE, 180, false, true},
		{sip.INVITE, 200, false, false},
		{sip.INVITE, 486, false, true},
		{sip.INVITE, 486, true, false},
		{"MESSAGE", 200, false, true},
	} {
		r := newRig(t, Timers{})
		s, _ := r.receive(request(test.method), sip.UDP)
		_ = s.Respond(test.status, encoded(test.method, test.status))
		if test.ack {
			s.Receive(read(t, request(sip.ACK)))
		}
		r.pass(ms)
		if kept := r.kept(s.settled, s.last, s.key, s.method) != ""; (s.Request() != nil) != (test.status < 200) || kept != test.kept {
			t.Errorf("%s %d, ACK %v: request %v, response %v", test.method, test.status, test.ack, s.Request() != nil, kept)
		}
		if test.status > 200 && test.ack && s.User() != nil {
			t.Errorf("%s %d: the user is held", test.method, test.status)
		}
	}
	for _, test := range []struct {
		method string
		status int
		kept   string
		user   bool
	}{
		{sip.INVITE, 180, "INVITE", true}, {sip.INVITE, 200, "", true}, {sip.INVITE, 486, "ACK", false},
		{"MESSAGE", 100, "MESSAGE", true}, {"MESSAGE", 200, "", false},
	} {
		r := newRig(t, Timers{})
		c := r.send(test.method, sip.UDP)
		c.Receive(read(t, response(test.method, test.status)))
		if kept := r.kept(c.settled, c.bytes, c.key, c.method); kept != test.kept || (c.user != nil) != test.user {
			t.Errorf("client %s %d: keeps %q, user %v", test.method, test.status, kept, c.user != nil)
		}
		if (c.Sent() != nil) != (test.status < 200) {
			t.Errorf("client %s %d: sent %q", test.method, test.status, c.Sent())
		}
	}
}

// kept is a summary of the bytes that a transaction, or what remains of it, keeps.
func (r *rig) kept(settled bool, b []byte, k key, name string) string {
	if settled {
		n, _ := methodOf(name)
		b = r.table.remains.find(k.of(n)).text()
	}
	return summary(b)
}

// TestStandingTransactionsStayUnderOneKilobyte measures what ten thousand of each kind hold while they absorb.
func TestStandingTransactionsStayUnderOneKilobyte(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector takes memory of its own")
	}
	const n = 10_000
	for _, test := range []struct {
		name  string
		stand func(r *rig, table *Table, i int)
	}{
		{"INVITE server, accepted", func(r *rig, table *Table, i int) {
			m := read(r.t, request(sip.INVITE, branch, fmt.Sprint(branch, i)))
			s := table.NewServer(m, flowOf(sip.UDP), r)
			_ = s.Respond(200, encoded(sip.INVITE, 200))
		}},
		{"INVITE server, completed", func(r *rig, table *Table, i int) {
			m := read(r.t, request(sip.INVITE, branch, fmt.Sprint(branch, i)))
			s := table.NewServer(m, flowOf(sip.UDP), r)
			_ = s.Respond(486, encoded(sip.INVITE, 486))
		}},
		{"non-INVITE server, completed", func(r *rig, table *Table, i int) {
			m := read(r.t, request(sip.BYE, branch, fmt.Sprint(branch, i)))
			s := table.NewServer(m, flowOf(sip.UDP), r)
			_ = s.Respond(200, encoded(sip.BYE, 200))
		}},
		{"INVITE client, accepted", func(r *rig, table *Table, i int) {
			c := table.NewClient(ClientRequest{
				Method: sip.INVITE, Branch: fmt.Sprint(branch, i), Flow: flowOf(sip.UDP), Bytes: wire(request(sip.INVITE)),
			}, r)
			c.Receive(read(r.t, response(sip.INVITE, 200)))
		}},
		{"INVITE client, completed", func(r *rig, table *Table, i int) {
			c := table.NewClient(ClientRequest{
				Method: sip.INVITE, Branch: fmt.Sprint(branch, i), Flow: flowOf(sip.UDP), Bytes: wire(request(sip.INVITE)),
			}, r)
			c.Receive(read(r.t, response(sip.INVITE, 486)))
		}},
	} {
		r := newRig(t, Timers{})
		table := NewTable(Config{Wheel: wheel.New(r.start), Send: func(sip.Flow, string, []byte) uint64 { return 0 }})
		before := heap()
		for i := range n {
			test.stand(r, table, i)
			r.told = r.told[:0]
		}
		each := (heap() - before + outside(table)) / n
		table.Close()
		t.Logf("%s: %d bytes", test.name, each)
		if each > 1024 {
			t.Errorf("%s holds %d bytes", test.name, each)
		}
	}
}

func heap() int {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// outside is what the remains of t take in bytes, which is not on the heap.
func outside(t *Table) int {
	n := len(t.remains.index.segments) * segment * int(unsafe.Sizeof(bucket{}))
	for _, b := range append(t.remains.blocks, t.remains.spare...) {
		n += cap(b)
	}
	return n
}

func TestWhatRemainsGoesBackToTheSystem(t *testing.T) {
	t.Parallel()
	r := newRig(t, Timers{})
	for i := range 10_000 {
		s, _ := r.receive(request(sip.BYE, branch, fmt.Sprint(branch, i)), sip.UDP)
		_ = s.Respond(200, encoded(sip.BYE, 200))
		s.Abandon()
	}
	if n := outside(r.table); n < 2<<20 {
		t.Errorf("10,000 stand in %d bytes", n)
	}
	r.pass(33 * time.Second)
	if n := outside(r.table); n > 2<<20 {
		t.Errorf("none stands, in %d bytes", n)
	}
	r.table.Close()
	if n := outside(r.table); n != 0 {
		t.Errorf("%d bytes stand after the end", n)
	}
}
