package observe

import (
	"context"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
)

// Redacted stands in the log where a secret was.
const Redacted = "[redacted]"

// Redact returns a handler that keeps credentials out of the log on their way to next: whatever is logged under the name of a secret, and the
// values of credential-carrying SIP headers inside any logged text. Scripts log what they like, messages too; a password in a log file is a
// password in every backup and log collector behind it.
func Redact(next slog.Handler) slog.Handler { return &redactor{next: next} }

type redactor struct{ next slog.Handler }

// Enabled reports what next says.
func (r *redactor) Enabled(ctx context.Context, level slog.Level) bool {
	return r.next.Enabled(ctx, level)
}

// Handle passes a copy of rec without secrets on.
func (r *redactor) Handle(ctx context.Context, rec slog.Record) error {
	clean := slog.NewRecord(rec.Time, rec.Level, redactText(rec.Message), rec.PC)
	rec.Attrs(func(a slog.Attr) bool {
		clean.AddAttrs(redactAttr(a))
		return true
	})
	return r.next.Handle(ctx, clean)
}

// WithAttrs returns a redacting handler with attrs, already without secrets.
func (r *redactor) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &redactor{next: r.next.WithAttrs(redactAttrs(attrs))}
}

// WithGroup returns a redacting handler with an open group.
func (r *redactor) WithGroup(name string) slog.Handler {
	return &redactor{next: r.next.WithGroup(name)}
}

func redactAttrs(attrs []slog.Attr) []slog.Attr {
	clean := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		clean[i] = redactAttr(a)
	}
	return clean
}

func redactAttr(a slog.Attr) slog.Attr {
	if isSecret(a.Key) {
		return slog.String(a.Key, Redacted)
	}
	switch v := a.Value.Resolve(); v.Kind() {
	case slog.KindString:
		return slog.String(a.Key, redactText(v.String()))
	case slog.KindGroup:
		return slog.Attr{Key: a.Key, Value: slog.GroupValue(redactAttrs(v.Group())...)}
	case slog.KindAny:
		return slog.Any(a.Key, redactAny(v.Any()))
	default:
		return slog.Attr{Key: a.Key, Value: v}
	}
}

// redactAny goes into what scripts pass as fields (maps and lists), and into everything that prints itself, such as errors and messages.
func redactAny(v any) any {
	switch v := v.(type) {
	case string:
		return redactText(v)
	case []byte:
		return redactText(string(v))
	case map[string]any:
		clean := make(map[string]any, len(v))
		for key, value := range v {
			if isSecret(key) {
				clean[key] = Redacted
			} else {
				clean[key] = redactAny(value)
			}
		}
		return clean
	case []any:
		clean := make([]any, len(v))
		for i, value := range v {
			clean[i] = redactAny(value)
		}
		return clean
	case error, fmt.Stringer:
		return redactText(fmt.Sprint(v))
	default:
		return v
	}
}

// isSecret reports whether a field of this name holds a secret. Hyphens, underscores and case do not matter.
func isSecret(key string) bool {
	switch strings.ToLower(strings.NewReplacer("-", "", "_", "").Replace(key)) {
	case "authorization", "proxyauthorization", "authenticationinfo", "password", "passwd", "secret", "ha1", "token", "apikey", "privatekey", "credentials":
		return true
	}
	return false
}

var (
	// A header's value ends with the line; continuation lines begin with white space (RFC 3261 §7.3.1).
	credentialHeader = regexp.MustCompile(`(?i)((?:proxy-)?authorization[ \t]*:[ \t]*)[^\r\n]+(?:\r?\n[ \t]+[^\r\n]*)*`)
	// Credentials outside their header, as in an error about one: the digest of the password can be attacked offline.
	digestResponse = regexp.MustCompile(`(?i)(\bresponse[ \t]*=[ \t]*)"[^"]*"`)
)

// redactText replaces the values of credential headers and digest responses wherever they stand in s.
func redactText(s string) string {
	s = credentialHeader.ReplaceAllString(s, "${1}"+Redacted)
	return digestResponse.ReplaceAllString(s, "${1}"+Redacted)
}
