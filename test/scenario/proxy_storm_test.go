package scenario

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/resolve"
	"github.com/sipscript/sipscript/sip/siptest"
)

// A storm is calls whose scripts fork as chance wills, to phones that do what chance wills, from callers who give up
// when chance wills. Whatever happens, each call ends as RFC 3261 §16.7 has it: with one failure, or with nothing but
// successes; and no phone that has answered is left alone.
func TestStormOfForks(t *testing.T) {
	for seed := range uint64(24) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			o := Options{Seed: byte(seed), Names: resolve.Static{"farm.example": {phoneAt(0), phoneAt(1), phoneAt(2)}}}
			o.Engine.Limits.Branches = 3
			play(t, stormScript, o, func(t *testing.T, s *siptest.Scene, srv *Server) {
				chance := rand.New(rand.NewPCG(seed, 1))
				for i := range phones {
					storm(s.UA(fmt.Sprint("phone", i), phoneAt(i).String()+":5060", sip.UDP), seed)
				}
				for i := range 10 {
					caller := s.UA(fmt.Sprint("caller", i), fmt.Sprintf("192.0.2.%d:5060", 100+i), sip.UDP).Reliable()
					plan, err := json.Marshal(stormPlan(chance))
					if err != nil {
						t.Fatal(err)
					}
					sent := caller.Request("INVITE", "sip:team@192.0.2.1", siptest.Header("X-Plan", string(plan)))
					if chance.IntN(3) == 0 {
						time.AfterFunc(time.Duration(chance.IntN(20_000))*time.Millisecond, func() { caller.CANCEL(sent) })
					}
					time.Sleep(time.Duration(chance.IntN(2000)) * time.Millisecond)
				}
				time.Sleep(15 * time.Minute)
				for callID, end := range endsOf(s) {
					slices.Sort(end.finals)
					finals := slices.Compact(end.finals)
					if failed := func(f string) bool { return f[0] != '2' }; len(finals) == 0 || len(finals) > 1 && slices.ContainsFunc(finals, failed) {
						t.Errorf("%s ended with %q", callID, finals)
					}
					for tag, taken := range end.taken {
						if !taken {
							t.Errorf("%s: the answer of %s was lost", callID, tag)
						}
					}
				}
				start := time.Now()
				srv.Engine.Drain(time.Minute, nil)
				if time.Since(start) > 0 {
					t.Error("requests are open, or handlers wait")
				}
				if text := srv.Log.String(); strings.Contains(text, "level=ERROR") {
					t.Errorf("errors in the log:\n%s", text)
				}
			})
		})
	}
}

const stormScript = `
	local function options(given)
		given.on_branch = function(branch) if branch.uri.user == "left" then return false end end
		given.on_reply = function(reply) if reply.code == 182 then return false end end
		return given
	end
	sip.on("INVITE", function(req)
		for _, step in ipairs(json.decode(req:header("X-Plan"))) do
			local result = req:proxy(step.groups, options(step.options))
			if result.cause == "answered" then return end
			sleep(step.pause)
			if step.reply > 0 then return req:reply(step.reply) end
		end
	end)`

const phones = 5

type stormTarget struct {
	URI     string  `json:"uri"`
	After   float64 `json:"after"`
	Timeout float64 `json:"timeout"`
}

type stormStep struct {
	Groups  [][]stormTarget `json:"groups"`
	Options map[string]any  `json:"options"`
	Pause   float64         `json:"pause"`
	Reply   int             `json:"reply"`
}

// stormPlan is what the script of one call does.
func stormPlan(chance *rand.Rand) []stormStep {
	pick := func(of ...float64) float64 { return of[chance.IntN(len(of))] }
	var plan []stormStep
	for range 1 + chance.IntN(3) {
		step := stormStep{Pause: pick(0, 0, 3), Reply: int(pick(0, 0, 0, 480, 200))}
		step.Options = map[string]any{"timeout": pick(4, 10, 40), "recurse": chance.IntN(2) == 0}
		if chance.IntN(2) == 0 {
			step.Options["response_timeout"] = pick(1, 3)
		}
		for range 1 + chance.IntN(3) {
			var g []stormTarget
			for range 1 + chance.IntN(4) {
				uris := []string{"sip:nobody@192.0.2.20:5999", "sip:nobody@nowhere.example", "sip:left@192.0.2.20", "tel:+49", "sip:x@farm.example"}
				for i := range phones {
					uris = append(uris, "sip:x@"+phoneAt(i).String(), "sip:y@"+phoneAt(i).String())
				}
				g = append(g, stormTarget{uris[chance.IntN(len(uris))], pick(0, 0, 0, 2, 8), pick(0, 0, 3)})
			}
			step.Groups = append(step.Groups, g)
		}
		plan = append(plan, step)
	}
	return plan
}

