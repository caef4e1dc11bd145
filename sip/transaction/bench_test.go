package transaction

import (
	"fmt"
	"testing"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/wheel"
)

// standing is a table in which n finished transactions of each side absorb retransmissions.
func standing(b *testing.B, n int) *rig {
	r := newRig(b, Timers{})
	r.table.cfg.Trace = nil
	r.table.cfg.Send = func(sip.Flow, string, []byte) uint64 { return 0 }
	for i := range n {
		m := read(b, request(sip.INVITE, branch, fmt.Sprint(branch, i)))
		s := r.table.NewServer(m, flowOf(sip.UDP), r)
		_ = s.Respond(200, nil)
		r.table.NewClient(ClientRequest{Method: sip.INVITE, Branch: fmt.Sprint(branch, i), Flow: flowOf(sip.UDP)}, r).Abandon()
	}
	return r
}

func BenchmarkServerLookup(b *testing.B) {
	r := standing(b, 100_000)
	m := read(b, request(sip.INVITE, branch, fmt.Sprint(branch, 5000)))
	b.ReportAllocs()
	for b.Loop() {
		if r.table.Server(m) == nil {
			b.Fatal("not found")
		}
	}
}

func BenchmarkServerLookupRFC2543(b *testing.B) {
	r := standing(b, 100_000)
	m := read(b, request(sip.INVITE, branch, "1.2"))
	r.table.NewServer(m, flowOf(sip.UDP), r)
	b.ReportAllocs()
	for b.Loop() {
		if r.table.Server(m) == nil {
			b.Fatal("not found")
		}
	}
}

func BenchmarkClientLookup(b *testing.B) {
	r := standing(b, 100_000)
	m := read(b, response(sip.INVITE, 180, branch, fmt.Sprint(branch, 5000)))
	b.ReportAllocs()
	for b.Loop() {
		if c, _, _ := r.table.Response(m); c == nil {
			b.Fatal("not found")
		}
	}
}

type nobody struct{}

func (nobody) ServerEnded(*Server, error)           {}
func (nobody) ClientResponse(*Client, *sip.Message) {}
func (nobody) ClientFailed(*Client, error)          {}
func (nobody) ClientEnded(*Client)                  {}

// BenchmarkInvitePair is the transaction layer's share of a proxied INVITE: lookup, server and client transaction, 180
// and 200 through both, until L and M have fired.
func BenchmarkInvitePair(b *testing.B) {
	r := newRig(b, Timers{})
	w := wheel.New(r.start)
	table := NewTable(Config{Wheel: w, Send: func(sip.Flow, string, []byte) uint64 { return 0 }})
	invite, sent := read(b, request(sip.INVITE)), wire(request(sip.INVITE))
	ringing, ok := read(b, response(sip.INVITE, 180)), read(b, response(sip.INVITE, 200))
	up180, up200 := encoded(sip.INVITE, 180), encoded(sip.INVITE, 200)
	flow, now := flowOf(sip.UDP), r.start
	b.ReportAllocs()
	for b.Loop() {
		if table.Server(invite) != nil {
			b.Fatal("a transaction is left")
		}
		s := table.NewServer(invite, flow, nobody{})
		table.NewClient(ClientRequest{Method: sip.INVITE, Branch: branch, Flow: flow, Bytes: sent}, nobody{})
		c, _, _ := table.Response(ringing)
		c.Receive(ringing)
		_ = s.Respond(180, up180)
		c.Receive(ok)
		_ = s.Respond(200, up200)
		now = now.Add(33_000 * ms)
		w.Advance(now)
	}
}
