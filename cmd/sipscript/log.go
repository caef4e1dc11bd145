package main

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/sipscript/sipscript/engine/observe"
)

// newLogger logs to w what level lets through, without credentials: text where a person reads, JSON lines where a program does.
func newLogger(w io.Writer, format string, level *slog.LevelVar) *slog.Logger {
	options := &slog.HandlerOptions{Level: level, ReplaceAttr: lowerLevel}
	if format == "text" || format == "auto" && isTerminal(w) {
		return slog.New(observe.Redact(slog.NewTextHandler(visible{w}, options)))
	}
	return slog.New(observe.Redact(slog.NewJSONHandler(visible{w}, options)))
}

// visible writes the control characters that slog leaves as they are, DEL and those of ISO 6429 in UTF-8, as escapes: a peer puts into a header field
// what it likes, and whoever reads the log has a terminal that would obey it.
type visible struct{ w io.Writer }

// Write implements io.Writer.
func (v visible) Write(line []byte) (int, error) {
	out := line
	if bytes.ContainsFunc(line, isControl) {
		out = nil
		for _, r := range string(line) {
			if isControl(r) {
				out = fmt.Appendf(out, `\u%04x`, r)
			} else {
				out = utf8.AppendRune(out, r)
			}
		}
	}
	if _, err := v.w.Write(out); err != nil {
		return 0, err
	}
	return len(line), nil
}

func isControl(r rune) bool { return r >= 0x7f && r <= 0x9f }

// lowerLevel writes levels as the config file does.
func lowerLevel(groups []string, a slog.Attr) slog.Attr {
	if level, ok := a.Value.Any().(slog.Level); ok && len(groups) == 0 && a.Key == slog.LevelKey {
		return slog.String(a.Key, strings.ToLower(level.String()))
	}
	return a
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
