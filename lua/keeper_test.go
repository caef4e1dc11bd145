package lua

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sipscript/sipscript/lua/rt"
	"github.com/sipscript/sipscript/sip/siptest"
)

// These tests watch real folders and so wait for real, each time for a line in the log.

// kept is a server whose script lies in a real folder and is watched.
type kept struct {
	t    *testing.T
	dir  string
	host *Host
	log  *logged
}

// keep runs a server with the script main.lua of a folder. It looks at the files by itself every so often; an hour
// leaves that to the watch.
func keep(t *testing.T, dir string, files rt.Files, look time.Duration) *kept {
	t.Helper()
	k := &kept{t: t, dir: dir, log: newLogged()}
	n := siptest.NewNetwork(1, siptest.Options{})
	e := newEngine(t, n, 2, k.log)
	h, err := NewHost(Config{Script: filepath.Join(dir, "main.lua"), Engine: e, Files: files, Log: slog.New(slog.NewTextHandler(k.log, nil))})
	if err != nil {
		e.Close()
		t.Fatal(Problems(err))
	}
	h.lookEvery = look
	if err := e.Start(h); err != nil {
		t.Fatal(err)
	}
	h.Start(true)
	// Reload answers when the keeper has begun to watch: what is written from now on cannot be missed.
	if err := h.Reload(nil); err != ErrUnchanged {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Stop(); e.Close(); h.Close(); n.Close() })
	k.host = h
	return k
}

// becomes waits until a version is live.
func (k *kept) becomes(version int) {
	k.t.Helper()
	k.log.await(k.t, fmt.Sprintf("msg=reloaded version=%d ", version))
}

// breaks waits until a problem is reported.
func (k *kept) breaks(problem string) {
	k.t.Helper()
	line := k.log.await(k.t, "the old version stays in force")
	if !strings.Contains(line, problem) {
		k.t.Errorf("reported %s, want %q", line, problem)
	}
}

// write makes a file and its folder. Nobody sees half of it.
func write(t *testing.T, text string, path ...string) {
	t.Helper()
	name := filepath.Join(path...)
	must(t, os.MkdirAll(filepath.Dir(name), 0o755))
	must(t, os.WriteFile(name+".tmp", []byte(text), 0o644))
	must(t, os.Rename(name+".tmp", name))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestSavedScriptIsTakenUp(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		editor string
		save   func(t *testing.T, dir, text string)
	}{
		{"writes the file in place", func(t *testing.T, dir, text string) {
			must(t, os.WriteFile(filepath.Join(dir, "main.lua"), []byte(text), 0o644))
		}},
		{"renames a new file over it", func(t *testing.T, dir, text string) { write(t, text, dir, "main.lua") }},
		{"moves the old one away first", func(t *testing.T, dir, text string) {
			must(t, os.Rename(filepath.Join(dir, "main.lua"), filepath.Join(dir, "main.lua~")))
			write(t, text, dir, "main.lua")
		}},
		{"deletes it first", func(t *testing.T, dir, text string) {
			must(t, os.Remove(filepath.Join(dir, "main.lua")))
			write(t, text, dir, "main.lua")
		}},
	} {
		t.Run(test.editor, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			write(t, saying("1"), dir, "main.lua")
			k := keep(t, dir, nil, time.Hour)
			for version := 2; version <= 4; version++ {
				test.save(t, dir, saying(fmt.Sprint(version)))
				k.becomes(version)
			}
		})
	}
}

// Kubernetes shows a ConfigMap as links through a link to a folder, and renames another link over that one.
func TestSwappedConfigMapIsTakenUp(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	publish := func(name, text string) {
		write(t, text, dir, name, "main.lua")
		must(t, os.Symlink(name, filepath.Join(dir, "..data_tmp")))
		must(t, os.Rename(filepath.Join(dir, "..data_tmp"), filepath.Join(dir, "..data")))
	}
	publish("..2026_01", saying("1"))
	must(t, os.Symlink("..data/main.lua", filepath.Join(dir, "main.lua")))
	k := keep(t, dir, nil, time.Hour)
	for version := 2; version <= 4; version++ {
		publish(fmt.Sprintf("..2026_%02d", version), saying(fmt.Sprint(version)))
		must(t, os.RemoveAll(filepath.Join(dir, fmt.Sprintf("..2026_%02d", version-1))))
		k.becomes(version)
	}
}

