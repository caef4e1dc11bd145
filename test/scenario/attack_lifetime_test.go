package scenario

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
)

// remembered is a script that puts aside whatever it can lay hands on, and looks at it later, when the messages have
// long been others.
const remembered = `
	local kept = {}
	sip.on("INVITE", function(req)
		local mine = { req = req }
		kept[#kept + 1] = mine
		mine.before = req.uri
		local result = req:proxy("` + toBob + `", { on_reply = config.hooked and function(reply, target)
			mine.reply = reply
			mine.contact = reply:header("Contact")
		end or nil, timeout = 10 })
		mine.result = result
		if config.waits then sleep(1) end
	end)
	sip.on("OPTIONS", function(req)
		local got = {}
		for _, k in ipairs(kept) do
			local r = k.result
			got[#got + 1] = table.concat({ k.req.method, k.req.call_id, tostring(k.req.uri), tostring(k.before), k.req.from.uri.user,
				k.req:header("Subject") or "-", r and r.code .. " " .. r.reason or "-", r and r.reply and r.reply.reason or "-",
				r and tostring(r.target) or "-", k.contact or "-", k.reply and k.reply.reason or "-" }, " | ")
		end
		req:reply(200, "OK", { body = table.concat(got, "\n") })
	end)`

func TestWhatAScriptPutsAsideStaysWhatItWas(t *testing.T) {
	for _, hooked := range []bool{false, true} {
		for _, waits := range []bool{false, true} {
			for _, code := range []int{200, 486} {
				o := Options{Config: map[string]any{"hooked": hooked, "waits": waits}}
				o.Engine.Shards = 1
				t.Run(fmt.Sprintf("%d, hooked %v, waits %v", code, hooked, waits), func(t *testing.T) {
					play(t, remembered, o, func(t *testing.T, s *siptest.Scene, srv *Server) {
						alice, bob := alice(s), bob(s)
						var want []string
						for range 3 {
							alice.Request(sip.INVITE, "sip:team@192.0.2.1", siptest.Header("Subject", "one of several"))
							invite := bob.Expect(sip.INVITE, soon)
							bob.Reply(invite, 180)
							alice.Expect("180", soon)
							bob.Reply(invite, code)
							if code == 200 {
								alice.ACK(alice.Expect("200", soon))
								bob.Expect(sip.ACK, soon)
							} else {
								bob.Expect(sip.ACK, soon)
								alice.ACK(alice.Expect("486", 2*time.Second))
							}
							want = append(want, "INVITE | "+invite.CallID()+" | sip:team@192.0.2.1 | sip:team@192.0.2.1 | alice | one of several")
							time.Sleep(2 * time.Second)
						}
						alice.Request(sip.OPTIONS, "sip:who@192.0.2.1")
						body := string(alice.Expect("200 OPTIONS", soon).Body())
						lines := strings.Split(body, "\n")
						for i, w := range want {
							if i >= len(lines) || !strings.HasPrefix(lines[i], w) || strings.Contains(lines[i], "\xdb") {
								t.Errorf("remembered %q, want %q", body, w)
							}
						}
					})
				})
			}
		}
	}
}
