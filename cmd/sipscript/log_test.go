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
