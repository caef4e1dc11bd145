package call_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/dialog"
	"github.com/sipscript/sipscript/sip/siptest"
	"github.com/sipscript/sipscript/sip/transaction"
	"github.com/sipscript/sipscript/sip/transport"
	"github.com/sipscript/sipscript/sip/wheel"
)

// phone is a user agent that does what its seed makes it do, on a transaction layer of its own: so what it sends is
// repeated and what it gets is absorbed as it should be, whatever the network loses. Its goroutine alone touches it.
type phone struct {
	name   string
	addr   netip.AddrPort
	server netip.AddrPort
	conn   transport.PacketConn
	table  *transaction.Table
	wheel  *wheel.Wheel
	rand   *rand.Rand
	may    habits

	talks   []*talk
	crashed bool
	quit    bool
	count   int
	unended []string // requests without a final response
	wrong   []string
	do      chan func()
	done    chan struct{}
}

// habits are what a phone may do.
type habits struct {
	crash, late, neverACK, silent, transfers, reliable, moves bool
	target                                                    string // whom it transfers to
}

// talk is one dialog of a phone.
type talk struct {
	p        *phone
	d        *dialog.Dialog
	invite   *sip.Message // received or sent
	server   *transaction.Server
	client   *transaction.Client
	caller   bool
	rung     bool
	final    bool
	acked    bool
	up       bool
	over     bool
	hung     bool // BYE sent
	open     bool // a re-INVITE of ours
	asked    bool // a re-INVITE of theirs whose ACK has not come
	ok       []byte
	okServer *transaction.Server
	waits    dialog.Resends
	again    wheel.Timer
	ack      *sip.Message
	early    early
}

func newPhone(n *siptest.Network, name, addr string, server netip.AddrPort, seed uint64, may habits) *phone {
	at := netip.MustParseAddrPort(addr)
	conn, err := n.Host(at.Addr()).ListenPacket(at, false)
	if err != nil {
		panic(err)
	}
	p := &phone{
		name: name, addr: at, server: server, conn: conn, wheel: wheel.New(time.Now()), may: may,
		rand: rand.New(rand.NewPCG(seed, uint64(at.Port()))), do: make(chan func(), 64), done: make(chan struct{}),
	}
	p.table = transaction.NewTable(transaction.Config{Wheel: p.wheel, Send: func(f sip.Flow, _ string, b []byte) uint64 {
		_, _ = conn.WriteBatch([]transport.Datagram{{Buf: b, Addr: f.Remote}})
		return 0
	}})
	go p.run()
	return p
}

func (p *phone) run() {
	defer close(p.done)
	ms := make([]transport.Datagram, 16)
	for !p.quit {
		for more := true; more; {
			select {
			case fn := <-p.do:
				fn()
			default:
				more = false
			}
		}
		p.wheel.Advance(time.Now())
		limit := time.Now().Add(50 * time.Millisecond)
		if next, ok := p.wheel.Next(); ok && next.Before(limit) {
			limit = next
		}
		_ = p.conn.SetReadDeadline(limit)
		n, err := p.conn.ReadBatch(ms)
		p.wheel.Advance(time.Now())
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if errors.Is(err, os.ErrDeadlineExceeded) {
			continue
		}
		for _, d := range ms[:n] {
			if d.Err != nil || p.crashed {
				continue
			}
			if m, err := sip.ReadDatagram(slices.Clone(d.Buf), sip.Limits{}); err == nil {
				m.Keep()
				p.receive(m, d.Addr)
			}
		}
	}
	_ = p.conn.Close()
}

func (p *phone) after(most time.Duration, fn func()) {
	t := new(wheel.Timer)
	p.wheel.Arm(t, time.Duration(p.rand.Int64N(int64(most))), func() {
		if !p.crashed {
			fn()
		}
	})
}

func (p *phone) chance(percent int) bool { return p.rand.IntN(100) < percent }

func (p *phone) contact() string { return "<sip:" + p.name + "@" + p.addr.String() + ">" }

func (p *phone) tag() string { p.count++; return p.name + strconv.Itoa(p.count) }

