package cdr

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestRecordEndsOnce(t *testing.T) {
	t.Parallel()
	counts := NewCounts()
	var told []string
	start := time.Unix(1000, 0)
	r := New(counts, "c1", start, func(r *Record) { told = append(told, r.EndedBy) })
	for range 2 {
		if !r.Limit("user:alice", 1) {
			t.Fatal("a call counts once under a key, however often it is asked")
		}
	}
	other := New(counts, "c2", start, nil)
	if other.Limit("user:alice", 1) {
		t.Error("a second call got under a limit of one")
	}
	if n := counts.Up("user:alice"); n != 1 {
		t.Errorf("%d calls up, want 1", n)
	}
	r.Answered = start.Add(2 * time.Second)
	r.End(start.Add(5*time.Second), ByCallee)
	r.End(start.Add(9*time.Second), ByCaller)
	r.Drop(start.Add(9 * time.Second))
	if len(told) != 1 || told[0] != ByCallee || r.Duration() != 3*time.Second {
		t.Errorf("told %v after %s, want once, of the callee's end after 3 s", told, r.Duration())
	}
	if n := counts.Up("user:alice"); n != 0 || len(counts.up) != 0 {
		t.Errorf("%d calls up after the end, and %d keys in memory", n, len(counts.up))
	}
	if r.Limit("user:alice", 1) || !other.Limit("user:alice", 1) {
		t.Error("a call that is over counts, or still keeps another out")
	}
	other.Drop(start)
	if n := counts.Up("user:alice"); n != 0 {
		t.Errorf("%d calls up after a record was dropped", n)
	}
}

func TestLimitsHoldOverManyGoroutines(t *testing.T) {
	t.Parallel()
	counts := NewCounts()
	var taken, wait sync.WaitGroup
	granted := make(chan *Record, 64)
	for range 8 {
		taken.Go(func() {
			for range 8 {
				if r := New(counts, "", time.Time{}, nil); r.Limit("k", 10) {
					granted <- r
				}
			}
		})
	}
	taken.Wait()
	close(granted)
	if n := len(granted); n != 10 || counts.Up("k") != 10 {
		t.Fatalf("%d calls got in and %d are up, want 10", n, counts.Up("k"))
	}
	for r := range granted {
		wait.Go(func() { r.End(time.Unix(1, 0), ByCaller) })
	}
	wait.Wait()
	if n := counts.Up("k"); n != 0 {
		t.Errorf("%d calls up after all have ended", n)
	}
}

func TestVarsAreCopies(t *testing.T) {
	t.Parallel()
	r := New(nil, "c", time.Time{}, nil)
	r.SetVar("a", "x")
	r.SetVar("b", 2.0)
	all := r.Vars()
	r.SetVar("a", nil)
	if len(all) != 2 || r.Var("a") != nil || r.Var("b") != 2.0 || r.Writes() != 3 {
		t.Errorf("copy %v, now %v after %d writes", all, r.Vars(), r.Writes())
	}
}

func ended() *Record {
	start := time.Date(2026, 1, 2, 3, 4, 5, 600e6, time.UTC)
	r := New(nil, "abc", start, nil)
	r.CallIDs = []string{"a@x", "b@y"}
	r.From, r.To, r.URI, r.User, r.Source, r.Target = "sip:alice@x", "sip:bob@x", "sip:bob@x", "alice", "udp:192.0.2.10:5060", "sip:bob@192.0.2.20"
	r.Code, r.Cause, r.Q850 = 200, "answered", 16
	r.Answered = start.Add(time.Second)
	r.Media = []Media{{Leg: ByCaller, Received: Stream{Packets: 50, Bytes: 8600, Lost: 1, Jitter: 2500 * time.Microsecond}, MOS: 4.321}}
	r.SetVar("account", "7")
	r.SetVar("tags", []any{"x", 1.0})
	r.End(start.Add(62500*time.Millisecond), ByCallee)
	return r
}

func TestLineIsOneJSONObject(t *testing.T) {
	t.Parallel()
	const want = `{"id":"abc","call_id":"a@x","call_ids":["a@x","b@y"],"from":"sip:alice@x","to":"sip:bob@x","uri":"sip:bob@x","user":"alice",` +
		`"source":"udp:192.0.2.10:5060","target":"sip:bob@192.0.2.20","started":"2026-01-02T03:04:05.600Z","answered":"2026-01-02T03:04:06.600Z",` +
		`"ended":"2026-01-02T03:05:08.100Z","duration":61.5,"code":200,"cause":"answered","q850":16,"ended_by":"callee",` +
		`"media":[{"leg":"caller","received":{"packets":50,"bytes":8600,"lost":1,"jitter":0.003},"sent":{"packets":0,"bytes":0,"lost":0,"jitter":0},"mos":4.32}],` +
		`"vars":{"account":"7","tags":["x",1]}}` + "\n"
	if got := string(ended().Line()); got != want {
		t.Errorf("got  %swant %s", got, want)
	}
}

func TestWhatJSONCannotSayCostsTheVarsAlone(t *testing.T) {
	t.Parallel()
	r := ended()
	r.SetVar("bad", make(chan int))
	var got map[string]any
	if err := json.Unmarshal(r.Line(), &got); err != nil {
		t.Fatal(err)
	}
	if got["call_id"] != "a@x" || got["vars"].(map[string]any)["error"] == nil {
		t.Errorf("got %v", got)
	}
}

