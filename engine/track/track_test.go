package track

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sipscript/sipscript/engine/cdr"
	"github.com/sipscript/sipscript/engine/proxy"
	"github.com/sipscript/sipscript/engine/shard"
	"github.com/sipscript/sipscript/sip"
)

func newTable() *Table {
	return NewTable(&proxy.Env{Loop: &shard.New(shard.Config[int]{}).Loop, Random: func() uint64 { return 1 }}, nil)
}

func read(t testing.TB, method, from, to, callID string) *sip.Message {
	t.Helper()
	tag := func(s string) string {
		if s == "" {
			return ""
		}
		return ";tag=" + s
	}
	m, err := sip.ReadDatagram([]byte(fmt.Sprintf("%s sip:bob@example.org SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.10;branch=z9hG4bK1\r\nFrom: <sip:a@x>%s\r\nTo: <sip:b@x>%s\r\n"+
		"Call-ID: %s\r\nCSeq: 1 %s\r\nMax-Forwards: 70\r\nContact: <sip:a@192.0.2.10>\r\n\r\n", method, tag(from), tag(to), callID, method)), sip.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

var near = sip.Flow{Transport: sip.UDP, Local: netip.MustParseAddrPort("192.0.2.1:5060"), Remote: netip.MustParseAddrPort("192.0.2.10:5060")}

// begin tracks a call whose callee has answered with this tag.
func begin(t testing.TB, table *Table, callID, callee string) *Call {
	t.Helper()
	invite := read(t, sip.INVITE, "caller", "", callID)
	c := table.Begin(cdr.New(cdr.NewCounts(), "id", time.Unix(1, 0), nil), invite, near, nil)
	if callee != "" {
		ok := sip.NewResponse(invite, 200, "", callee)
		c.Own(ok)
	}
	return c
}

func TestRequestsFindTheirCall(t *testing.T) {
	t.Parallel()
	table := newTable()
	begin(t, table, "one", "callee")
	begin(t, table, "two", "")
	tests := []struct {
		name, from, to, callID string
		found, down            bool
	}{
		{"of the caller", "caller", "callee", "one", true, true},
		{"of the callee", "callee", "caller", "one", true, false},
		{"another dialog of the fork", "caller", "other", "one", false, false},
		{"of somebody else", "stranger", "callee", "one", false, false},
		{"without a tag", "caller", "", "one", false, false},
		{"another call", "caller", "callee", "three", false, false},
		{"nobody has answered yet", "caller", "callee", "two", false, false},
	}
	for _, tt := range tests {
		p := table.Find(read(t, sip.INFO, tt.from, tt.to, tt.callID))
		if (p != nil) != tt.found || p != nil && p.turns[0].down != tt.down {
			t.Errorf("%s: found %v", tt.name, p)
		}
	}
}

// Calls of one key are forgotten in any order.
func TestACalleeMakesNoDialogsWithoutBound(t *testing.T) {
	t.Parallel()
	c := begin(t, newTable(), "many", "callee")
	known := len(c.dialogs)
	for i := range 10 * mostDialogs {
		ringing := sip.NewResponse(read(t, sip.INVITE, "caller", "", "many"), 180, "", "tag"+strconv.Itoa(i))
		first := c.dialog(&leg{call: c}, ringing)
		if again := c.dialog(&leg{call: c}, ringing); (again == first) != (i < mostDialogs-known) {
			t.Fatalf("To tag %d: the same dialog %v", i, again == first)
		}
	}
	if len(c.dialogs) != mostDialogs {
		t.Errorf("%d dialogs", len(c.dialogs))
	}
}

func TestTableForgetsCalls(t *testing.T) {
	t.Parallel()
	for _, order := range [][]int{{0, 1, 2}, {2, 1, 0}, {1, 0, 2}, {1, 2, 0}} {
		table := newTable()
		var calls []*Call
		for range 3 {
			calls = append(calls, begin(t, table, "one", "callee"))
		}
		other := begin(t, table, "two", "callee")
		for n, i := range order {
			if p := table.Find(read(t, sip.INFO, "caller", "callee", "one")); p == nil || len(p.turns) != 3-n {
				t.Fatalf("%v: %d calls forgotten, and a request finds %v", order, n, p)
			}
			calls[i].end(cdr.ByServer)
			if !calls[i].Record.Over() {
				t.Errorf("%v: the record of call %d is not over", order, i)
			}
		}
		if table.Len() != 1 || len(table.calls) != 1 || table.order[other.place] != other {
			t.Errorf("%v: %d calls, %d keys left, want the other one", order, table.Len(), len(table.calls))
		}
		table.Close()
		if other.Record.EndedBy != cdr.ByShutdown {
			t.Errorf("ended by %q", other.Record.EndedBy)
		}
	}
}

// A request of an untracked call costs a look into a map, and that only where others are tracked.
func TestUntrackedRequestsAllocateNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	table := newTable()
	m := read(t, sip.BYE, "caller", "callee", "another")
	for _, tracked := range []int{0, 100} {
		for i := range tracked {
			begin(t, table, fmt.Sprint(i), "callee")
		}
		if n := testing.AllocsPerRun(100, func() {
			if table.Find(m) != nil {
				t.Error("found")
			}
		}); n != 0 {
			t.Errorf("%v allocations with %d calls tracked, want none", n, tracked)
		}
	}
}

func BenchmarkFindUntracked(b *testing.B) {
	table := newTable()
	for i := range 1000 {
		begin(b, table, fmt.Sprint(i), "callee")
	}
	m := read(b, sip.BYE, "caller", "callee", "another")
	b.ReportAllocs()
	for b.Loop() {
		table.Find(m)
	}
}

func TestDescriptionIsFoundInABody(t *testing.T) {
	t.Parallel()
	const sdp = "v=0\r\no=- 1 1 IN IP4 192.0.2.10\r\ns=-\r\n"
	const mixed = "--x\r\nContent-Type: text/plain\r\n\r\nhello\r\n--x\r\ncontent-type: Application/SDP\r\n\r\n" + sdp + "\r\n--x--\r\n"
	tests := []struct{ name, kind, body, coding, want, rest string }{
		{"plain", "application/sdp", sdp, "", sdp, "NEW"},
		{"in capitals, with a parameter", "Application/SDP;charset=utf-8", sdp, "", sdp, "NEW"},
		{"a part", "multipart/mixed;boundary=x", mixed, "", sdp, strings.Replace(mixed, sdp, "NEW", 1)},
		{"none", "text/plain", sdp, "", "", ""},
		{"no type", "", sdp, "", "", ""},
		{"encoded", "application/sdp", sdp, "gzip", "", ""},
		{"no body", "application/sdp", "", "", "", ""},
		{"no boundary", "multipart/mixed", mixed, "", "", ""},
		{"no such part", "multipart/mixed;boundary=x", "--x\r\nContent-Type: text/plain\r\n\r\nhello\r\n--x--\r\n", "", "", ""},
	}
	for _, tt := range tests {
		m := sip.NewRequest(sip.INVITE, "sip:x")
		m.SetBody(tt.kind, []byte(tt.body))
		if tt.coding != "" {
			m.Add("Content-Encoding", tt.coding)
		}
		got := described(m)
		if string(got) != tt.want {
			t.Errorf("%s: found %q, want %q", tt.name, got, tt.want)
		}
		if got == nil {
			continue
		}
		replace(m, got, []byte("NEW"))
		if string(m.Body()) != tt.rest {
			t.Errorf("%s: body is %q, want %q", tt.name, m.Body(), tt.rest)
		}
	}
}
