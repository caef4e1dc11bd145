package description

import (
	"errors"
	"net/netip"
	"strconv"
	"strings"
	"testing"
)

// odd is what a description may hold beside what this server deals with.
const odd = `v=0
o=jdoe 2890844526 2890842807 IN IP4 10.47.16.5
s=Jäsøn's  call
i=odd,  but line-true
u=http://intranet.example.com/sdp
e=j.doe@example.com (Jane Doe)
p=+1 617 555-6011
c=IN IP4 10.47.16.5
b=AS:384
b=X-strange:1
t=3034423619 3042462419
r=604800 3600 0 90000
z=2882844526 -1h
k=clear:secret
a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:secret
a=group:BUNDLE a v
a=group:LS a v
a=ice-lite
a=ice-options:trickle
a=fingerprint:sha-256 AA:BB
a=tool:phone 1.0
a=X-nobody-knows
m=audio 49170/2 RTP/AVP 0 96
i=speech
c=IN IP4 10.47.16.6
b=AS:64
k=clear:secret
a=mid:a
a=rtpmap:96 opus/48000/2
a=fmtp:96   useinbandfec=1; stereo=1
a=candidate:1 1 UDP 2130706431 10.47.16.6 49170 typ host
a=end-of-candidates
a=ice-ufrag:f
a=ice-pwd:p
a=setup:actpass
a=rtcp:53020 IN IP4 10.47.16.6
a=silenceSupp:off - - - -
a=recvonly
a=ptime:20
a=maxptime : 40
a=source-filter: incl IN IP4 * 10.47.16.7
m=video 49172 RTP/AVP 34
a=mid:v
a=rtcp-fb:* nack
a=ssrc:1 cname:x`

func TestWhatIsNotOursLeavesAsItCame(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	want := `v=0
o=- 370422834010410349 1 IN IP4 10.0.0.1
s=Jäsøn's  call
i=odd,  but line-true
c=IN IP4 10.0.0.1
b=AS:384
b=X-strange:1
t=3034423619 3042462419
r=604800 3600 0 90000
z=2882844526 -1h
a=group:LS a v
a=tool:phone 1.0
a=X-nobody-knows
m=audio 40000 RTP/AVP 0 96
i=speech
c=IN IP4 10.0.0.1
b=AS:64
a=mid:a
a=rtpmap:96 opus/48000/2
a=fmtp:96   useinbandfec=1; stereo=1
a=silenceSupp:off - - - -
a=recvonly
a=ptime:20
a=maxptime : 40
m=video 40002 RTP/AVP 34
a=mid:v
a=rtcp-fb:* nack
a=ssrc:1 cname:x`
	if got := r.offer(odd); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	// The answer has the times of the offer, whatever the answerer says (RFC 3264 §6).
	got := r.answer("v=0\no=- 1 1 IN IP4 10.9.8.7\ns=-\nc=IN IP4 10.9.8.7\nt=0 0\nm=audio 4000 RTP/AVP 0\na=sendonly\nm=video 0 RTP/AVP 34")
	if times := only(got, "t=", "r=", "z="); times != "t=3034423619 3042462419\nr=604800 3600 0 90000\nz=2882844526 -1h" {
		t.Errorf("times of the answer:\n%s", times)
	}
}

func TestNothingOfOneSideIsSeenOnTheOther(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	got := r.offer(odd)
	for _, secret := range []string{"10.47.16", "jdoe", "j.doe", "617", "intranet", "secret", "2890844526", "candidate", "ice-", "BUNDLE", "fingerprint"} {
		if strings.Contains(got, secret) {
			t.Errorf("%q in\n%s", secret, got)
		}
	}
}