func (p *phone) sdp() string {
	p.count++
	dir := ""
	if p.chance(20) {
		dir = "a=sendonly\r\n"
	}
	return fmt.Sprintf("v=0\r\no=%s 1 %d IN IP4 %s\r\ns=-\r\nc=IN IP4 %s\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n%s", p.name, p.count, p.addr.Addr(), p.addr.Addr(), dir)
}

func (p *phone) flow() sip.Flow { return sip.Flow{Transport: sip.UDP, Local: p.addr, Remote: p.server} }

func bytesOf(m *sip.Message) []byte { return m.Append(nil) }

// send starts a transaction of m, which has no Via.
func (p *phone) send(m *sip.Message, answered func(r *sip.Message), failed func()) *transaction.Client {
	p.count++
	branch := sip.BranchCookie + p.name + strconv.Itoa(p.count)
	m.Prepend("Via", "SIP/2.0/UDP "+p.addr.String()+";branch="+branch)
	if m.Method() == sip.ACK {
		_, _ = p.conn.WriteBatch([]transport.Datagram{{Buf: bytesOf(m), Addr: p.server}})
		return nil
	}
	c, _ := m.CSeq()
	return p.table.NewClient(transaction.ClientRequest{Method: m.Method(), Branch: branch, CallID: m.CallID(), Flow: p.flow(), Bytes: bytesOf(m)},
		&asking{p: p, label: m.Method() + " " + strconv.Itoa(int(c.Number)) + " of " + m.CallID(), answered: answered, failed: failed})
}

// asking is the user of a phone's client transaction.
type asking struct {
	p        *phone
	label    string
	answered func(r *sip.Message)
	failed   func()
}

func (a *asking) ClientResponse(_ *transaction.Client, r *sip.Message) {
	if !a.p.crashed && a.answered != nil {
		a.answered(r)
	}
}

func (a *asking) ClientFailed(*transaction.Client, error) {
	if a.p.crashed {
		return
	}
	a.p.unended = append(a.p.unended, a.label)
	if a.failed != nil {
		a.failed()
	}
}

func (a *asking) ClientEnded(*transaction.Client) {}

// nothing is the user of its server transactions.
type nothing struct{}

func (nothing) ServerEnded(*transaction.Server, error) {}

func (p *phone) receive(m *sip.Message, from netip.AddrPort) {
	if !m.IsRequest() {
		if c, _, _ := p.table.Response(m); c != nil {
			c.Receive(m)
		}
		return
	}
	m.Stamp(from)
	s, done := p.table.Request(m)
	if done || s != nil && !s.Receive(m) {
		return
	}
	if s != nil || m.Method() == sip.ACK {
		p.acked(m)
		return
	}
	if m.Method() == sip.CANCEL {
		p.cancelled(m, from)
		return
	}
	s = p.table.NewServer(m, sip.Flow{Transport: sip.UDP, Local: p.addr, Remote: from}, nothing{})
	if m.ToTag() == "" {
		if m.Method() == sip.INVITE {
			p.ring(m, s)
			return
		}
		p.reply(s, m, 200, "x", "")
		return
	}
	p.within(m, s)
}

func (p *phone) reply(s *transaction.Server, m *sip.Message, code int, tag, sdp string) *sip.Message {
	r := sip.NewResponse(m, code, "", tag)
	if code > 100 && code < 300 && (m.Method() == sip.INVITE || m.Method() == sip.UPDATE) {
		r.Add("Contact", p.contact())
		r.Add("Allow", "INVITE, ACK, BYE, CANCEL, UPDATE, PRACK, INFO, REFER, NOTIFY")
	}
	if sdp != "" {
		r.SetBody("application/sdp", []byte(sdp))
	}
	_ = s.Respond(code, bytesOf(r))
	return r
}

