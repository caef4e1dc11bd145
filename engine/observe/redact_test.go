package observe

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

// register is a REGISTER whose Authorization value is folded over three lines; SECRET stands in each part that must not be logged.
const register = "REGISTER sip:example.org SIP/2.0\r\n" +
	"Authorization: Digest username=\"SECRET\",\r\n" +
	" nonce=\"SECRET\",\r\n" +
	"\tresponse=\"SECRET\"\r\n" +
	"Proxy-Authorization : Digest SECRET\r\n" +
	"User-Agent: phone\r\n\r\n"

type printed string

func (p printed) String() string { return string(p) }

type valued struct{ secret string }

func (v valued) LogValue() slog.Value { return slog.GroupValue(slog.String("password", v.secret)) }

func TestSecretsAreNotLogged(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		log  func(*slog.Logger)
		kept string // what must still be there
	}{
		{"header in the message", func(l *slog.Logger) { l.Info(register) }, "User-Agent: phone"},
		{"header in a field", func(l *slog.Logger) { l.Info("in", "text", register) }, "User-Agent: phone"},
		{"header in bytes", func(l *slog.Logger) { l.Info("in", "bytes", []byte(register)) }, "User-Agent: phone"},
		{"message that prints itself", func(l *slog.Logger) { l.Info("in", "msg", printed(register)) }, "User-Agent: phone"},
		{"error", func(l *slog.Logger) { l.Info("in", "err", fmt.Errorf("parse: %w", errors.New(register))) }, "parse: REGISTER"},
		{"digest response alone", func(l *slog.Logger) { l.Info("bad", "err", errors.New(`nc=1, response = "SECRET", opaque=""`)) }, "opaque"},
		{"password field", func(l *slog.Logger) { l.Info("user", "password", "SECRET", "user", "alice") }, "alice"},
		{"names in any spelling", func(l *slog.Logger) {
			l.Info("user", "Proxy-Authorization", "SECRET", "API_KEY", "SECRET", "Ha1", "SECRET", "user", "alice")
		}, "alice"},
		{"field of the logger", func(l *slog.Logger) { l.With("token", "SECRET", "user", "alice").Info("in") }, "alice"},
		{"group", func(l *slog.Logger) {
			l.WithGroup("g").Info("in", slog.Group("h", "secret", "SECRET", "user", "alice"))
		}, "alice"},
		{"value that makes a group", func(l *slog.Logger) { l.Info("in", "user", valued{"SECRET"}) }, "password"},
		{"table of a script", func(l *slog.Logger) {
			l.Info("in", "t", map[string]any{"list": []any{map[string]any{"password": "SECRET", "user": "alice"}, register}})
		}, "alice"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			log, out := textLog(slog.LevelInfo)
			tc.log(log)
			line := out.String()
			if strings.Contains(line, "SECRET") {
				t.Errorf("a secret was logged: %s", line)
			}
			if !strings.Contains(line, Redacted) || !strings.Contains(line, tc.kept) {
				t.Errorf("want %q and %q in: %s", Redacted, tc.kept, line)
			}
		})
	}
}

func TestOrdinaryFieldsPassUnchanged(t *testing.T) {
	t.Parallel()
	log, out := textLog(slog.LevelInfo)
	log.With(CallID("a@b")).Info("done", Version(3), Handler("INVITE"), At("office.lua", 12), slog.Int("code", 486), slog.Any("none", nil))
	want := "level=INFO msg=done call_id=a@b version=3 handler=INVITE at=office.lua:12 code=486 none=<nil>\n"
	if out.String() != want {
		t.Fatalf("got %q, want %q", out, want)
	}
}

func TestDisabledLevelStaysDisabled(t *testing.T) {
	t.Parallel()
	log, out := textLog(slog.LevelWarn)
	log.Info("quiet")
	if out.Len() != 0 || log.Enabled(t.Context(), slog.LevelInfo) {
		t.Fatalf("a disabled level was logged: %s", out)
	}
}
