package transaction

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/wheel"
)

const (
	ms     = time.Millisecond
	branch = "z9hG4bK776asdhds"
)

var errDown = errors.New("connection refused")

// rig is a table with a clock of its own, and a record of what it sends and whom it calls back.
type rig struct {
	t      testing.TB
	wheel  *wheel.Wheel
	table  *Table
	start  time.Time
	sent   []string // "100", "486", "INVITE", "ACK" …
	bytes  [][]byte // the same, whole
	flows  []sip.Flow
	told   []string // "180", "ended", "failed timeout" …
	events []Event
	dead   bool   // what Alive answers, inverted
	conn   uint64 // what Send returns

	onResponse func(c *Client, resp *sip.Message)
	onFailed   func(c *Client, err error)
	onEnded    func()
}

func newRig(t testing.TB, timers Timers) *rig {
	r := &rig{t: t, start: time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)}
	r.wheel = wheel.New(r.start)
	r.table = NewTable(Config{
		Wheel: r.wheel, Timers: timers,
		Send: func(flow sip.Flow, _ string, b []byte) uint64 {
			r.sent = append(r.sent, summary(b))
			r.bytes = append(r.bytes, b)
			r.flows = append(r.flows, flow)
			return r.conn
		},
		Alive: func(sip.Flow) bool { return !r.dead },
		Trace: func(e Event) { r.events = append(r.events, e) },
	})
	t.Cleanup(r.table.Close)
	return r
}

// summary is the status of a response, the method of a request.
func summary(b []byte) string {
	first, rest, _ := strings.Cut(string(b), " ")
	if first == "SIP/2.0" {
		first, _, _ = strings.Cut(rest, " ")
	}
	return first
}

// pass lets time go by, firing each timer when it is due.
func (r *rig) pass(d time.Duration) {
	end := r.wheel.Now().Add(d)
	for next, ok := r.wheel.Next(); ok && !next.After(end); next, ok = r.wheel.Next() {
		r.wheel.Advance(next)
	}
	r.wheel.Advance(end)
}

// output returns what was sent since the last call, and told whom was called back.
func (r *rig) output() string {
	out := strings.Join(r.sent, " ")
	r.sent = nil
	return out
}

func (r *rig) calls() string {
	out := strings.Join(r.told, ", ")
	r.told = nil
	return out
}

func (r *rig) ServerEnded(_ *Server, err error) {
	r.told = append(r.told, outcome("ended", err))
	if r.onEnded != nil {
		r.onEnded()
	}
}

func (r *rig) ClientResponse(c *Client, resp *sip.Message) {
	r.told = append(r.told, fmt.Sprint(resp.Status()))
	if r.onResponse != nil {
		r.onResponse(c, resp)
	}
}

func (r *rig) ClientFailed(c *Client, err error) {
	r.told = append(r.told, outcome("failed", err))
	if r.onFailed != nil {
		r.onFailed(c, err)
	}
}

func (r *rig) ClientEnded(*Client) {
	r.told = append(r.told, "ended")
	if r.onEnded != nil {
		r.onEnded()
	}
}

func outcome(what string, err error) string {
	switch {
	case err == nil:
		return what
	case errors.Is(err, ErrTimeout):
		return what + " timeout"
	case errors.Is(err, ErrTransport) && errors.Is(err, errDown):
		return what + " transport"
	}
	return what + " " + err.Error()
}

// count returns how often a kind of event was traced.
func (r *rig) count(kind Kind) int {
	n := 0
	for _, e := range r.events {
		if e.Kind == kind {
			n++
		}
	}
	return n
}

func (r *rig) lens() string {
	server, client := r.table.Len()
	return fmt.Sprintf("%d %d", server, client)
}

// read is a message as the transport hands it up.
func read(t testing.TB, text string) *sip.Message {
	t.Helper()
	m, err := sip.ReadDatagram(wire(text), sip.Limits{})
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return m
}

