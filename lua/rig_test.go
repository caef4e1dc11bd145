package lua

import (
	"bytes"
	"errors"
	"io/fs"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sipscript/sipscript/engine"
	"github.com/sipscript/sipscript/lua/rt"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
	"github.com/sipscript/sipscript/sip/transport"
)

// rig is a server whose script lies in memory.
type rig struct {
	t      *testing.T
	engine *engine.Engine
	host   *Host
	log    *logged
	files  *memory
}

// disk is a folder of scripts for a rig: names and their texts.
type disk map[string]string

// start runs a server with this script, main.lua and what it requires, on the scene's network.
func start(t *testing.T, s *siptest.Scene, scripts disk, shards int) *rig {
	t.Helper()
	r := &rig{t: t, log: newLogged(), files: newMemory(scripts)}
	r.engine = newEngine(t, s.Net, shards, r.log)
	var err error
	r.host, err = NewHost(Config{Script: "/scripts/main.lua", Engine: r.engine, Files: r.files, Log: slog.New(slog.NewTextHandler(r.log, nil))})
	if err != nil {
		r.engine.Close()
		t.Fatal(Problems(err))
	}
	if err := r.engine.Start(r.host); err != nil {
		t.Fatal(err)
	}
	r.host.Start(false)
	t.Cleanup(func() {
		r.host.Stop()
		r.engine.Close()
		r.host.Close()
		if t.Failed() {
			t.Log(r.log)
		}
	})
	synctest.Wait()
	return r
}

func newEngine(t *testing.T, n *siptest.Network, shards int, log *logged) *engine.Engine {
	t.Helper()
	listen, err := transport.ParseListen("udp:192.0.2.1:5060")
	if err != nil {
		t.Fatal(err)
	}
	e, err := engine.New(engine.Config{
		Listen: []transport.ListenSpec{listen}, Shards: shards, Fragile: true, Log: slog.New(slog.NewTextHandler(log, nil)),
	}, engine.Seams{Net: n.Host(netip.MustParseAddr("192.0.2.1")), Seed: &[32]byte{1}})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// save replaces a file and reloads.
func (r *rig) save(name, text string) error {
	r.files.set(name, text)
	return r.host.Reload(nil)
}

// change is save for a text that is new and sound.
func (r *rig) change(text string) {
	r.t.Helper()
	if err := r.save("main.lua", text); err != nil {
		r.t.Fatal(Problems(err))
	}
}

// greeting asks the server for an OPTIONS, whose reason phrase says which version has answered.
func greeting(u *siptest.UA) string {
	return u.Final(u.Request(sip.OPTIONS, "sip:192.0.2.1")).Reason()
}

// memory is a file system in memory.
type memory struct {
	mu    sync.Mutex
	texts disk
}

var _ rt.Files = (*memory)(nil)

func newMemory(texts disk) *memory { return &memory{texts: texts} }

func (m *memory) set(name, text string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.texts[name] = text
}

func (m *memory) ReadFile(path string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	text, ok := m.texts[strings.TrimPrefix(path, "/scripts/")]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
	return []byte(text), nil
}

// logged collects log lines.
type logged struct {
	mu    sync.Mutex
	all   bytes.Buffer
	lines chan string // each line as it comes, while there is room
}

func newLogged() *logged { return &logged{lines: make(chan string, 1000)} }

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case l.lines <- string(p):
	default:
	}
	return l.all.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.String()
}

// await waits for a line with these words. Not in a bubble: it waits for real.
func (l *logged) await(t *testing.T, words string) string {
	t.Helper()
	timeout := time.NewTimer(20 * time.Second)
	defer timeout.Stop()
	for {
		select {
		case line := <-l.lines:
			if strings.Contains(line, words) {
				return line
			}
		case <-timeout.C:
			t.Fatalf("no line with %q in\n%s", words, l)
		}
	}
}

// wantProblems fails the test unless err reports exactly these problems.
func wantProblems(t *testing.T, err error, want ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want %q", want)
	}
	if errors.Is(err, ErrUnchanged) {
		t.Fatalf("nothing was tried, want %q", want)
	}
	got := Problems(err)
	ok := len(got) == len(want)
	for i := range min(len(got), len(want)) {
		ok = ok && strings.HasPrefix(got[i], want[i])
	}
	if !ok {
		t.Errorf("problems\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}
