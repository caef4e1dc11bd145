package scenario

import (
	"strings"
	"testing"

	"github.com/sipscript/sipscript/engine"
	"github.com/sipscript/sipscript/sip/siptest"
)

// offered is a body of a request.
func offered(kind, text string) []siptest.Option {
	return []siptest.Option{siptest.Body(kind, strings.ReplaceAll(text, "\n", "\r\n"))}
}

const offer = `v=0
o=- 1 1 IN IP4 192.0.2.10
s=-
c=IN IP4 192.0.2.10
t=0 0
m=audio 4000 RTP/AVP 8 96 101
a=rtpmap:96 opus/48000/2
a=fmtp:96 useinbandfec=1
a=rtpmap:101 telephone-event/8000
a=sendonly
m=video 0 RTP/AVP 97
c=IN IP6 2001:db8::1
a=rtpmap:97 VP8/90000
m=image 4004 udptl t38
`

func TestDescriptionOfARequest(t *testing.T) {
	mixed := "--x\nContent-Type: application/sdp\n\n" + offer + "\n--x\nContent-Type: text/plain\n\nhello\n--x--\n"
	returns(t, Options{}, []example{
		{"local m = req.sdp.media return #m, m[1].kind, m[1].port, m[1].proto, m[1].direction, m[1].address", "3 audio 4000 RTP/AVP sendonly 192.0.2.10", offered("application/sdp", offer)},
		{"local c = req.sdp.media[1].codecs return #c, c[1].payload, c[1].name, c[1].rate, c[1].channels, c[1].fmtp", "3 8 PCMA 8000 1 nil", offered("application/sdp", offer)},
		{"local c = req.sdp.media[1].codecs[2] return c.payload, c.name, c.rate, c.channels, c.fmtp", "96 opus 48000 2 useinbandfec=1", offered("application/sdp", offer)},
		{"local m = req.sdp.media[2] return m.kind, m.port, m.direction, m.address, m.codecs[1].name", "video 0 sendrecv 2001:db8::1 VP8", offered("application/sdp", offer)},
		{"local m = req.sdp.media[3] return m.kind, m.proto, m.codecs[1].name, m.codecs[1].payload", "image udptl t38 nil", offered("application/sdp", offer)},
		{"local n = 0 for _, m in ipairs(req.sdp.media) do n = n + #m.codecs end return n, req.sdp == req.sdp", "5 true", offered("application/sdp", offer)},
		{"return req.sdp.media[1].port", "4000", offered("multipart/mixed;boundary=x", mixed)},
		{"return req.sdp", "nil", nil},
		{"return req.sdp", "nil", offered("application/sdp", "m=audio\n")},
		{"return req.sdp", "nil", offered("text/plain", offer)},
		{"return (select(2, pcall(function() req.sdp.media[1].port = 1 end)):match(\"attempt.*\"))", "attempt to write field 'port' of a read-only table", offered("application/sdp", offer)},
	})
}

func TestDiversionsOfARequest(t *testing.T) {
	returns(t, Options{}, []example{
		{"return #req.diversions", "0", nil},
		{"local d = req.diversions return #d, d[1].uri.user, d[1].params.reason, d[1].params.counter, d[2].uri.user, d[2].name", "2 bob user-busy 1 carol Carol", []siptest.Option{
			siptest.Header("Diversion", "<sip:bob@192.0.2.1>;reason=user-busy;counter=1, \"Carol\" <sip:carol@192.0.2.1>;reason=no-answer")}},
		{"return #req.diversions, req.diversions[1].uri.user", "1 bob", []siptest.Option{siptest.Header("Diversion", "<nothing"), siptest.Header("Diversion", "<sip:bob@192.0.2.1>")}},
	})
}

func TestEmergencyOfARequest(t *testing.T) {
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		l := newLab(t, s, Options{Engine: engine.Config{Emergency: []string{"112", "911"}, Domains: []string{"example.org"}}}, "req.uri = 'sip:x@192.0.2.9' return req.emergency")
		for uri, want := range map[string]string{
			"urn:service:sos":                  "true",
			"urn:service:sos.fire":             "true",
			"URN:Service:SOS.police.municipal": "true",
			"sip:112@192.0.2.1":                "true",
			"sip:911@example.org;user=phone":   "true",
			"tel:112":                          "true",
			"sip:112@192.0.2.77":               "false", // somebody else's number
			"sip:1122@192.0.2.1":               "false",
			"sip:bob@192.0.2.1":                "false",
			"tel:+49112":                       "false",
		} {
			if got := l.run(0, "OPTIONS", uri); got.Status() != 200 || string(got.Body()) != want {
				t.Errorf("%s: %d %s, want %s", uri, got.Status(), got.Body(), want)
			}
		}
		for _, uri := range []string{"urn:service:sosa", "urn:service:counseling", "urn:isbn:112"} {
			if got := l.run(0, "OPTIONS", uri); got.Status() != 416 {
				t.Errorf("%s: %d, want 416", uri, got.Status())
			}
		}
	})
}
