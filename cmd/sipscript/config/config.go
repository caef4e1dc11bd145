// Package config is the config file of the sipscript command: what can be said in it, how it is read and checked, and what of it a running
// server can take up.
//
// Every key is one row of the table in keys.go, which reads and checks it, compares it on a reload and writes its line of the reference in
// docs/configuration.md, so that none of these can say something else than the others.
package config

import (
	"log/slog"
	"time"

	"github.com/sipscript/sipscript/engine"
	"github.com/sipscript/sipscript/engine/media"
	"github.com/sipscript/sipscript/sip/transport"
)

// Config is the whole config file. Default gives its defaults; zero values are not defaults.
type Config struct {
	// Engine is what the file says to the engine: all but its Log and Fragile.
	Engine engine.Config
	// Media says who relays the media of calls, and where.
	Media Media
	// Recordings is the folder that calls are recorded to. Default "recordings". Restart.
	Recordings string
	// Speech says what turns text into speech.
	Speech Speech
	// Log says what is logged and how.
	Log Log
	// DrainTimeout is how long SIGTERM waits for calls that are being set up. Default 30 s. Reloadable.
	DrainTimeout time.Duration
	// Script is what the script reads as `config`: strings, float64s, bools, []any and map[string]any, as from JSON. Default empty. Reloadable.
	Script map[string]any

	file   string           // its path; "" for none
	places map[string]Place // where each key of the file stands
}

// Speech is the `speech` part. All of it is restart.
type Speech struct {
	// Command is a program that speaks. Default none.
	Command string
	// Cache is the folder that what was spoken is kept in. Default "speech".
	Cache string
}

// Log is the `log` part.
type Log struct {
	// Level is the lowest level logged: "debug", "info" (default), "warn" or "error". Reloadable.
	Level string
	// Format is "text", "json", or "auto" (default): text on a terminal, JSON lines otherwise. Restart.
	Format string
}

// SlogLevel is Level for slog; info when it is none of its words.
func (l Log) SlogLevel() slog.Level {
	var level slog.Level
	if err := level.UnmarshalText([]byte(l.Level)); err != nil {
		return slog.LevelInfo
	}
	return level
}

// Default is the config without a file.
func Default() *Config {
	return &Config{
		Engine: engine.Config{
			Listen: defaultListeners(),
			TLS:    transport.TLSConfig{MinVersion: "1.2"},
			Limits: engine.Limits{
				Limits: transport.Limits{
					Message:     65536,
					Headers:     200,
					Connections: 50_000,
					PerSource:   transport.PerSource{Connections: 200},
				},
				Branches:   16,
				ParkedRuns: 100_000,
				Answer:     180 * time.Second,
			},
			Timers:    engine.Timers{T1: 500 * time.Millisecond, T2: 4 * time.Second, T4: 5 * time.Second, C: 181 * time.Second},
			Registrar: engine.Registrar{DefaultExpires: time.Hour, MinExpires: time.Minute, MaxExpires: 24 * time.Hour, MaxContacts: 10},
			Queue:     65_536,
		},
		Media:        Media{Backend: "builtin", Ports: media.Ports{First: 20000, Last: 39999}, Timeout: time.Minute},
		Recordings:   "recordings",
		Speech:       Speech{Cache: "speech"},
		DrainTimeout: 30 * time.Second,
		Log:          Log{Level: "info", Format: "auto"},
		Script:       map[string]any{},
	}
}
