package proxy

import (
	"testing"
	"time"

	"github.com/sipscript/sipscript/sip"
)

// What a call costs that nobody tracks must not grow with what tracked ones can do.
func TestAnAnsweredInviteAllocatesNoMoreThanItDid(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	const runs, most = 500, 48 // bytes, fields, transactions, context, fork, branch and attempt, and what the rig keeps
	r := newRig(t)
	messages := make([]*sip.Message, runs+1) // one to warm up
	for i := range messages {
		messages[i] = r.request("INVITE", i)
	}
	next := 0
	got := testing.AllocsPerRun(runs, func() {
		r.fork(messages[next], Options{}, func(Result) {}, "sip:bob@192.0.2.20")
		r.answer(180)
		r.answer(200)
		next++
	})
	if got > most {
		t.Errorf("%v allocations for INVITE, 180 and 200, want at most %d", got, most)
	}
	r.pass(time.Minute)
}