// phoneAt is where phones live; nobody lives from 192.0.2.99 on but callers.
func phoneAt(i int) netip.Addr { return netip.AddrFrom4([4]byte{192, 0, 2, byte(20 + i)}) }

// stormPhone does with each call what chance wills.
type stormPhone struct {
	u     *siptest.UA
	seed  uint64
	mu    sync.Mutex
	calls map[string]*stormCall // by branch
}

type stormCall struct {
	invite *sip.Message
	obeys  bool // ends when it is cancelled
	over   bool
}

func storm(u *siptest.UA, seed uint64) {
	p := &stormPhone{u: u, seed: seed, calls: map[string]*stormCall{}}
	u.Reliable().Handle(p.handle)
}

func (p *stormPhone) handle(m *sip.Message) {
	via, err := m.Via()
	switch {
	case err != nil || m.Method() == sip.ACK:
	case m.Method() == sip.INVITE:
		p.ring(via.Branch, m)
	case m.Method() == sip.CANCEL:
		p.u.Reply(m, 200)
		p.mu.Lock()
		c := p.calls[via.Branch]
		p.mu.Unlock()
		if c != nil && c.obeys {
			p.answer(c, 487)
		}
	default:
		p.u.Reply(m, 200)
	}
}

// ring draws the lots of one call. They are those of the call, not of the order in which calls come.
func (p *stormPhone) ring(branch string, m *sip.Message) {
	h := fnv.New64a()
	fmt.Fprint(h, p.u.Name(), m.CallID(), m.URIText())
	chance := rand.New(rand.NewPCG(p.seed, h.Sum64()))
	c := &stormCall{invite: m, obeys: chance.IntN(4) > 0}
	p.mu.Lock()
	p.calls[branch] = c
	p.mu.Unlock()
	after := func(most int, code int, opts ...siptest.Option) {
		time.AfterFunc(time.Duration(1+chance.IntN(most))*time.Millisecond, func() { p.answer(c, code, opts...) })
	}
	for _, code := range []int{100, 180, 182, 183} {
		if chance.IntN(2) == 0 {
			after(3000, code)
		}
	}
	if final := []int{200, 200, 486, 486, 404, 503, 603, 302, 407, 0}[chance.IntN(10)]; final != 0 {
		after(20_000, final, siptest.Set("Contact", "<sip:y@"+phoneAt(chance.IntN(phones)).String()+">"))
	}
}

func (p *stormPhone) answer(c *stormCall, code int, opts ...siptest.Option) {
	p.mu.Lock()
	over := c.over
	c.over = over || code >= 200
	p.mu.Unlock()
	if !over {
		p.u.Reply(c.invite, code, opts...)
	}
}

// ends is what became of one call.
type ends struct {
	finals []string        // status and To tag of each final response that the caller got
	taken  map[string]bool // To tags of the phones that answered: whether the caller or a BYE of the server knows of it
}

// endsOf reads from the network how the calls ended, by Call-ID.
func endsOf(s *siptest.Scene) map[string]*ends {
	all := map[string]*ends{}
	for _, e := range s.Net.Trace() {
		m, err := sip.ReadDatagram(e.Bytes, sip.Limits{})
		if err != nil {
			continue
		}
		m.Keep()
		call := all[m.CallID()]
		if call == nil {
			call = &ends{taken: map[string]bool{}}
			all[m.CallID()] = call
		}
		fromServer := e.Src == serverAddr
		switch {
		case m.IsRequest() && m.Method() == sip.BYE && fromServer:
			call.taken[m.ToTag()] = true
		case m.IsRequest() || m.Method() != sip.INVITE || m.Status() < 200:
		case !fromServer && m.Status() < 300:
			call.taken[m.ToTag()] = call.taken[m.ToTag()]
		case fromServer:
			call.finals = append(call.finals, fmt.Sprint(m.Status(), " ", m.ToTag()))
			if m.Status() < 300 {
				call.taken[m.ToTag()] = true
			}
		}
	}
	return all
}
