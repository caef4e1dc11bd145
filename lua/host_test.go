package lua

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
)

// saying is a script whose OPTIONS answer says this.
func saying(word string) string {
	return fmt.Sprintf("sip.on('OPTIONS', function(req) req:reply(200, %q) end)\n", word)
}

func TestBrokenScriptNeverGoesLive(t *testing.T) {
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		r := start(t, s, disk{"main.lua": saying("one")}, 2)
		alice := s.UA("alice", "192.0.2.10:5060", sip.UDP)
		for _, broken := range []struct {
			why, text string
			want      []string
		}{
			{"syntax", "local x = 1\nlocal y = = 2\n", []string{"main.lua:2: syntax error"}},
			{"raises while it loads", "local x\nx.y = 1\n", []string{"main.lua:2: "}},
			{"registers nothing known", "\nsip.on('OPTIONS')\n", []string{"main.lua:2: "}},
			{"waits while it loads", "\n\nsleep(1)\n", []string{"main.lua:3: "}},
			{"loops while it loads", "while true do end\n", []string{"main.lua:1: "}},
			{"requires what is not there", "require 'lost'\nrequire 'found'\n", []string{"main.lua:1: module 'lost'", "main.lua:2: module 'found'"}},
		} {
			wantProblems(t, r.save("main.lua", broken.text), broken.want...)
			if got := greeting(alice); got != "one" {
				t.Errorf("%s: answered %q, not by the version before", broken.why, got)
			}
		}
		r.change(saying("two"))
		if got := greeting(alice); got != "two" {
			t.Errorf("mended, it answered %q", got)
		}
		if line := "reloaded version=2 versions=1"; !strings.Contains(r.log.String(), line) {
			t.Errorf("no line with %q: broken versions have no number\n%s", line, r.log)
		}
	})
}

func TestAllErrorsOfAllFilesAreReportedAtOnce(t *testing.T) {
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		e := newEngine(t, s.Net, 1, newLogged())
		defer e.Close()
		err := Check(Config{Script: "/scripts/main.lua", Engine: e, Files: newMemory(disk{
			"main.lua":     "require 'lib.one'\nrequire 'lib.two'\nrequire 'three'\n",
			"lib/one.lua":  "return {\n",
			"lib/two.lua":  "\nend\n",
			"lib/fine.lua": "return 1",
		})})
		wantProblems(t, err, "lib/one.lua:1: ", "lib/two.lua:2: ", "main.lua:3: module 'three'")
	})
}

func TestUnchangedScriptIsNotReloaded(t *testing.T) {
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		r := start(t, s, disk{"main.lua": "require 'part'\n" + saying("one"), "part.lua": "return 1"}, 2)
		for range 3 {
			if err := r.host.Reload(nil); !errors.Is(err, ErrUnchanged) {
				t.Fatalf("reloading what has not changed: %v", err)
			}
		}
		wantProblems(t, r.save("part.lua", "return ="), "part.lua:1: ")
		if err := r.save("part.lua", "return 1"); !errors.Is(err, ErrUnchanged) {
			t.Errorf("reloading what is again as it was: %v", err)
		}
		if v := len(r.host.held()); v != 1 {
			t.Errorf("%d versions are held, want 1", v)
		}
	})
}

func TestChangedModuleMakesANewVersion(t *testing.T) {
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		r := start(t, s, disk{
			"main.lua": `
				local named, name = require "lib.named", "lib.computed"
				local computed = require(name)
				sip.on("OPTIONS", function(req) req:reply(200, named.word .. " " .. computed) end)`,
			"lib/named.lua":    `return { word = require "lib.deep" }`,
			"lib/deep.lua":     `return "one"`,
			"lib/computed.lua": `return "one"`,
		}, 2)
		alice := s.UA("alice", "192.0.2.10:5060", sip.UDP)
		for _, step := range []struct{ file, text, want string }{
			{"lib/deep.lua", `return "two"`, "two one"},
			{"lib/computed.lua", `return "two"`, "two two"}, // its name stands nowhere
			{"lib/named.lua", `return { word = "three" }`, "three two"},
		} {
			if got := greeting(alice); got == step.want {
				t.Fatalf("answered %q before %s was changed", got, step.file)
			}
			if err := r.save(step.file, step.text); err != nil {
				t.Fatalf("%s: %v", step.file, err)
			}
			if got := greeting(alice); got != step.want {
				t.Errorf("answered %q after %s was changed, want %q", got, step.file, step.want)
			}
		}
	})
}

