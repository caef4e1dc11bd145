package scenario

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sipscript/sipscript/engine"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
)

// lamps is a server whose users are told of so many new and old messages as a MESSAGE to them says.
const lamps = `
sip.on("REGISTER", function(req) registrar.save(req) end)
sip.on("MESSAGE", function(req)
  local new, old = req.body:match("(%d+)/(%d+)")
  mwi.set(req.uri, tonumber(new), tonumber(old))
  req:reply(200)
end)`

func withLamps(t *testing.T, setting siptest.Setting, f func(s *siptest.Scene, alice *siptest.UA, say func(user, counts string))) {
	t.Helper()
	t.Parallel()
	siptest.Run(t, setting, func(t *testing.T, s *siptest.Scene) {
		Start(t, s, lamps, Options{Engine: engine.Config{Domains: []string{"example.org"}}})
		alice := s.UA("alice", "192.0.2.10:5060", sip.UDP).Reliable().Domain("example.org")
		office := s.UA("office", "192.0.2.90:5060", sip.UDP).Reliable().Domain("example.org")
		f(s, alice, func(user, counts string) {
			office.Request(sip.MESSAGE, "sip:"+user+"@example.org", siptest.Body("text/plain", counts))
			office.Expect("200 MESSAGE", time.Second)
		})
	})
}

// lit is a NOTIFY that has come, of these counts.
func lit(t testing.TB, ua *siptest.UA, counts string) *sip.Message {
	t.Helper()
	m := ua.Expect(sip.NOTIFY, time.Minute)
	want := "no"
	if !strings.HasPrefix(counts, "0/") {
		want = "yes"
	}
	if body := "Messages-Waiting: " + want + "\r\nMessage-Account: sip:alice@example.org\r\nVoice-Message: " + counts + "\r\n"; string(m.Body()) != body {
		t.Errorf("%s was told\n%s\nwant\n%s", ua.Name(), m.Body(), body)
	}
	for name, want := range map[string]string{
		"Event": "message-summary", "Content-Type": "application/simple-message-summary", "Subscription-State": "terminated;reason=noresource",
		"To": "<sip:alice@example.org>", "CSeq": "1 NOTIFY", "Max-Forwards": "70",
	} {
		if got, _ := m.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	return m
}

func TestPhonesAreToldWhatWaits(t *testing.T) {
	withLamps(t, siptest.Setting{}, func(s *siptest.Scene, alice *siptest.UA, say func(user, counts string)) {
		alice.Register("", "")
		desk := s.UA("desk", "192.0.2.11:5060", sip.TCP).Reliable().Domain("example.org")
		desk.Register("sip:alice@example.org", "")
		say("alice", "2/1")
		m := lit(t, alice, "2/1")
		if uri, contact := m.URIText(), alice.Contact(); uri != contact {
			t.Errorf("it went to %s, want %s", uri, contact)
		}
		if contact, _ := m.Get("Contact"); contact != "<sip:192.0.2.1>" {
			t.Errorf("Contact %s", contact)
		}
		alice.Reply(m, 200)
		m = lit(t, desk, "2/1") // over the connection that it registered by
		if contact, _ := m.Get("Contact"); contact != "<sip:192.0.2.1;transport=tcp>" {
			t.Errorf("Contact %s", contact)
		}
		desk.Reply(m, 481) // it has no use for it
		say("alice", "0/0")
		alice.Reply(lit(t, alice, "0/0"), 200)
		desk.Reply(lit(t, desk, "0/0"), 481)
		say("bob", "5/5") // has no phone
		alice.ExpectNone(time.Minute)
	})
}

func TestPhonesAreToldWhenTheyRegister(t *testing.T) {
	withLamps(t, siptest.Setting{}, func(s *siptest.Scene, alice *siptest.UA, say func(user, counts string)) {
		alice.Register("", "")
		alice.ExpectNone(time.Second) // nobody has said a thing
		say("alice", "1/0")
		alice.Reply(lit(t, alice, "1/0"), 200)
		desk := s.UA("desk", "192.0.2.11:5060", sip.UDP).Reliable().Domain("example.org")
		desk.Register("sip:alice@example.org", "")
		desk.Reply(lit(t, desk, "1/0"), 200)
		alice.ExpectNone(time.Second) // it knows already
		alice.Register("", "")
		alice.Reply(lit(t, alice, "1/0"), 200)
		alice.Register("", "*", siptest.Set("Expires", "0"))
		desk.ExpectNone(time.Minute)
	})
}

func TestPhonesAreToldTheNewestLast(t *testing.T) {
	withLamps(t, siptest.Setting{}, func(s *siptest.Scene, alice *siptest.UA, say func(user, counts string)) {
		alice.Register("", "")
		say("alice", "1/0")
		first := lit(t, alice, "1/0")
		say("alice", "2/0")
		say("alice", "0/2")
		alice.ExpectNone(10 * time.Second) // nothing else, while the first has no answer
		alice.Reply(first, 200)
		alice.Reply(lit(t, alice, "0/2"), 200)
		alice.ExpectNone(time.Minute)
	})
}

func TestPhonesThatAreGoneAreNotWaitedFor(t *testing.T) {
	withLamps(t, siptest.Setting{}, func(s *siptest.Scene, alice *siptest.UA, say func(user, counts string)) {
		alice.Register("", "")
		alice.Handle(func(*sip.Message) {}) // it is switched off
		say("alice", "1/0")
		time.Sleep(time.Minute)
		alice.Handle(nil)
		say("alice", "2/0")
		alice.Reply(lit(t, alice, "2/0"), 200)
		synctest.Wait()
	})
}

func TestPhonesBehindAnEdgeAreToldThroughIt(t *testing.T) {
	withLamps(t, siptest.Setting{}, func(s *siptest.Scene, alice *siptest.UA, say func(user, counts string)) {
		edge := s.UA("edge", "192.0.2.50:5060", sip.UDP).Reliable()
		alice.Register("", "", siptest.Header("Supported", "path"), siptest.Header("Path", "<sip:192.0.2.50;lr>"))
		say("alice", "1/0")
		m := edge.Expect(sip.NOTIFY, time.Second)
		if route, _ := m.Get("Route"); route != "<sip:192.0.2.50;lr>" || m.URIText() != alice.Contact() {
			t.Errorf("the edge got %s with Route %s", m.URIText(), route)
		}
		edge.Reply(m, 200)
	})
}

// What a user part holds escaped must not come to be header fields.
func TestAccountStaysEscaped(t *testing.T) {
	withLamps(t, siptest.Setting{}, func(s *siptest.Scene, alice *siptest.UA, say func(user, counts string)) {
		const user = "a%0d%0aX-Evil%3a1"
		alice.Request(sip.REGISTER, "sip:example.org", siptest.Set("To", "<sip:"+user+"@example.org>"), siptest.Set("From", "<sip:"+user+"@example.org>;tag=1"), siptest.Header("Contact", "<"+alice.Contact()+">"))
		alice.Expect("200 REGISTER", time.Second)
		say(user, "1/0")
		m := alice.Expect(sip.NOTIFY, time.Second)
		if _, evil := m.Get("X-Evil"); evil || !strings.Contains(string(m.Body()), "%0d%0a") {
			t.Errorf("alice got\n%v", m)
		}
		alice.Reply(m, 200)
	})
}
