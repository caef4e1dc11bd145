package scenario

import (
	"errors"
	"io"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sipscript/sipscript/engine/ivr"
	"github.com/sipscript/sipscript/sip"
)

// disk is a folder on a disk with troubles of its own.
type disk struct {
	ivr.Folder
	room      int           // bytes of each file that it has room for; 0: any
	slow      time.Duration // each operation takes
	stuck     time.Duration // writing sound takes
	create    error         // of Create
	keep      error         // of Keep
	seek      error         // of going back to the header
	unsettled *atomic.Int32 // drafts that were neither kept nor dropped
}

func (d disk) Create(name string) (ivr.Draft, error) {
	time.Sleep(d.slow)
	if d.create != nil {
		return nil, d.create
	}
	f, err := d.Folder.Create(name)
	if err == nil {
		d.unsettled.Add(1)
	}
	return &diskDraft{Draft: f, disk: d}, err
}

type diskDraft struct {
	ivr.Draft
	disk    disk
	written int
}

func (d *diskDraft) Write(p []byte) (int, error) {
	time.Sleep(d.disk.slow)
	if len(p) > 100 {
		time.Sleep(d.disk.stuck)
	}
	if d.written += len(p); d.disk.room > 0 && d.written > d.disk.room {
		return 0, syscall.ENOSPC
	}
	return d.Draft.Write(p)
}

func (d *diskDraft) Seek(offset int64, whence int) (int64, error) {
	if d.disk.seek != nil && whence == io.SeekStart && d.written > 100 {
		return 0, d.disk.seek
	}
	return d.Draft.Seek(offset, whence)
}

func (d *diskDraft) Keep() error {
	time.Sleep(d.disk.slow)
	d.disk.unsettled.Add(-1)
	if d.disk.keep != nil {
		d.Draft.Drop()
		return d.disk.keep
	}
	return d.Draft.Keep()
}

func (d *diskDraft) Drop() {
	d.disk.unsettled.Add(-1)
	d.Draft.Drop()
}

// Whatever a disk does: a script is told, goes on, and there is no file under the name that is not complete, nor any other.
func TestRecordingOnADiskInTrouble(t *testing.T) {
	t.Parallel()
	full := errors.New("no space left on device")
	for _, tt := range []struct {
		name, script string
		disk         disk
		said         string
		files        []string
	}{
		{"full at once", `record`, disk{room: 10}, "error", nil},
		{"full in the middle", `record`, disk{room: 20000}, "error", nil},
		{"full at the end", `record`, disk{keep: full}, "error", nil},
		{"the header cannot be completed", `record`, disk{seek: full}, "error", nil},
		{"no file can be made", `record`, disk{create: full}, "error", nil},
		{"slow", `record`, disk{slow: 3 * time.Second}, "limit 5", []string{"m.wav"}},
		{"too slow", `record`, disk{slow: 40 * time.Second}, "limit 5", []string{"m.wav"}},
		{"full, of a conversation", `converse`, disk{room: 20000}, "error", nil},
		{"header, of a conversation", `converse`, disk{seek: full}, "error", nil},
		{"too slow, of a long conversation", `long`, disk{stuck: 100 * time.Second}, "error the disk is too slow", nil},
	} {
		t.Run(strings.ReplaceAll(tt.name, " ", "_"), func(t *testing.T) {
			t.Parallel()
			var unsettled atomic.Int32
			d := desk{config: map[string]any{"act": tt.script}, around: func(f ivr.Folder) ivr.Folder {
				tt.disk.Folder, tt.disk.unsettled = f, &unsettled
				return tt.disk
			}}
			d.talk(t, inCall(`local acts = {
		record = function() return call:record("m.wav", { silence = 0, max_time = 5, beep = false }) end,
		converse = function() local r = call:start_recording("m.wav") sleep(5) return r:stop() end,
		long = function() local r = call:start_recording("m.wav") sleep(150) return r:stop() end,
	}
	local r, err = acts[config.act]()
	if err and not err.cause then log.info("without a cause") end
	log.info(r and (r.stopped_by or "stopped") .. " " .. r.duration or "error " .. err.message)
	call:play("tone:beep")
	log.info("goes on")`), func(m *meeting) {
				alice := m.callers[0]
				alice.call("ivr")
				alice.hums("300/1000", 300*time.Second)
				bye := alice.Expect(sip.BYE, 6*time.Minute)
				alice.Reply(bye, 200)
				time.Sleep(5 * time.Minute)
				synctest.Wait()
				if got := m.said(); !strings.HasPrefix(got, tt.said) || !strings.HasSuffix(got, "; goes on") || strings.Contains(got, "without") {
					m.t.Errorf("the script said %q, want %q", got, tt.said)
				}
				if got := files(m.t, m.records); !slices.Equal(got, tt.files) {
					m.t.Errorf("files %q, want %q", got, tt.files)
				}
				if n := unsettled.Load(); n != 0 {
					m.t.Errorf("%d drafts were neither kept nor dropped", n)
				}
			})
		})
	}
}