// Not parallel: it counts the goroutines of the process.
func TestThousandReloadsLeaveNothingBehind(t *testing.T) {
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		script := func(i int) string {
			return fmt.Sprintf(`
				sip.on("OPTIONS", function(req) sleep(2) req:reply(200, "%d") end)
				sip.on_start(function() sleep(1) end)
				sip.every(0.5, function() sleep(0.1) end)
				sip.after(3600, function() end)`, i)
		}
		r := start(t, s, disk{"main.lua": script(0)}, 4)
		alice := s.UA("alice", "192.0.2.10:5060", sip.UDP)
		load := func(from, to int) {
			var asked []*sip.Message
			for i := from; i < to; i++ {
				r.change(script(i))
				if i%10 == 0 {
					asked = append(asked, alice.Request(sip.OPTIONS, "sip:192.0.2.1"))
				}
				time.Sleep(700 * time.Millisecond)
			}
			for _, req := range asked {
				if ok := alice.Final(req); ok.Status() != 200 {
					t.Errorf("%d: a reload has hurt a request", ok.Status())
				}
			}
			time.Sleep(time.Minute) // transactions and coroutines are over
			synctest.Wait()
		}
		load(1, 11)
		before, timers := runtime.NumGoroutine(), armed(r)
		load(11, 1011)
		if v := len(r.host.held()); v > 2 {
			t.Errorf("%d versions are held, want at most 2", v)
		}
		if after := runtime.NumGoroutine(); after > before+2 {
			t.Errorf("%d goroutines, after ten reloads %d", after, before)
		}
		if now := armed(r); now > timers {
			t.Errorf("%d timers, after ten reloads %d", now, timers)
		}
	})
}

// armed counts the timers of all shards.
func armed(r *rig) int {
	counts := make(chan int)
	n := 0
	for _, l := range r.engine.Shards() {
		l.Post(func() { counts <- l.Wheel().Len() })
		n += <-counts
	}
	return n
}

func TestWhatDoesNotStartLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		for _, text := range []string{"x =", "error('no')", "require 'nothing'", saying("fine")} {
			e := newEngine(t, s.Net, 4, newLogged())
			if h, err := NewHost(Config{Script: "/scripts/main.lua", Engine: e, Files: newMemory(disk{"main.lua": text})}); err == nil {
				h.Close()
			}
			e.Close()
		}
		// The port is taken.
		first := start(t, s, disk{"main.lua": saying("one")}, 2)
		e := newEngine(t, s.Net, 2, newLogged())
		h, err := NewHost(Config{Script: "/scripts/main.lua", Engine: e, Files: first.files})
		if err != nil {
			t.Fatal(err)
		}
		if err := e.Start(h); err == nil || !strings.Contains(err.Error(), "udp 192.0.2.1:5060") {
			t.Errorf("starting on a taken port: %v", err)
		}
		h.Stop()
		e.Close()
		h.Close()
	})
}

func TestHostEndsRightAfterItsStart(t *testing.T) {
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		for range 20 {
			e := newEngine(t, s.Net, 2, newLogged())
			h, err := NewHost(Config{Script: "/scripts/main.lua", Engine: e, Files: newMemory(disk{
				"main.lua": saying("one") + "sip.on_start(function() sleep(1) end)",
			})})
			if err != nil {
				t.Fatal(err)
			}
			if err := e.Start(h); err != nil {
				t.Fatal(err)
			}
			h.Start(false)
			h.Stop()
			e.Close()
			h.Close()
			if err := h.Reload(nil); err == nil {
				t.Error("a host that has ended reloads")
			}
		}
	})
}
