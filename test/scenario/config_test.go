package scenario

import (
	"testing"
	"time"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
)

func TestChangedConfigMakesANewVersionOfAnUnchangedScript(t *testing.T) {
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		server := Start(t, s, `
			assert(config.greeting, "no greeting")
			sip.on("OPTIONS", function(req) req:reply(200, config.greeting) end)`,
			Options{Config: map[string]any{"greeting": "Hello"}})
		alice := s.UA("alice", "192.0.2.10:5060", sip.UDP)
		greets := func(want string) {
			t.Helper()
			alice.Request("OPTIONS", "sip:192.0.2.1")
			if got := alice.Expect("200", time.Second).Reason(); got != want {
				t.Errorf("greets with %q, want %q", got, want)
			}
		}
		greets("Hello")

		if err := server.Host.Reload(map[string]any{}); err == nil {
			t.Error("a config that the script refuses went live")
		}
		greets("Hello")
		if err := server.Host.Reload(nil); err == nil {
			t.Error("the refused config was forgotten, though it is the one in force")
		}

		if err := server.Host.Reload(map[string]any{"greeting": "Goodbye"}); err != nil {
			t.Fatal(err)
		}
		greets("Goodbye")
	})
}