// ring is an INVITE: somebody calls.
func (p *phone) ring(m *sip.Message, s *transaction.Server) {
	if p.may.silent && p.chance(10) {
		return
	}
	tag := p.tag()
	d, err := dialog.NewUAS(m, tag, p.contact())
	if err != nil {
		p.reply(s, m, 400, tag, "")
		return
	}
	t := &talk{p: p, d: d, invite: m, server: s}
	t.again.Init(t.resend)
	p.talks = append(p.talks, t)
	d.Receive(m)
	ring := func(code int, sdp string) {
		p.after(500*time.Millisecond, func() {
			if !t.final {
				p.reply(s, m, code, tag, sdp)
			}
		})
	}
	offered := len(m.Body()) > 0
	if p.may.reliable && m.HasOption(sip.Supported, "100rel") && p.chance(50) {
		p.after(time.Second, t.ringReliably)
	}
	if p.chance(70) {
		ring(180, "")
	}
	if p.chance(30) {
		shown := ""
		if offered && !p.may.reliable {
			shown = p.sdp()
		}
		ring(183, shown)
	}
	p.after(4*time.Second, func() {
		if t.final {
			return
		}
		switch n := p.rand.IntN(100); {
		case n < 12:
			t.conclude([]int{480, 486, 603, 500, 404}[p.rand.IntN(5)], "")
			t.over = true
		case n < 18: // it rings until somebody gives up
		default:
			t.answer()
		}
	})
}

func (t *talk) conclude(code int, sdp string) {
	t.final = true
	r := t.p.reply(t.server, t.invite, code, t.d.ID().Local, sdp)
	t.d.Responded(t.invite, r)
	if code/100 == 2 {
		t.repeat(t.server, r)
	}
}

// answer takes the call, and lives on with it, once the caller has heard what was said reliably (RFC 3262 §5).
func (t *talk) answer() {
	switch {
	case t.final:
	case t.early.sent != nil:
		t.p.after(500*time.Millisecond, t.answer)
	case t.early.told:
		t.up = true
		t.conclude(200, "")
		t.live()
	default:
		t.up = true
		t.conclude(200, t.p.sdp())
		t.live()
	}
}

func (t *talk) repeat(s *transaction.Server, r *sip.Message) {
	t.ok, t.okServer, t.acked = bytesOf(r), s, false
	t.waits = dialog.Resends2xx(500*time.Millisecond, 4*time.Second)
	t.wait()
}

func (t *talk) wait() {
	d, again := t.waits.Next()
	t.again.Init(func() {
		if t.acked || t.over || t.p.crashed {
			return
		}
		if !again {
			t.bye()
			return
		}
		t.resend()
		t.wait()
	})
	t.p.wheel.Schedule(&t.again, d)
}

func (t *talk) resend() { _ = t.okServer.Respond(200, t.ok) }

func (p *phone) talkOf(id dialog.ID) *talk {
	for _, t := range p.talks {
		if t.d != nil && t.d.ID() == id && !t.over {
			return t
		}
	}
	return nil
}

func (p *phone) acked(m *sip.Message) {
	if t := p.talkOf(dialog.Of(m)); t != nil {
		t.acked, t.asked = true, false
		t.again.Stop()
	}
}

func (p *phone) cancelled(m *sip.Message, from netip.AddrPort) {
	of, known := p.table.Canceled(m)
	s := p.table.NewServer(m, sip.Flow{Transport: sip.UDP, Local: p.addr, Remote: from}, nothing{})
	if !known {
		p.reply(s, m, 481, "x", "")
		return
	}
	p.reply(s, m, 200, "x", "")
	for _, t := range p.talks {
		if t.server == of && of != nil && !t.final {
			t.conclude(487, "")
			t.over = true
		}
	}
}

// within is a request in a dialog.
func (p *phone) within(m *sip.Message, s *transaction.Server) {
	t := p.talkOf(dialog.Of(m))
	if t == nil {
		p.reply(s, m, 481, "", "")
		return
	}
	if code := t.d.Receive(m); code != 0 {
		p.reply(s, m, code, "", "")
		return
	}
	switch m.Method() {
	case sip.BYE:
		p.reply(s, m, 200, "", "")
		if !t.final && t.server != nil {
			t.conclude(487, "")
		}
		t.over = true
	case sip.INVITE:
		switch {
		case t.open || t.asked:
			p.reply(s, m, 491, "", "")
		case p.chance(10):
			p.reply(s, m, 488, "", "")
		default:
			p.after(300*time.Millisecond, func() {
				if t.over {
					p.reply(s, m, 487, "", "")
					return
				}
				t.asked = true
				r := p.reply(s, m, 200, "", p.sdp())
				t.d.Responded(m, r)
				t.repeat(s, r)
			})
		}
	case sip.PRACK:
		t.pracked(m, s)
	case sip.UPDATE:
		if t.open || t.asked {
			p.reply(s, m, 491, "", "")
			return
		}
		answer := ""
		if len(m.Body()) > 0 {
			answer = p.sdp()
		}
		t.d.Responded(m, p.reply(s, m, 200, "", answer))
	default:
		p.reply(s, m, 200, "", "")
	}
}

