package call_test

import (
	"crypto/sha256"
	"fmt"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sipscript/sipscript/engine"
	"github.com/sipscript/sipscript/engine/call"
	"github.com/sipscript/sipscript/engine/proxy"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
	"github.com/sipscript/sipscript/sip/transport"
)

// soon is longer than any message takes, and shorter than any timer.
const soon = 100 * time.Millisecond

// stage is a server with a script in Go on a network of its own.
type stage struct {
	*siptest.Scene
	t      *testing.T
	engine *engine.Engine
	alice  *siptest.UA
	bob    *siptest.UA
	carol  *siptest.UA

	sturdy  bool // a panic ends one call
	records records
	seen    ends
	ringing atomic.Pointer[call.Call]
	result  atomic.Pointer[proxy.Result]
}

// play runs f with the legs of each call on one shard, and again with each dialled leg on another one.
func play(t *testing.T, script engine.ScriptFunc, f func(s *stage)) {
	t.Helper()
	playScript(t, script, f)
}

func playScript(t *testing.T, script engine.Script, f func(s *stage)) {
	t.Helper()
	playFor(t, func(*stage) engine.Script { return script }, f)
}

// playFor is play for a script that remembers something of its own stage.
func playFor(t *testing.T, script func(s *stage) engine.Script, f func(s *stage)) {
	t.Helper()
	t.Parallel()
	for _, setting := range []struct {
		name   string
		shards int
		apart  bool
	}{{"one shard", 1, false}, {"legs apart on four", 4, true}} {
		t.Run(setting.name, func(t *testing.T) {
			t.Parallel()
			siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
				st := &stage{Scene: s, t: t}
				st.start(script(st), engine.Config{Shards: setting.shards, Apart: setting.apart})
				st.alice = s.UA("alice", "192.0.2.10:5060", sip.UDP)
				st.bob = s.UA("bob", "192.0.2.20:5060", sip.UDP)
				st.carol = s.UA("carol", "192.0.2.30:5060", sip.UDP)
				f(st)
				st.clean()
			})
		})
	}
}

func (s *stage) start(script engine.Script, cfg engine.Config) {
	t := s.t
	t.Helper()
	cfg.Fragile = !s.sturdy
	cfg.CDR.File = "records"
	for _, l := range []string{"udp:192.0.2.1:5060", "tcp:192.0.2.1:5060"} {
		spec, err := transport.ParseListen(l)
		if err != nil {
			t.Fatal(err)
		}
		cfg.Listen = append(cfg.Listen, spec)
	}
	seed := sha256.Sum256([]byte(t.Name()))
	e, err := engine.New(cfg, engine.Seams{Net: s.Net.Host(netip.MustParseAddr("192.0.2.1")), Seed: &seed, Append: s.records.open})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Start(script); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	synctest.Wait()
	s.engine = e
}

// clean fails when anything is left of a call that is over.
func (s *stage) clean() {
	s.t.Helper()
	time.Sleep(70 * time.Second) // 64·T1 for what came last, and for what that brought
	synctest.Wait()
	if left := s.engine.Leaks(); len(left) > 0 {
		s.t.Errorf("left behind: %s", strings.Join(left, ", "))
		fmt.Println(s.Ladder())
	}
}

const (
	toBob   = "sip:bob@192.0.2.20"
	toCarol = "sip:carol@192.0.2.30"
)

func targets(uris ...string) []proxy.Group {
	var g proxy.Group
	for _, u := range uris {
		g = append(g, proxy.Target{URI: u})
	}
	return []proxy.Group{g}
}

// b2bua is a script that connects every caller with these targets.
func b2bua(o call.DialOptions, uris ...string) engine.ScriptFunc {
	return func(r *engine.Request) {
		if r.InDialog() {
			r.FollowRoutes()
			return
		}
		r.Park()
		_, err := r.B2BUA(targets(uris...), o, func(proxy.Result, *call.Call) { _ = r.End() })
		if err != nil {
			_ = r.End()
		}
	}
}

func header(m *sip.Message, name string) string {
	v, _ := m.Get(name)
	return v
}

func sdp(who string) string {
	return "v=0\r\no=- 1 1 IN IP4 192.0.2.99\r\ns=" + who + "\r\nc=IN IP4 192.0.2.99\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n"
}

func with(who string) siptest.Option { return siptest.Body("application/sdp", sdp(who)) }
