package scenario

import (
	"strings"
	"testing"
	"time"

	"github.com/sipscript/sipscript/engine/observe"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
)

// Whoever floods the server must not be able to flood its log.
func TestJunkIsOneLineInTheLog(t *testing.T) {
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		server := Start(t, s, ``, Options{})
		mallory := s.UA("mallory", "192.0.2.66:5060", sip.UDP)
		for range 5 {
			mallory.Send("OPTIONS sip:192.0.2.1 SIP/2.0\r\nVia: broken\r\nAuthorization: Digest response=\"5ecret\"\r\n\r\n")
		}
		time.Sleep(observe.SummaryEvery + time.Second)

		var summaries []string
		for line := range strings.Lines(server.Log.String()) {
			if strings.Contains(line, `msg="peer events"`) {
				summaries = append(summaries, line)
			}
		}
		if len(summaries) != 1 || !strings.Contains(summaries[0], "level=INFO") ||
			!strings.Contains(summaries[0], "kind=malformed count=5 total=5 source=192.0.2.66:5060") {
			t.Errorf("summaries:\n%s", strings.Join(summaries, ""))
		}
		if strings.Contains(server.Log.String(), "5ecret") {
			t.Error("a digest stands in the log")
		}
	})
}