// A caller who hangs up does not wait for a slow disk, and the file is there in the end.
func TestHangUpWhileTheDiskIsSlow(t *testing.T) {
	t.Parallel()
	var unsettled atomic.Int32
	d := desk{around: func(f ivr.Folder) ivr.Folder { return disk{Folder: f, slow: 2 * time.Second, unsettled: &unsettled} }}
	d.talk(t, inCall(`log.info(call:record("m.wav", { silence = 0, beep = false }).stopped_by)`), func(m *meeting) {
		alice := m.callers[0]
		alice.call("ivr")
		time.Sleep(8 * time.Second)
		alice.leaves()
		if got := files(m.t, m.records); len(got) != 1 || !strings.HasSuffix(got[0], ".part") {
			m.t.Errorf("files %q while it is written", got)
		}
		time.Sleep(20 * time.Second)
		m.wantSaid("caller")
		if got := files(m.t, m.records); !slices.Equal(got, []string{"m.wav"}) {
			m.t.Errorf("files %q", got)
		}
	})
}

// A version of the script that is replaced, gracefully or by force, takes its recordings along.
func TestReloadInTheMiddleOfEachVerb(t *testing.T) {
	t.Parallel()
	for _, verb := range []string{
		`call:play("tone:500/4000;once")`, `call:gather { timeout = 4 }`, `call:gather { prompt = "tone:500/4000;once", timeout = 1 }`, `call:say("hello")`,
		`call:record("m.wav", { silence = 0, max_time = 4 })`, `call:start_recording("m.wav") sleep(4)`, `call:music("tone:500/1000") sleep(4)`,
	} {
		t.Run(verb[5:9], func(t *testing.T) {
			t.Parallel()
			for _, forced := range []bool{false, true} {
				desk{callers: 3}.talk(t, inCall(`defer(function() log.info("deferred") end) `+verb+` log.info("over")`), func(m *meeting) {
					alice := m.callers[0]
					m.carol = m.callers[2].UA
					m.carol.AutoReply(200)
					alice.call("ivr")
					time.Sleep(2200 * time.Millisecond)
					want := "over; deferred"
					if forced {
						m.supersede()
						want = "deferred"
					} else if err := m.Change(`sip.on("INVITE", function(req) req:reply(480) end)`); err != nil {
						m.t.Fatal(err)
					}
					alice.Reply(alice.Expect(sip.BYE, 10*time.Second), 200)
					time.Sleep(30 * time.Second)
					if got := m.said(); got != want && (!forced || !strings.HasSuffix(got, want)) {
						m.t.Errorf("forced %v: the script said %q, want %q", forced, got, want)
					}
					if got := files(m.t, m.records); strings.Contains(verb, "m.wav") != slices.Equal(got, []string{"m.wav"}) {
						m.t.Errorf("forced %v: files %q", forced, got)
					}
				})
			}
		})
	}
}
