//go:build integration && linux

package integration

import (
	"strings"
	"testing"
	"time"
)

func TestCallsAt500PerSecond(t *testing.T) {
	s := start(t, office(t))
	sippLoad{scenario: "call", rate: 500, seconds: 20, caller: "alice", callee: "bob"}.begin(t, &s.site).flawless()
	noTrouble(t, s)
}

func TestOtherRequestsAt500PerSecond(t *testing.T) {
	s := start(t, office(t))
	for _, scenario := range []string{"register", "options", "message"} {
		t.Run(scenario, func(t *testing.T) {
			sippLoad{scenario: scenario, rate: 500, seconds: 4, caller: "alice", callee: "bob"}.begin(t, &s.site).flawless()
		})
	}
	noTrouble(t, s)
}

// A script that does not compile is saved in the middle of the load: nobody notices but the log.
func TestBrokenScriptSavedUnderLoadChangesNothing(t *testing.T) {
	set := office(t)
	s := start(t, set)
	calls := sippLoad{scenario: "call", rate: 500, seconds: 10, caller: "alice", callee: "bob"}.begin(t, &s.site)
	time.Sleep(2 * time.Second) // into the load
	broken := strings.TrimRight(set.script, "\n") + "\nthis is not Lua(\n"
	wantLine := strings.Count(broken, "\n")
	s.replaceScript(t, broken)
	complaint := s.log.await(t, 5*time.Second, "error about the broken script", func(l line) bool {
		return l.troubling() && strings.Contains(l.text, "script.lua:")
	})
	if !mentionsLine(complaint, "script.lua", wantLine) && !mentionsLine(complaint, "script.lua", wantLine+1) {
		t.Errorf("the log does not name line %d of the file: %s", wantLine, complaint.text)
	}
	calls.flawless()
	if reloads := s.log.matching(isReloaded); len(reloads) > 0 {
		t.Errorf("the broken script went live: %s", reloads[0].text)
	}
	if p := s.log.panics(); !s.alive() || len(p) > 0 {
		t.Errorf("the server is alive: %t; panics: %v", s.alive(), p)
	}
}

// noTrouble fails the test when the server has ended or has complained in its log.
func noTrouble(t *testing.T, s *server) {
	t.Helper()
	if !s.alive() {
		t.Error("the server has ended")
	}
	for i, l := range s.log.matching(line.troubling) {
		if i == 5 {
			break
		}
		t.Errorf("complaint in the log: %s", l.text)
	}
}