// wire is text with the line ends of SIP.
func wire(text string) []byte {
	return []byte(strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\n", "\r\n"))
}

// request is the text of a request; each change replaces text in it.
func request(method string, change ...string) string {
	return strings.NewReplacer(change...).Replace(method + ` sip:bob@192.0.2.4 SIP/2.0
Via: SIP/2.0/UDP pc33.example.com:5066;branch=` + branch + `;received=192.0.2.1
Max-Forwards: 70
From: Alice <sip:alice@example.com>;tag=1928301774
To: Bob <sip:bob@example.com>
Call-ID: a84b4c76e66710
CSeq: 314159 ` + method + `
Timestamp: 54
Route: <sip:p1.example.com;lr>
Content-Length: 0

`)
}

// response is the answer to request, from a phone that draws its own tag.
func response(method string, status int, change ...string) string {
	return strings.NewReplacer(change...).Replace(fmt.Sprintf(`SIP/2.0 %d Whatever
Via: SIP/2.0/UDP pc33.example.com:5066;branch=`+branch+`
From: Alice <sip:alice@example.com>;tag=1928301774
To: Bob <sip:bob@example.com>;tag=a6c85cf
Call-ID: a84b4c76e66710
CSeq: 314159 %s
Content-Length: 0

`, status, method))
}

// encoded is response as bytes on the wire.
func encoded(method string, status int) []byte {
	return wire(response(method, status))
}

func flowOf(transport sip.Transport) sip.Flow {
	f := sip.Flow{
		Transport: transport,
		Local:     netip.MustParseAddrPort("192.0.2.4:5060"), Remote: netip.MustParseAddrPort("192.0.2.1:5066"),
	}
	if transport.Reliable() {
		f.Conn = 7
	}
	return f
}

// receive is what the core does with a request from the network: it returns its transaction, a new one if there is
// none, and nil for one of which only the remains stand.
func (r *rig) receive(text string, transport sip.Transport) (s *Server, passed bool) {
	r.t.Helper()
	m := read(r.t, text)
	s, done := r.table.Request(m)
	if s != nil {
		return s, s.Receive(m)
	}
	if done {
		return nil, false
	}
	if m.Method() == sip.ACK {
		return nil, true
	}
	return r.table.NewServer(m, flowOf(transport), r), false
}

func (r *rig) send(method string, transport sip.Transport) *Client {
	return r.table.NewClient(ClientRequest{
		Method: method, Branch: branch, CallID: "a84b4c76e66710", Flow: flowOf(transport),
		Bytes: wire(request(method)),
	}, r)
}

// answer is what the core does with a response from the network; it reports whether there was a transaction.
func (r *rig) answer(text string) bool {
	r.t.Helper()
	m := read(r.t, text)
	c, _, done := r.table.Response(m)
	if c != nil {
		c.Receive(m)
	}
	return c != nil || done
}

// standing is the state of a transaction, and its armed timers, whether it still is an object or remains of one.
func (r *rig) standing(state State, settled bool, k key, name string, names map[State][2]string, armed ...*wheel.Timer) (State, string) {
	if !settled {
		return state, timers(r.wheel.Now(), names[state], armed...)
	}
	n, _ := methodOf(name)
	m := r.table.remains.find(k.of(n))
	if m == nil {
		return Terminated, ""
	}
	return m.state, names[m.state][1] + "=" + (m.due - r.table.elapsed()).String()
}

func (r *rig) server(s *Server, names map[State][2]string) (State, string) {
	return r.standing(s.state, s.settled, s.key, s.method, names, &s.resend, &s.wait)
}

func (r *rig) client(c *Client, names map[State][2]string) (State, string) {
	return r.standing(c.state, c.settled, c.key, c.method, names, &c.resend, &c.wait)
}

// timers names the armed timers and how long they still run.
func timers(now time.Time, names [2]string, armed ...*wheel.Timer) string {
	var list []string
	for i, t := range armed {
		if due, ok := t.Due(); ok {
			list = append(list, names[i]+"="+due.Sub(now).String())
		}
	}
	slices.Sort(list)
	return strings.Join(list, " ")
}