// call begins a call and lives on with it.
func (p *phone) call(user string) { p.callWith(user) }

func (p *phone) callWith(user string, fields ...sip.Field) {
	callID := p.tag() + "@" + p.name
	m := sip.NewRequest(sip.INVITE, "sip:"+user+"@"+p.server.String())
	m.Add("Max-Forwards", "70")
	m.Add("From", "<sip:"+p.name+"@phones.example>;tag="+p.tag())
	m.Add("To", "<sip:"+user+"@"+p.server.String()+">")
	m.Add("Call-ID", callID)
	m.Add("CSeq", "1 INVITE")
	m.Add("Contact", p.contact())
	m.Add("Allow", "INVITE, ACK, BYE, CANCEL, UPDATE, PRACK, INFO, REFER, NOTIFY")
	for _, f := range fields {
		m.Add(f.Name, f.Value)
	}
	if p.may.reliable && p.chance(60) {
		m.Add("Supported", "100rel")
	}
	t := &talk{p: p, caller: true}
	if !p.may.late || !p.chance(30) {
		m.SetBody("application/sdp", []byte(p.sdp()))
	}
	t.invite = m.Clone()
	p.talks = append(p.talks, t)
	t.client = p.send(m, t.response, func() { t.over = true })
	if p.chance(25) {
		p.after(5*time.Second, t.cancel)
	}
	p.after(40*time.Second, t.cancel)
}

func (t *talk) cancel() {
	if t.final || t.over || t.p.crashed {
		return
	}
	if !t.rung {
		t.p.after(time.Second, t.cancel)
		return
	}
	sent, err := sip.RereadSent(t.client.Sent())
	if err != nil {
		return
	}
	m := sip.NewCancel(sent)
	v, _ := m.Via()
	t.p.table.NewClient(transaction.ClientRequest{Method: sip.CANCEL, Branch: v.Branch, CallID: m.CallID(), Flow: t.p.flow(), Bytes: bytesOf(m)},
		&asking{p: t.p, label: "CANCEL of " + m.CallID()})
}

func (t *talk) response(r *sip.Message) {
	p := t.p
	switch code := r.Status(); {
	case code < 200:
		t.rung = true
		if !t.over && !t.final {
			t.acknowledge1xx(r)
		}
	case code >= 300:
		t.final, t.over = true, true
	case t.final:
		if t.ack != nil {
			p.send(t.ack.Clone(), nil, nil)
		}
	default:
		t.final, t.up = true, true
		t.d = t.early.d
		if t.d == nil {
			d, err := dialog.NewUAC(t.invite, r)
			if err != nil {
				p.wrong = append(p.wrong, err.Error())
				return
			}
			t.d = d
		} else {
			_ = t.d.Response(r)
		}
		if len(r.Body()) == 0 && !t.early.said {
			p.wrong = append(p.wrong, "200 without a description")
		}
		if p.may.neverACK && p.chance(10) {
			return
		}
		t.acknowledge(t.invite, len(t.invite.Body()) == 0 && !t.early.said)
		t.live()
	}
}

func (t *talk) acknowledge(invite *sip.Message, owes bool) {
	m := t.d.ACK(invite)
	if owes {
		m.SetBody("application/sdp", []byte(t.p.sdp()))
	}
	t.ack = m
	t.p.send(m.Clone(), nil, nil)
}

// live does what people do in a call.
func (t *talk) live() {
	p := t.p
	if p.may.crash && p.chance(8) {
		p.after(6*time.Second, func() { p.crashed = true })
	}
	for range p.rand.IntN(7) {
		p.after(12*time.Second, t.act)
	}
	if p.chance(50) {
		p.after(15*time.Second, t.bye)
	}
}

func (t *talk) ready() bool { return t.up && !t.over && !t.hung && (t.caller || t.acked) }

