package scenario

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
)

// keys are the telephone-events that have come, in order.
func (p *party) keys() string {
	p.t.Helper()
	synctest.Wait()
	var b strings.Builder
	begun := uint32(0)
	for _, packet := range p.Packets() {
		if packet.Payload == 101 && len(packet.Body) == 4 && (b.Len() == 0 || packet.Timestamp != begun) {
			begun = packet.Timestamp
			b.WriteByte("0123456789*#ABCD"[packet.Body[0]])
		}
	}
	return b.String()
}

// Digits go as events where these were agreed on, as tones where not, in INFO where the script says so.
func TestDigitsAreSent(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, formats, options string
		events, tones          bool
	}{
		{"events", "0 PCMU/8000, 101 telephone-event/8000", "", true, false},
		{"tones", "0 PCMU/8000", "", false, true},
		{"info", "0 PCMU/8000, 101 telephone-event/8000", `, { method = "info" }`, false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			gather(t, 1, fmt.Sprintf(`sip.on("INVITE", function(req)
	local call = req:answer()
	log.info(tostring(call:send_dtmf("12w2#"%s)))
	sleep(1)
end)`, tt.options), func(m *meeting) {
				alice := m.callers[0]
				alice.Request(sip.INVITE, "sip:x@192.0.2.1", siptest.Body("application/sdp", string(alice.Describe(tt.formats))))
				alice.comes()
				if !tt.events && !tt.tones {
					for _, digit := range "122#" {
						info := alice.Expect("INFO", time.Second)
						if !strings.Contains(string(info.Body()), fmt.Sprintf("Signal=%c", digit)) {
							t.Errorf("INFO with %s, want %c", info.Body(), digit)
						}
						alice.Reply(info, 200)
					}
				}
				alice.Reply(alice.Expect("BYE", 4*time.Second), 200)
				want := ""
				if tt.events {
					want = "122#"
				}
				if got := alice.keys(); got != want {
					t.Errorf("events %q, want %q", got, want)
				}
				if got := alice.Has(0, 200*time.Millisecond, 697, 1209); got != tt.tones {
					t.Errorf("heard the tones of 1: %v", got)
				}
				m.wantSaid("true")
			})
		})
	}
}
