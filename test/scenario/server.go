// Package scenario plays whole calls: a server with a Lua script on a simulated network, in virtual time.
package scenario

import (
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/sipscript/sipscript/engine"
	"github.com/sipscript/sipscript/engine/ivr"
	"github.com/sipscript/sipscript/engine/ivr/stream"
	"github.com/sipscript/sipscript/engine/media"
	"github.com/sipscript/sipscript/lua"
	"github.com/sipscript/sipscript/sip/resolve"
	"github.com/sipscript/sipscript/sip/siptest"
	"github.com/sipscript/sipscript/sip/transport"
)

// Options are the settings of a server under test. The zero value listens on UDP and TCP 192.0.2.1:5060 with 4 shards.
type Options struct {
	Listen   []string         // as on the command line
	Engine   engine.Config    // Listen, Log and Shards are filled in
	Config   map[string]any   // what the script reads as config
	Names    resolve.Static   // hosts the server can look up
	Resolver resolve.Resolver // instead of Names
	Files    transport.Files
	Append   func(path string) (io.WriteCloser, error) // opens the file of call records
	Seed     byte
	Relay    *media.Config     // of media on the simulated network, its interface the server's first address if none is named; nil: there is no relay
	Late     bool              // the relay answers after a while, from another goroutine
	Media    media.Backend     // instead of a relay
	Prompts  fs.FS             // the folder that prompts are named from
	Records  ivr.Folder        // where calls are recorded to
	Speak    ivr.Synthesize    // turns text into speech
	Spoken   ivr.Folder        // where that is kept
	Web      http.RoundTripper // brings the pages that are asked for
	Agents   stream.Dialer     // of streams
	Addr     string            // of the server's host, default 192.0.2.1; several separated by spaces
}

// Server is a server under test.
type Server struct {
	Engine *engine.Engine
	Host   *lua.Host
	Log    *Log
	Relay  *media.Relay // nil: there is none

	t      testing.TB
	script *file
}

// Start runs a server with this Lua source on the scene's network. It ends with the test.
func Start(t testing.TB, s *siptest.Scene, source string, o Options) *Server {
	t.Helper()
	srv := New(t, s, source, o)
	if err := srv.Engine.Start(srv.Host); err != nil {
		t.Fatal(err)
	}
	srv.Host.Start(false)
	t.Cleanup(func() { srv.Host.Stop(); srv.Engine.Close(); srv.Host.Close() })
	synctest.Wait()
	return srv
}

// New makes a server that is not started.
func New(t testing.TB, s *siptest.Scene, source string, o Options) *Server {
	t.Helper()
	srv := &Server{Log: &Log{}, t: t, script: &file{source: source}}
	cfg := o.Engine
	cfg.Fragile = true
	cfg.Log = slog.New(slog.NewTextHandler(srv.Log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	if cfg.Shards == 0 {
		cfg.Shards = 4
	}
	if o.Listen == nil {
		o.Listen = []string{"udp:192.0.2.1:5060", "tcp:192.0.2.1:5060"}
	}
	for _, l := range o.Listen {
		spec, err := transport.ParseListen(l)
		if err != nil {
			t.Fatal(err)
		}
		cfg.Listen = append(cfg.Listen, spec)
	}
	seed := sha256.Sum256([]byte{o.Seed})
	seams := engine.Seams{Net: serverHost(s, o.Addr), Resolver: o.Names, Files: o.Files, Append: o.Append, Prompts: o.Prompts, Recordings: o.Records, Synthesize: o.Speak, SpeechCache: o.Spoken, Web: o.Web, Agents: o.Agents, Seed: &seed}
	if o.Relay != nil {
		srv.Relay = startRelay(t, serverHost(s, o.Addr), *o.Relay)
		seams.Media = srv.Relay
		if o.Late {
			seams.Media = lateBackend{srv.Relay}
		}
	}
	if o.Media != nil {
		seams.Media = o.Media
	}
	if o.Resolver != nil {
		seams.Resolver = o.Resolver
	}
	var err error
	if srv.Engine, err = engine.New(cfg, seams); err != nil {
		t.Fatal(err)
	}
	srv.Host, err = lua.NewHost(lua.Config{Script: "/scripts/main.lua", Engine: srv.Engine, Config: o.Config, Files: srv.script, Log: cfg.Log})
	if err != nil {
		srv.Engine.Close()
		t.Fatalf("script: %s", strings.Join(lua.Problems(err), "\n"))
	}
	return srv
}

// Change saves another source and reloads it.
func (s *Server) Change(source string) error {
	s.script.set(source)
	return s.Host.Reload(nil)
}

// Example is the source of a script that is shipped as an example.
func Example(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "scripts", "examples", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// file is a script that exists in memory only.
type file struct {
	mu     sync.Mutex
	source string
}

func (f *file) set(source string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.source = source
}

// ReadFile implements rt.Files.
func (f *file) ReadFile(path string) ([]byte, error) {
	if filepath.Base(path) != "main.lua" {
		return nil, fmt.Errorf("open %s: %w", path, os.ErrNotExist)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return []byte(f.source), nil
}

// Log collects what the server logs.
type Log struct {
	mu sync.Mutex
	b  strings.Builder
}

// Write implements io.Writer.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// String is all of it.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
