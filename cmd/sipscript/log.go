package main

import (
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/sipscript/sipscript/engine/observe"
)

// newLogger logs to w what level lets through, without credentials: text where a person reads, JSON lines where a program does.
func newLogger(w io.Writer, format string, level *slog.LevelVar) *slog.Logger {
	options := &slog.HandlerOptions{Level: level, ReplaceAttr: lowerLevel}
	if format == "text" || format == "auto" && isTerminal(w) {
		return slog.New(observe.Redact(slog.NewTextHandler(w, options)))
	}
	return slog.New(observe.Redact(slog.NewJSONHandler(w, options)))
}

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
