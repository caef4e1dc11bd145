package scenario

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sipscript/sipscript/engine"
	"github.com/sipscript/sipscript/engine/ivr"
	"github.com/sipscript/sipscript/engine/media"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
	"github.com/sipscript/sipscript/test/listen"
)

// desk is what a caller and a server that talks need, where a test wants something else than usual. Zero values are as usual.
type desk struct {
	callers int // 1
	setting siptest.Setting
	around  func(f ivr.Folder) ivr.Folder
	engine  engine.Config
	config  map[string]any
}

// ports are those of the media of a desk.
var ports = media.Ports{First: 20000, Last: 20199}

// talk runs a script that talks with callers. In the end nothing is left of them: no leg, no run, no port, no file that is not complete.
func (d desk) talk(t *testing.T, script string, f func(m *meeting)) {
	t.Helper()
	siptest.Run(t, d.setting, func(t *testing.T, s *siptest.Scene) {
		dir := t.TempDir()
		folder := ivr.NewFolder(dir)
		if d.around != nil {
			folder = d.around(folder)
		}
		if d.engine.Shards == 0 {
			d.engine.Shards = 1
		}
		srv := Start(t, s, script, Options{Engine: d.engine, Config: d.config, Prompts: prompts(t), Records: folder, Speak: speak(t), Spoken: ivr.NewFolder(t.TempDir()), Relay: &media.Config{Ports: ports}})
		m := &meeting{stage: &stage{Scene: s, Server: srv, t: t}, records: dir}
		t.Cleanup(func() {
			if t.Failed() {
				t.Logf("%s\n%s", s.Ladder(), m.Log)
			}
		})
		for i := range max(1, d.callers) {
			m.callers = append(m.callers, m.party(i))
		}
		m.alice = m.callers[0].UA
		f(m)
		m.clean()
		m.tidy()
	})
}

// tidy fails when a port is still open, or a file not complete.
func (m *meeting) tidy() {
	m.t.Helper()
	for port := ports.First; port <= ports.Last; port++ {
		c, err := mediaNet{serverHost(m.Scene, "")}.Open(netip.AddrPortFrom(netip.MustParseAddr("192.0.2.1"), port))
		if err != nil {
			m.t.Errorf("port %d is left open: %v", port, err)
			continue
		}
		_ = c.Close()
	}
	for _, name := range files(m.t, m.records) {
		if strings.HasSuffix(name, ".part") {
			m.t.Errorf("%s is left behind", name)
		}
	}
}

// hear fails unless the caller has heard this since a time: tones and silences of 60 ms and more.
func (p *party) hear(from time.Duration, want string) {
	p.t.Helper()
	synctest.Wait()
	var got []string
	for _, part := range p.Parts(from) {
		if part.For < 60*time.Millisecond {
			continue
		}
		part.Hz = (part.Hz + 25) / 50 * 50 // where it begins and ends a sine is not pure
		if part.Silent && (len(got) == 0 || part.For < 150*time.Millisecond) {
			continue
		}
		got = append(got, part.String())
	}
	if text := strings.TrimSuffix(strings.Join(got, ", "), ", silence"); text != want {
		p.t.Errorf("heard %q\nwant  %q", text, want)
	}
}

// since is now, on the clock of the ear.
func (p *party) since() time.Duration { return time.Since(p.opened) }

// press presses keys in the usual way.
func (p *party) press(digits string) {
	p.Press(p.to, digits, 100*time.Millisecond, 100*time.Millisecond)
}

// directed is a re-INVITE with a direction such as sendonly.
func (p *party) directed(direction string) {
	p.t.Helper()
	p.d.ReINVITE(siptest.Body("application/sdp", strings.Replace(string(p.Describe(listen.Formats, "a="+direction)), "o=ear 1 1", fmt.Sprintf("o=ear 1 %d", p.since()), 1)))
	p.d.Accepted(p.Expect("200 INVITE", time.Second)).ACK()
}

// takes answers a call of the server's.
func (p *party) takes(invite *sip.Message) {
	p.t.Helper()
	p.to = mediaOf(p.t, invite)
	p.Reply(invite, 200, p.described())
	p.Expect(sip.ACK, time.Second)
	p.d = p.Dialog(invite)
}