func TestWhatIsMissingIsPutWhereItBelongs(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	got := r.must(r.alice, r.bob, Offer, []byte("v=0\nb=AS:64\na=tool:x\n\nm=audio 4000 RTP/AVP 0\na=ptime:20\nm=audio 0 RTP/AVP 8\n\x00\x00"))
	want := `v=0
o=- 370422834010410349 1 IN IP4 10.0.0.1
s=-
b=AS:64
t=0 0
a=tool:x
m=audio 40000 RTP/AVP 0
c=IN IP4 10.0.0.1
a=ptime:20
m=audio 0 RTP/AVP 8
c=IN IP4 10.0.0.1`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestWhatIsReadOfAnMLine(t *testing.T) {
	t.Parallel()
	d, err := Parse(lines(odd))
	if err != nil {
		t.Fatal(err)
	}
	if d.Origin != (Origin{"jdoe", "2890844526", "2890842807", "10.47.16.5"}) {
		t.Errorf("origin %+v", d.Origin)
	}
	audio, video := d.Media[0], d.Media[1]
	if audio.Kind != Audio || audio.Port != 49170 || audio.Address != netip.MustParseAddr("10.47.16.6") || audio.Direction != RecvOnly ||
		audio.RTCP != netip.MustParseAddrPort("10.47.16.6:53020") || !audio.ICE || !audio.DTLS || audio.Mux || audio.Held {
		t.Errorf("audio %+v", audio)
	}
	if video.Address != netip.MustParseAddr("10.47.16.5") || video.Direction != SendRecv || video.RTCP.Port() != 49173 {
		t.Errorf("video %+v", video)
	}
	want := []Format{
		{Token: "0", Payload: 0, Name: "PCMU", Clock: 8000, Channels: 1},
		{Token: "96", Payload: 96, Name: "opus", Clock: 48000, Channels: 2, Parameters: "useinbandfec=1; stereo=1"},
	}
	for i := range want {
		if audio.Formats[i] != want[i] {
			t.Errorf("format %+v, want %+v", audio.Formats[i], want[i])
		}
	}
}

func TestMalformedIsRefused(t *testing.T) {
	t.Parallel()
	const good = "v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\n"
	for name, body := range map[string]string{
		"empty":                          "",
		"no description":                 "hello",
		"not version 0":                  "v=1\r\no=- 1 1 IN IP4 10.0.0.1\r\n",
		"not a line":                     good + "hello\r\n",
		"capital letter":                 good + "M=audio 4000 RTP/AVP 0\r\n",
		"zero byte":                      good + "a=x\x00y\r\n",
		"carriage return within":         good + "a=x\ry\r\n",
		"port too large":                 good + "m=audio 65536 RTP/AVP 0\r\n",
		"port no number":                 good + "m=audio x RTP/AVP 0\r\n",
		"port negative":                  good + "m=audio -1 RTP/AVP 0\r\n",
		"port of very many digits":       good + "m=audio 00000000000000004000 RTP/AVP 0\r\n",
		"no format":                      good + "m=audio 4000 RTP/AVP\r\n",
		"m-line cut off":                 good + "m=audio 4000\r\n",
		"payload type too large":         good + "m=audio 4000 RTP/AVP 128\r\n",
		"payload type no number":         good + "m=audio 4000 RTP/AVP PCMU\r\n",
		"connection data of another net": good + "m=audio 4000 RTP/AVP 0\r\nc=ATM NSAP 47\r\n",
		"connection data cut off":        good + "m=audio 4000 RTP/AVP 0\r\nc=IN IP4\r\n",
		"too long":                       good + "a=" + strings.Repeat("x", 70000) + "\r\n",
		"too many m-lines":               good + strings.Repeat("m=audio 4000 RTP/AVP 0\r\n", 33),
		"too many formats":               good + "m=audio 4000 RTP/AVP" + strings.Repeat(" 0", 257) + "\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Parse([]byte(body))
			var refused *Error
			if !errors.Is(err, ErrMalformed) || !errors.As(err, &refused) || refused.Status != 488 || refused.Text == "" {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestB109VersionGoesUpByOneAndOnlyOnChange(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	origin := func(description string) string { return strings.Fields(only(description, "o="))[2] }
	base := r.offer(phone)
	if v := origin(base); v != "1" {
		t.Errorf("first version %s", v)
	}
	r.answer(phone)
	if again := r.offer(phone); again != base {
		t.Errorf("the same offer again:\n%s\nwas\n%s", again, base)
	}
	for i := 2; i <= 12; i++ { // past 9, where the number becomes longer
		held := phone
		if i%2 == 0 {
			held = strings.Replace(phone, "sendrecv", "sendonly", 1)
		}
		out := r.offer(held)
		if got := origin(out); got != strconv.Itoa(i) {
			t.Errorf("version %s, want %d", got, i)
		}
		if same := r.offer(held); same != out {
			t.Errorf("version %d: the same offer again:\n%s", i, same)
		}
	}
}

func TestRollbackForgetsAnOfferAndNotItsVersion(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	base := r.offer(phone)
	r.answer(phone)
	before := r.bob.Clone()
	held := r.offer(strings.Replace(phone, "sendrecv", "inactive", 1))
	if r.bob.Lines[0].Local.Direction != Inactive {
		t.Fatal("not on hold")
	}
	r.bob.Rollback(before)
	if d := r.bob.Lines[0].Local.Direction; d != SendRecv || plainLines(r.bob.Sent()) != base {
		t.Errorf("after rollback %v\n%s", d, r.bob.Sent())
	}
	again := r.offer(strings.Replace(phone, "sendrecv", "recvonly", 1))
	if v := strings.Fields(only(again, "o="))[2]; v != "3" {
		t.Errorf("version %s after one that was refused:\n%s", v, held)
	}
}