// disk is a file system that can fill up.
type disk struct {
	mu     sync.Mutex
	files  map[string]*strings.Builder
	room   int // bytes; -1 without bound
	opens  int
	broken error // of opening
}

func (d *disk) open(path string) (io.WriteCloser, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.opens++
	if d.broken != nil {
		return nil, d.broken
	}
	if d.files[path] == nil {
		d.files[path] = &strings.Builder{}
	}
	return &handle{d, d.files[path]}, nil
}

func (d *disk) set(room int, broken error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.room, d.broken = room, broken
}

func (d *disk) text(path string) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.files[path].String()
}

type handle struct {
	d *disk
	b *strings.Builder
}

var errFull = errors.New("no space left on device")

func (h *handle) Write(p []byte) (int, error) {
	h.d.mu.Lock()
	defer h.d.mu.Unlock()
	if h.d.room >= 0 && len(p) > h.d.room {
		n, _ := h.b.Write(p[:h.d.room])
		h.d.room = 0
		return n, errFull
	}
	if h.d.room >= 0 {
		h.d.room -= len(p)
	}
	return h.b.Write(p)
}

func (h *handle) Close() error { return nil }

type lockedLog struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lockedLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// writing runs f with a File on a disk.
func writing(t *testing.T, f func(d *disk, file *File, log *lockedLog)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d, log := &disk{files: map[string]*strings.Builder{}, room: -1}, &lockedLog{}
		file, err := Open("cdr", d.open, slog.New(slog.NewTextHandler(log, nil)))
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		f(d, file, log)
	})
}

func TestFullDiskSendsRecordsToTheLogAndSaysSoOnce(t *testing.T) {
	writing(t, func(d *disk, file *File, log *lockedLog) {
		file.Write([]byte("one\n"))
		synctest.Wait()
		d.set(2, nil)
		for _, line := range []string{"two\n", "three\n"} {
			file.Write([]byte(line))
			synctest.Wait()
		}
		if n := strings.Count(log.String(), "level=ERROR"); n != 1 {
			t.Errorf("said %d times that the disk is full, want once:\n%s", n, log)
		}
		for _, want := range []string{"record=two", "record=three"} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("no %s in the log:\n%s", want, log)
			}
		}
		d.set(-1, nil)
		file.Write([]byte("four\n"))
		synctest.Wait()
		if got, want := d.text("cdr"), "one\ntw\nfour\n"; got != want {
			t.Errorf("file has %q, want %q: what follows a torn line can be read", got, want)
		}
		if !strings.Contains(log.String(), "written to the file again") || !strings.Contains(log.String(), "in_log=2") {
			t.Errorf("nobody said that the disk takes lines again:\n%s", log)
		}
		d.set(0, nil)
		file.Write([]byte("five\n"))
		synctest.Wait()
		if n := strings.Count(log.String(), "level=ERROR"); n != 2 {
			t.Errorf("a new burst is said %d times in all, want 2", n)
		}
	})
}

func TestReopenFollowsTheName(t *testing.T) {
	writing(t, func(d *disk, file *File, log *lockedLog) {
		file.Write([]byte("old\n"))
		synctest.Wait()
		d.mu.Lock()
		d.files["cdr.1"] = d.files["cdr"]
		delete(d.files, "cdr")
		d.mu.Unlock()
		file.Write([]byte("still old\n"))
		file.Reopen()
		synctest.Wait()
		d.set(-1, os.ErrPermission)
		file.Write([]byte("lost\n"))
		synctest.Wait()
		d.set(-1, nil)
		file.Write([]byte("new\n"))
		synctest.Wait()
		if got := d.text("cdr.1"); got != "old\nstill old\n" {
			t.Errorf("the moved file has %q", got)
		}
		if got := d.text("cdr"); got != "new\n" {
			t.Errorf("the new file has %q", got)
		}
		if !strings.Contains(log.String(), "record=lost") {
			t.Errorf("a line that no file took is not in the log:\n%s", log)
		}
	})
}

func TestCloseWritesWhatIsQueued(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "cdr.json")
	file, err := Open(path, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	want := make([]string, 100)
	for i := range want {
		want[i] = strings.Repeat("x", i) + "\n"
		file.Write([]byte(want[i]))
	}
	file.Close()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := slices.Collect(strings.Lines(string(b))); !slices.Equal(got, want) {
		t.Errorf("the file has %d lines, want %d in order", len(got), len(want))
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm()&0o007 != 0 {
		t.Errorf("mode %v, %v: others can read who called whom", info.Mode(), err)
	}
}

func TestFileThatCannotBeOpenedIsAnError(t *testing.T) {
	t.Parallel()
	if _, err := Open(filepath.Join(t.TempDir(), "missing", "cdr"), nil, slog.New(slog.DiscardHandler)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, want that the folder does not exist", err)
	}
}

func TestLinesThatFindNoRoomGoToTheLog(t *testing.T) {
	t.Parallel()
	log := &lockedLog{}
	f := &File{wake: make(chan struct{}, 1), log: slog.New(slog.NewTextHandler(log, nil)), lines: make([]byte, mostWaiting)}
	f.Write([]byte("late\n"))
	if !strings.Contains(log.String(), "record=late") || len(f.lines) != mostWaiting {
		t.Errorf("a line beyond the bound is queued or lost:\n%s", log)
	}
}
