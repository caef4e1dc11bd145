//go:build integration && linux

package integration

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// echoAgent is a voice agent, as one is written for Twilio, that says what it hears. It hangs up by the REST API when end is set.
type echoAgent struct {
	t    *testing.T
	api  string // http://ADDR:PORT
	end  atomic.Bool
	told atomic.Int64 // media messages
}

func (a *echoAgent) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c, err := websocket.Accept(w, r, nil)
	if err != nil {
		a.t.Error(err)
		return
	}
	defer func() { _ = c.CloseNow() }()
	var call, account string
	for {
		_, b, err := c.Read(context.Background())
		if err != nil {
			return
		}
		var m struct {
			Event string
			Start struct{ CallSid, AccountSid string }
			Media struct{ Payload string }
		}
		if err := json.Unmarshal(b, &m); err != nil {
			a.t.Error(err)
		}
		switch m.Event {
		case "start":
			call, account = m.Start.CallSid, m.Start.AccountSid
		case "media":
			a.told.Add(1)
			echo, _ := json.Marshal(map[string]any{"event": "media", "streamSid": "MZ", "media": map[string]string{"payload": m.Media.Payload}})
			if err := c.Write(context.Background(), websocket.MessageText, echo); err != nil {
				return
			}
			if a.end.Swap(false) {
				a.hangUp(account, call)
			}
		}
	}
}

func (a *echoAgent) hangUp(account, call string) {
	request, err := http.NewRequest(http.MethodPost, fmt.Sprintf("%s/2010-04-01/Accounts/%s/Calls/%s.json", a.api, account, call), strings.NewReader(url.Values{"Status": {"completed"}}.Encode()))
	if err != nil {
		a.t.Error(err)
		return
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.SetBasicAuth("AC1", "secret")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		a.t.Error(err)
		return
	}
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		a.t.Errorf("the REST API answers %s", answer.Status)
	}
}

// A caller hears herself through a voice agent over a real WebSocket, soon enough, and the agent ends the call.
func TestVoiceAgentEchoesOverAWebSocket(t *testing.T) {
	agent := &echoAgent{t: t, api: "http://" + freeTCP(t)}
	web := httptest.NewServer(agent)
	t.Cleanup(web.Close)
	media := pickMediaPorts()
	s := start(t, setting{
		script: `sip.on("INVITE", function(req)
	local call = req:answer()
	local r = call:stream { url = config.agent }
	log.info("streamed", { by = r.ended_by, wrong = r.wrong })
end)`,
		config: fmt.Sprintf("media: {interfaces: [{address: 127.0.0.1}], ports: %d-%d}\napi: {listen: %q, account: AC1, token: secret}\nscript: {agent: %q}\n",
			media.first, media.last, strings.TrimPrefix(agent.api, "http://"), "ws"+strings.TrimPrefix(web.URL, "http")),
	})
	rtp, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer rtp.Close()
	alice := newPhone(t, &s.site, "udp")
	sdp := fmt.Sprintf("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio %d RTP/AVP 8\r\n", rtp.LocalAddr().(*net.UDPAddr).Port)
	invite := alice.request("INVITE", "sip:agent@"+s.udp, "alice@example.org", "Content-Type: application/sdp")
	head, _, _ := strings.Cut(invite, "Content-Length")
	invite = fmt.Sprintf("%sContent-Length: %d\r\n\r\n%s", head, len(sdp), sdp)
	answer := alice.exchange(invite)
	if answer.status() != 200 {
		t.Fatalf("answered %s", answer.start)
	}
	to := answer.get("To")
	alice.send(strings.NewReplacer("INVITE sip:", "ACK sip:", " INVITE\r\n", " ACK\r\n", "To: <sip:agent@"+s.udp+">", "To: "+to, "z9hG4bK", "z9hG4bKa").Replace(head) + "Content-Length: 0\r\n\r\n")
	port := regexp.MustCompile(`m=audio (\d+)`).FindStringSubmatch(answer.body)
	server, err := net.ResolveUDPAddr("udp4", "127.0.0.1:"+port[1])
	if err != nil {
		t.Fatal(err)
	}

	delays := echoes(t, rtp, server)
	slices.Sort(delays)
	t.Logf("said and heard again: median %v, longest %v", delays[len(delays)/2], delays[len(delays)-1])
	if median := delays[len(delays)/2]; median > 300*time.Millisecond {
		t.Errorf("the echo takes %v", median)
	}
	agent.end.Store(true)
	alice.reply(alice.await("BYE", func(m message) bool { return m.method() == "BYE" }), "200 OK")
	ended := s.log.await(t, 5*time.Second, "the end of the stream", func(l line) bool { return l.message() == "streamed" })
	if by := ended.fields["by"]; by != "caller" {
		t.Errorf("ended by %v", by)
	}
}

// echoes sends A-law, loud for 100 ms in each 500 ms, and measures when the first loud packet of each comes back.
func echoes(t *testing.T, conn *net.UDPConn, to *net.UDPAddr) (delays []time.Duration) {
	t.Helper()
	const rounds, packets, loudFor = 10, 25, 5
	loudAt := make(chan time.Time, rounds*packets)
	done := make(chan struct{})
	go func() {
		defer close(done)
		b := make([]byte, 1500)
		was := false
		for {
			n, err := conn.Read(b)
			if err != nil {
				return
			}
			if n < 172 || b[1]&0x7f != pcma {
				continue
			}
			loud := fromALaw(b[12+80]) > 2000 || fromALaw(b[12+80]) < -2000
			if loud && !was {
				loudAt <- time.Now()
			}
			was = loud
		}
	}()
	packet := make([]byte, 12+packetFrames)
	packet[0], packet[1] = 0x80, pcma
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	var said []time.Time
	for i := range (rounds + 1) * packets {
		octet := byte(0xD5) // the smallest value
		if i%packets < loudFor && i >= packets {
			octet = toALaw(10000)
			if i%packets == 0 {
				said = append(said, time.Now())
			}
		}
		binary.BigEndian.PutUint16(packet[2:], uint16(i))
		binary.BigEndian.PutUint32(packet[4:], uint32(i*packetFrames))
		for j := range packetFrames {
			packet[12+j] = octet
		}
		if _, err := conn.WriteToUDP(packet, to); err != nil {
			t.Fatal(err)
		}
		<-tick.C
	}
	_ = conn.SetReadDeadline(time.Now().Add(500 * time.Millisecond))
	<-done
	close(loudAt)
	var heard []time.Time
	for at := range loudAt {
		heard = append(heard, at)
	}
	if len(heard) != rounds {
		t.Fatalf("%d of %d bursts have come back", len(heard), rounds)
	}
	for i, at := range heard {
		delays = append(delays, at.Sub(said[i]))
	}
	return delays
}

// freeTCP is an address that nothing listens at.
func freeTCP(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
