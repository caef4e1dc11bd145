package scenario

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
)

// lateReader looks a name up only when it is told to, whatever has become of who asked.
type lateReader struct {
	told  chan struct{}
	asked chan string
}

func (r *lateReader) Addresses(_ context.Context, host string) ([]netip.Addr, error) {
	<-r.told
	r.asked <- strings.Clone(host)
	return nil, errors.New("too late")
}

func TestANameIsLookedUpAsItWasWhenTheRequestHasGoneMeanwhile(t *testing.T) {
	names := &lateReader{}
	play(t, proxyTo(`"`+toBob+`"`), Options{Resolver: names}, func(t *testing.T, s *siptest.Scene, _ *Server) {
		names.told, names.asked = make(chan struct{}), make(chan string, 1)
		alice, bob := alice(s), bob(s)
		call := siptest.Call(alice, bob, "sip:bob@192.0.2.1")
		call.Caller.Target = "sip:bob@far.example"
		sent := call.Caller.ReINVITE()
		alice.Expect("100", time.Second)
		alice.CANCEL(sent)
		alice.Expect("200 CANCEL", soon)
		alice.ACK(alice.Expect("487", soon))
		close(names.told)
		if host := <-names.asked; host != "far.example" {
			t.Errorf("looked up %q", host)
		}
		bob.ExpectNone(soon)
	})
}

func TestAConnectionVerifiesTheNameItWasMadeForWhenTheRequestHasGoneMeanwhile(t *testing.T) {
	playSecurely(t, registrarScript, func(t *testing.T, s *siptest.Scene, _ *Server) {
		alice, bob := secure(s, "alice", "192.0.2.10:5061"), secure(s, "bob", "192.0.2.20:5061")
		other := secure(s, "bob2", "192.0.2.21:5061")
		bob.Register("sips:bob@example.org", "<sips:bob@192.0.2.20:5061>")
		alice.Request(sip.INVITE, "sips:bob@example.org", siptest.Set("Contact", "<sips:alice@192.0.2.10:5061>"))
		invite := bob.Expect(sip.INVITE, time.Second)
		bob.Reply(invite, 200, siptest.Set("Contact", "<sips:bob@192.0.2.21:5061>"), siptest.Set("Record-Route", withoutTokens(invite)))
		answer := alice.Expect("200 INVITE", time.Second)
		alice.Dialog(answer).ACK()
		other.Expect(sip.ACK, time.Second)
	})
}

// withoutTokens is the Record-Route of a request without the flows it asks for: then a Contact counts.
func withoutTokens(m *sip.Message) string {
	text := ""
	for v := range m.List(sip.RecordRoute) {
		a, err := sip.ParseAddress(v)
		if err != nil {
			return v
		}
		if text != "" {
			text += ", "
		}
		a.URI.User = ""
		text += "<" + a.URI.String() + ">"
	}
	return text
}
