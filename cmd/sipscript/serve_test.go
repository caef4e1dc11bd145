package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sipscript/sipscript/cmd/sipscript/config"
	"github.com/sipscript/sipscript/engine"
	"github.com/sipscript/sipscript/engine/proxy"
	"github.com/sipscript/sipscript/lua"
)

// fake is engine and host in one: it writes down what is asked of it.
type fake struct {
	mu           sync.Mutex
	asked        []string
	calls        time.Duration // how long the calls in set-up take
	certificates error
	script       error
	settings     map[string]any
	registrar    engine.Registrar
	credentials  map[string]proxy.Credentials
	emergency    []string
}

func (f *fake) note(what string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, what)
}

func (f *fake) Refuse() { f.note("refuse") }

func (f *fake) Drain(timeout time.Duration, stop <-chan struct{}) {
	select {
	case <-time.After(min(f.calls, timeout)):
		f.note("drained")
	case <-stop:
		f.note("stopped")
	}
}

func (f *fake) SetRegistrar(r engine.Registrar) { f.registrar = r }

func (f *fake) SetCredentials(all map[string]proxy.Credentials) { f.credentials = all }

func (f *fake) SetEmergency(numbers []string) { f.emergency = numbers }

func (f *fake) ReopenRecords() { f.note("records") }

func (f *fake) ReloadCertificates() error {
	f.note("certificates")
	return f.certificates
}

func (f *fake) Reload(settings map[string]any) error {
	f.note("script")
	f.settings = settings
	return f.script
}

func (f *fake) Report(err error) { f.note("report " + err.Error()) }

// bench is a process on a fake, with the config file it would load next and the log it has written.
type bench struct {
	*process
	fake *fake
	path string
	log  *bytes.Buffer
}

func newBench(t *testing.T, text string) *bench {
	t.Helper()
	b := &bench{fake: &fake{}, path: write(t, "sipscript.yaml", text), log: new(bytes.Buffer)}
	var level slog.LevelVar
	load := func() (*config.Config, error) { return config.Load(b.path, config.Flags{}) }
	c, err := load()
	if err != nil {
		t.Fatal(err)
	}
	b.process = &process{server: b.fake, scripts: b.fake, config: c, files: newCertificateFiles(c.Engine.TLS), load: load, log: newLogger(b.log, "json", &level), level: &level}
	return b
}