func TestBrokenFileIsReportedOnceAndMended(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, "require 'lib.part'\n"+saying("1"), dir, "main.lua")
	write(t, "return 1", dir, "lib", "part.lua")
	k := keep(t, dir, nil, time.Hour)

	write(t, "return {", dir, "lib", "part.lua")
	k.breaks("lib/part.lua:1: ")
	for range 3 { // touched, and as broken as before
		write(t, "return {", dir, "lib", "part.lua")
		time.Sleep(quiet / 2)
	}
	write(t, "\n\nreturn {", dir, "lib", "part.lua")
	k.breaks("lib/part.lua:3: ")
	write(t, "return 1", dir, "lib", "part.lua")
	k.log.await(t, "again what it was")
	write(t, "return 2", dir, "lib", "part.lua")
	k.becomes(2)
	if n := strings.Count(k.log.String(), "the old version stays in force"); n != 2 {
		t.Errorf("%d problems were reported, want 2:\n%s", n, k.log)
	}
}

func TestScriptThatRaisesWhileItLoadsIsReportedOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, saying("1"), dir, "main.lua")
	k := keep(t, dir, nil, time.Hour)
	write(t, "\nerror('not today')", dir, "main.lua")
	k.breaks("main.lua:2: not today")
	write(t, "\nerror('not today')", dir, "main.lua")
	time.Sleep(quiet)
	write(t, saying("2"), dir, "main.lua")
	k.becomes(2)
	if n := strings.Count(k.log.String(), "not today"); n != 1 {
		t.Errorf("it was reported %d times:\n%s", n, k.log)
	}
}

func TestModuleThatWasMissingIsWaitedFor(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, saying("1"), dir, "main.lua")
	k := keep(t, dir, nil, time.Hour)
	write(t, "require 'lib.deep.part'\n"+saying("2"), dir, "main.lua")
	k.breaks("main.lua:1: module 'lib.deep.part' not found")
	write(t, "return 1", dir, "lib", "deep", "part.lua")
	k.becomes(2)
	write(t, "return 2", dir, "lib", "deep", "part.lua")
	k.becomes(3)
}

func TestReplacedFolderIsWatchedAgain(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "scripts")
	write(t, saying("1"), dir, "main.lua")
	k := keep(t, dir, nil, time.Hour)

	must(t, os.RemoveAll(dir))
	k.breaks("main.lua: ")
	write(t, saying("2"), dir, "main.lua")
	k.becomes(2)

	write(t, saying("3"), dir+".new", "main.lua")
	must(t, os.Rename(dir, dir+".old"))
	must(t, os.Rename(dir+".new", dir))
	k.becomes(3)
	write(t, saying("4"), dir, "main.lua")
	k.becomes(4)
}

func TestFolderThatIsWrittenAllTheTimeDoesNotHideAChange(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, saying("1"), dir, "main.lua")
	k := keep(t, dir, nil, time.Hour)
	quit, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for i := 0; ; i++ {
			select {
			case <-quit:
				return
			case <-time.After(quiet / 10):
				_ = os.WriteFile(filepath.Join(dir, "calls.log"), fmt.Append(nil, i), 0o644)
			}
		}
	}()
	defer func() { close(quit); <-ended }()
	write(t, saying("2"), dir, "main.lua")
	k.becomes(2)
}

func TestFilesThatNobodyTellsOfAreLookedAt(t *testing.T) {
	t.Parallel()
	files := newMemory(disk{"main.lua": saying("1")})
	k := keep(t, "/scripts", files, 10*time.Millisecond)
	files.set("main.lua", "sip =")
	k.breaks("main.lua:1: ")
	files.set("main.lua", saying("2"))
	k.becomes(2)
}