func (t *talk) act() {
	if !t.ready() {
		return
	}
	p := t.p
	switch n := p.rand.IntN(100); {
	case n < 45:
		t.reinvite(0)
	case n < 60:
		t.update()
	case n < 75:
		t.send(sip.INFO, "application/dtmf-relay", "Signal=5\r\nDuration=160\r\n")
	case n < 78:
		t.send(sip.OPTIONS, "", "")
	case n < 81:
		t.send(sip.MESSAGE, "text/plain", "hello")
	case n < 85 && p.may.moves:
		t.takeOver()
	case n < 90 && p.may.transfers: // in the middle of a change
		t.reinvite(0)
		t.transfer()
	case p.may.transfers:
		t.transfer()
	}
}

func (t *talk) transfer() {
	m := t.d.Request(sip.REFER)
	m.Add("Refer-To", "<"+t.p.may.target+">")
	t.p.send(m, t.within, t.lost)
}

func (t *talk) send(method, kind, body string) {
	m := t.d.Request(method)
	if body != "" {
		m.SetBody(kind, []byte(body))
	}
	t.p.send(m, t.within, t.lost)
}

func (t *talk) lost() { t.bye() }

// within is the answer to a request in the dialog.
func (t *talk) within(r *sip.Message) {
	if code := r.Status(); code == 481 || code == 408 {
		t.bye()
	}
}

func (t *talk) reinvite(tries int) {
	p := t.p
	if !t.ready() || t.open || t.asked {
		return
	}
	t.open = true
	m := t.d.Request(sip.INVITE)
	owes := p.may.late && p.chance(25)
	if !owes {
		m.SetBody("application/sdp", []byte(p.sdp()))
	}
	sent := m.Clone()
	taken := false
	p.send(m, func(r *sip.Message) {
		code := r.Status()
		switch {
		case code < 200:
		case code/100 == 2 && taken:
			p.send(t.ack.Clone(), nil, nil)
		case code/100 == 2:
			taken, t.open = true, false
			_ = t.d.Response(r)
			t.acknowledge(sent, owes)
		case code == 491 && tries < 3:
			t.open = false
			p.after(4*time.Second, func() { t.reinvite(tries + 1) })
		default:
			t.open = false
			t.within(r)
		}
	}, func() { t.open = false; t.lost() })
}

func (t *talk) update() {
	if t.open || t.asked {
		return
	}
	t.open = true
	m := t.d.Request(sip.UPDATE)
	m.SetBody("application/sdp", []byte(t.p.sdp()))
	t.p.send(m, func(r *sip.Message) {
		if r.Status() >= 200 {
			t.open = false
			t.within(r)
		}
	}, func() { t.open = false; t.lost() })
}

func (t *talk) bye() {
	if t.over || t.hung || t.d == nil || !t.up {
		return
	}
	if !t.caller && !t.acked && t.waits != (dialog.Resends{}) {
		if d, again := t.waits, t.again.Armed(); again && d != (dialog.Resends{}) {
			t.p.after(2*time.Second, t.bye) // no BYE before the ACK
			return
		}
	}
	t.hung = true
	t.p.send(t.d.Request(sip.BYE), func(r *sip.Message) {
		if r.Status() >= 200 {
			t.over = true
		}
	}, func() { t.over = true })
}

// hangUpAll ends what stands, at the end of a scene.
func (p *phone) hangUpAll() {
	for _, t := range p.talks {
		if t.up {
			t.bye()
		} else if t.caller {
			t.cancel()
		}
	}
}

// left are the calls that this phone still believes in.
func (p *phone) left() []string {
	if p.crashed {
		return nil
	}
	var list []string
	for _, t := range p.talks {
		switch {
		case t.over:
		case t.up && t.d != nil:
			list = append(list, p.name+" is still in "+t.d.String())
		case t.caller && !t.final:
			list = append(list, p.name+" still calls "+t.invite.CallID())
		case !t.caller && !t.final:
			list = append(list, p.name+" still rings for "+t.invite.CallID())
		}
	}
	for _, u := range p.unended {
		list = append(list, p.name+" had no final response to "+u)
	}
	return append(list, p.wrong...)
}

func quoted(list []string) string { return strings.Join(list, "\n\t") }