func (b *bench) edit(t *testing.T, text string) {
	t.Helper()
	if err := os.WriteFile(b.path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// lines returns the log as "level msg key=… at=…" of those fields that are there.
func (b *bench) lines(t *testing.T) (lines []string) {
	t.Helper()
	for decoder := json.NewDecoder(b.log); decoder.More(); {
		var line struct{ Level, Msg, Key, At, Problem, Err, Signal string }
		if err := decoder.Decode(&line); err != nil {
			t.Fatal(err)
		}
		text := line.Level + " " + line.Msg
		for _, field := range [][2]string{{"key", line.Key}, {"at", line.At}, {"problem", line.Problem}, {"err", line.Err}, {"signal", line.Signal}} {
			if field[1] != "" {
				text += " " + field[0] + "=" + strings.ReplaceAll(field[1], b.path, "FILE")
			}
		}
		lines = append(lines, text)
	}
	return lines
}

func wantLines(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n%s\nwant:\n%s", what, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestSignalsEndTheServer(t *testing.T) {
	t.Parallel()
	type at struct {
		after  time.Duration
		signal os.Signal
	}
	for _, tc := range []struct {
		name    string
		calls   time.Duration
		signals []at
		ended   time.Duration // from the first signal
		asked   string
		log     []string
	}{
		{"SIGTERM without calls", 0, []at{{0, syscall.SIGTERM}}, 0, "drained",
			[]string{"info draining signal=terminated", "info stopped"}},
		{"SIGINT drains too", time.Second, []at{{0, syscall.SIGINT}}, time.Second, "drained",
			[]string{"info draining signal=interrupt", "info stopped"}},
		{"drain_timeout", time.Hour, []at{{0, syscall.SIGTERM}}, 7 * time.Second, "drained",
			[]string{"info draining signal=terminated", "info stopped"}},
		{"a second SIGTERM stops now", time.Hour, []at{{0, syscall.SIGTERM}, {time.Second, syscall.SIGTERM}}, time.Second, "stopped",
			[]string{"info draining signal=terminated", "info stopped before all calls were set up signal=terminated"}},
		{"SIGHUP while draining means nothing", time.Hour, []at{{0, syscall.SIGTERM}, {time.Second, syscall.SIGHUP}, {time.Second, syscall.SIGINT}}, 2 * time.Second,
			"stopped", []string{"info draining signal=terminated", "info stopped before all calls were set up signal=interrupt"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, "drain_timeout: 7\n")
			b.fake.calls = tc.calls
			synctest.Test(t, func(t *testing.T) {
				signals := make(chan os.Signal)
				go func() {
					for _, s := range tc.signals {
						time.Sleep(s.after)
						signals <- s.signal
					}
				}()
				start := time.Now()
				b.serve(signals)
				if got := time.Since(start); got != tc.ended {
					t.Errorf("ended after %v, want %v", got, tc.ended)
				}
			})
			wantLines(t, "asked", b.fake.asked, "refuse", tc.asked)
			wantLines(t, "log", b.lines(t), tc.log...)
		})
	}
}

func TestReloadTakesScriptCertificatesAndReloadableKeys(t *testing.T) {
	t.Parallel()
	b := newBench(t, "script: {a: 1}\n")
	b.edit(t, "script: {a: 2}\nlog: {level: warn}\nregistrar: {max_contacts: 3}\ndrain_timeout: 9\n"+
		"credentials: {trunk: {username: office, password: secret}}\nemergency: [112]\n")
	b.reload()
	wantLines(t, "asked", b.fake.asked, "records", "certificates", "script")
	wantLines(t, "log", b.lines(t), "info reloading")
	if b.fake.settings["a"] != 2.0 || b.fake.registrar.MaxContacts != 3 || b.config.DrainTimeout != 9*time.Second || b.level.Level() != slog.LevelWarn {
		t.Errorf("not all taken: settings %v, registrar %+v, drain timeout %v, level %v", b.fake.settings, b.fake.registrar, b.config.DrainTimeout, b.level)
	}
}

func TestReloadLeavesSettingsAloneThatHaveNotChanged(t *testing.T) {
	t.Parallel()
	b := newBench(t, "script: {a: [1, {b: x}]}\n")
	b.fake.script = lua.ErrUnchanged
	b.reload()
	if b.fake.settings != nil {
		t.Errorf("the script was given %v again: it would be a new version for nothing", b.fake.settings)
	}
	wantLines(t, "asked", b.fake.asked, "records", "certificates", "script")
	wantLines(t, "log", b.lines(t), "info reloading")
}

func TestReloadRefusesRestartKeysByName(t *testing.T) {
	t.Parallel()
	b := newBench(t, "shards: 1\n")
	b.edit(t, "shards: 2\nlisten: [\"udp:127.0.0.1:0\"]\nregistrar: {max_contacts: 3}\n")
	b.reload()
	wantLines(t, "log", b.lines(t), "info reloading",
		"warn this key needs a restart, its old value stays in force key=listen at=FILE:2",
		"warn this key needs a restart, its old value stays in force key=shards at=FILE:1")
	if b.fake.registrar.MaxContacts != 3 {
		t.Error("a refused key held back a reloadable one")
	}
}

func TestMistakesOnReloadHoldBackNothingElse(t *testing.T) {
	t.Parallel()
	b := newBench(t, "drain_timeout: 7\n")
	b.fake.certificates = errors.New("key does not fit")
	b.fake.script = errors.New("office.lua:3: syntax error")
	b.edit(t, "drain_timeout: 9\nshard: 2\n")
	b.reload()
	wantLines(t, "asked", b.fake.asked, "records", "certificates", "script", "report office.lua:3: syntax error")
	wantLines(t, "log", b.lines(t), "info reloading",
		"error the config is not reloaded, the one in force stays at=FILE:2 problem=unknown key shard, did you mean shards?",
		"error certificates are not reloaded, those in force stay err=key does not fit")
	if b.config.DrainTimeout != 7*time.Second {
		t.Error("a config with a mistake was taken in part")
	}

	b.fake.asked = nil
	b.edit(t, "drain_timeout: 9\n")
	b.reload()
	if b.config.DrainTimeout != 9*time.Second {
		t.Error("the mended config was not taken")
	}
}
