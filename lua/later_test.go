package lua

import (
	"strings"
	"testing"
	"time"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
)

// later is a script whose handlers put something off.
const later = `
	sip.on("MESSAGE", function(req)
		sip.after(20, function() log.info("late", { said = "WORD" }) end)
		req:reply(202)
	end)`

func TestWhatAHandlerPutOffIsDoneByItsVersionOnEveryShard(t *testing.T) {
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		r := start(t, s, disk{"main.lua": strings.ReplaceAll(later, "WORD", "one")}, 4)
		alice := s.UA("alice", "192.0.2.10:5060", sip.UDP)
		const calls = 16 // on all shards, the first one too
		for range calls {
			alice.Final(ask(alice, sip.MESSAGE))
		}
		r.change(strings.ReplaceAll(later, "WORD", "two"))
		time.Sleep(30 * time.Second)
		if n := strings.Count(r.log.String(), "said=one"); n != calls {
			t.Errorf("%d of %d were done after a reload", n, calls)
		}
		if held := r.host.held(); len(held) != 1 {
			t.Errorf("versions %v are held when all is done", held)
		}
	})
}

func TestWhatAHandlerPutOffForTooLongEndsWithItsVersion(t *testing.T) {
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		r := start(t, s, disk{"main.lua": strings.ReplaceAll(later, "20", "86400")}, 4)
		alice := s.UA("alice", "192.0.2.10:5060", sip.UDP)
		alice.Final(ask(alice, sip.MESSAGE))
		r.change(strings.ReplaceAll(later, "WORD", "two"))
		if held := r.host.held(); len(held) != 2 {
			t.Errorf("versions %v are held while one has something to do", held)
		}
		time.Sleep(longestLife + grace + time.Second)
		if held := r.host.held(); len(held) != 1 {
			t.Errorf("versions %v are held", held)
		}
	})
}
