package main

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
)

func TestLogIsJSONLinesUnlessItIsATerminal(t *testing.T) {
	t.Parallel()
	for format, want := range map[string]string{
		"auto": `,"level":"warn","msg":"hello","password":"[redacted]"}` + "\n",
		"json": `,"level":"warn","msg":"hello","password":"[redacted]"}` + "\n",
		"text": " level=warn msg=hello password=[redacted]\n",
	} {
		var out bytes.Buffer
		newLogger(&out, format, new(slog.LevelVar)).Warn("hello", "password", "wonderland")
		if !strings.HasSuffix(out.String(), want) {
			t.Errorf("%s: got %q, want it to end in %q", format, out.String(), want)
		}
	}
}

func TestLogLevelFollowsTheVariable(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	var level slog.LevelVar
	log := newLogger(&out, "json", &level)
	log.Debug("quiet")
	level.Set(slog.LevelDebug)
	log.Debug("loud")
	if got := out.String(); strings.Contains(got, "quiet") || !strings.Contains(got, "loud") {
		t.Errorf("log is %q", got)
	}
}

// Whoever writes into a header field what a log line or a terminal would obey is shown as what he wrote: one record is one line, without control characters.
func TestNobodyWritesLinesOfTheLogOrToTheTerminal(t *testing.T) {
	t.Parallel()
	for _, evil := range []string{
		"a\nlevel=error msg=forged", "a\r\n{\"level\":\"error\"}", "\x1b[2J\x1b]0;owned\a", "\x00", "\x7f", "\u009b2J", "a\u2028b", "\xff\xfe", `"} {"`, `\n`,
	} {
		for _, format := range []string{"text", "json"} {
			var b bytes.Buffer
			newLogger(&b, format, new(slog.LevelVar)).Info("said", slog.String("by", evil), slog.String(evil, "by"))
			line := b.String()
			if strings.Count(line, "\n") != 1 || !strings.HasSuffix(line, "\n") {
				t.Errorf("%s: %q makes %d lines", format, evil, strings.Count(line, "\n"))
			}
			for _, r := range strings.TrimSuffix(line, "\n") {
				if r < 0x20 || r >= 0x7f && r <= 0x9f {
					t.Errorf("%s: %q is written as %q", format, evil, line)
					break
				}
			}
		}
	}
}
