package proxy

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/sipscript/sipscript/engine/names"
	"github.com/sipscript/sipscript/engine/shard"
	"github.com/sipscript/sipscript/engine/siphash"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/transaction"
	"github.com/sipscript/sipscript/sip/transport"
)

// rig is a shard's proxy whose sends are kept and whose clock the test moves.
type rig struct {
	*Env
	t    testing.TB
	loop *shard.Shard[int]
	now  time.Time
	sent []string // first lines
	last []byte   // the last INVITE
}

func newRig(t testing.TB) *rig {
	r := &rig{t: t, loop: shard.New(shard.Config[int]{}), now: time.Now()}
	send := func(_ sip.Flow, _ string, b []byte) {
		line, _, _ := strings.Cut(string(b), "\r\n")
		r.sent = append(r.sent, line)
		if method, _, _ := strings.Cut(line, " "); method == sip.INVITE {
			r.last = b
		}
	}
	note := func(flow sip.Flow, name string, b []byte) uint64 {
		send(flow, name, b)
		return flow.Conn
	}
	unique := uint64(0)
	r.Env = &Env{
		Loop: &r.loop.Loop, Names: someNames(), Key: siphash.KeyFrom([16]byte{1}), Send: send,
		Table:     transaction.NewTable(transaction.Config{Wheel: r.loop.Wheel(), Send: note}),
		Random:    func() uint64 { unique++; return unique },
		Transient: func(n int) []byte { return make([]byte, 0, n) },
		Alive:     func(sip.Flow) bool { return true },
		Confirmed: func(*sip.Message) {},
	}
	return r
}

func someNames() *names.Names {
	listener := func(t sip.Transport, addr string) transport.Listener {
		at := netip.MustParseAddrPort(addr)
		return transport.Listener{Transport: t, Local: at, Host: at.Addr().String(), Port: at.Port()}
	}
	return names.New([]transport.Listener{
		listener(sip.UDP, "192.0.2.1:5060"), listener(sip.TCP, "192.0.2.1:5060"), listener(sip.UDP, "[2001:db8::1]:5060"),
	}, []string{"example.org"})
}

func flowFrom(tr sip.Transport, local, remote string, conn uint64) sip.Flow {
	return sip.Flow{Transport: tr, Local: netip.MustParseAddrPort(local), Remote: netip.MustParseAddrPort(remote), Conn: conn}
}

func fromAlice() sip.Flow { return flowFrom(sip.UDP, "192.0.2.1:5060", "192.0.2.10:5060", 0) }

// LocalTag implements Owner.
func (r *rig) LocalTag() string { return "ours" }

// ServerEnded implements transaction.ServerUser.
func (r *rig) ServerEnded(*transaction.Server, error) {}

func (r *rig) pass(d time.Duration) {
	r.now = r.now.Add(d)
	r.loop.Wheel().Advance(r.now)
}

// request is one of alice's, with further header fields.
func (r *rig) request(method string, n int, extra ...string) *sip.Message {
	text := fmt.Sprintf("%s sip:bob@example.org SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK-%d\r\n"+
		"From: <sip:alice@example.org>;tag=a%d\r\nTo: <sip:bob@example.org>\r\nCall-ID: call-%d\r\nCSeq: 1 %s\r\nMax-Forwards: 70\r\n"+
		"Contact: <sip:alice@192.0.2.10>\r\n%s\r\n", method, n, n, n, method, strings.Join(append(extra, ""), "\r\n"))
	m, err := sip.ReadDatagram([]byte(text), sip.Limits{})
	if err != nil {
		r.t.Fatal(err)
	}
	return m
}

// fork begins to proxy a request to these URIs, all together.
func (r *rig) fork(m *sip.Message, o Options, done func(Result), uris ...string) *Context {
	server := r.Table.NewServer(m, fromAlice(), r)
	c := New(r.Env, r, server, m, fromAlice(), r.Preprocess(m, fromAlice()))
	var g Group
	for _, uri := range uris {
		g = append(g, Target{URI: uri})
	}
	c.Fork([]Group{g}, o, done)
	return c
}

// answer answers the INVITE that was sent last.
func (r *rig) answer(code int) {
	req, err := sip.RereadSent(r.last)
	if err != nil {
		r.t.Fatal(err)
	}
	resp := sip.NewResponse(req, code, "", "b")
	resp.Add("Contact", "<sip:bob@192.0.2.20>")
	m, err := sip.ReadDatagram(resp.Append(nil), sip.Limits{})
	if err != nil {
		r.t.Fatal(err)
	}
	tx, _, _ := r.Table.Response(m)
	if tx == nil {
		r.t.Fatalf("nobody waits for\n%v", m)
	}
	tx.Receive(m)
	m.Release()
}
