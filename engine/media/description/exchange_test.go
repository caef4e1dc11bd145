package description

import (
	"strings"
	"testing"
)

// step is one description on its way through the server: what a peer sends, and what the other gets of it (m= and a= lines).
type step struct {
	from string // alice or bob
	role Role
	body string // behind the session's lines; "0.0.0.0" first: that is the session's address
	want string // or, beginning with "error ", what is wrong
}

// exchanges are the offers and answers of RFC 3264, RFC 4317 and RFC 6337, each as seen by both peers of a server in between.
// alice's leg has ports from 30000, bob's from 40000.
var exchanges = []struct {
	name  string
	steps []step
}{
	{"RFC 3264 §10.1: one of several codecs, one of two video streams refused", []step{
		{"alice", Offer, `
			m=audio 49170 RTP/AVP 0
			a=rtpmap:0 PCMU/8000
			m=video 51372 RTP/AVP 31
			a=rtpmap:31 H261/90000
			m=video 53000 RTP/AVP 32
			a=rtpmap:32 MPV/90000`, `
			m=audio 40000 RTP/AVP 0
			a=rtpmap:0 PCMU/8000
			m=video 40002 RTP/AVP 31
			a=rtpmap:31 H261/90000
			m=video 40004 RTP/AVP 32
			a=rtpmap:32 MPV/90000`},
		{"bob", Answer, `
			m=audio 49920 RTP/AVP 0
			a=rtpmap:0 PCMU/8000
			m=video 0 RTP/AVP 31
			m=video 53000 RTP/AVP 32
			a=rtpmap:32 MPV/90000`, `
			m=audio 30000 RTP/AVP 0
			a=rtpmap:0 PCMU/8000
			m=video 0 RTP/AVP 31
			m=video 30004 RTP/AVP 32
			a=rtpmap:32 MPV/90000`},
		{"bob", Offer, `
			m=audio 65422 RTP/AVP 0
			a=rtpmap:0 PCMU/8000
			m=video 0 RTP/AVP 31
			m=video 53000 RTP/AVP 32
			a=rtpmap:32 MPV/90000
			m=audio 51434 RTP/AVP 110
			a=rtpmap:110 telephone-events/8000
			a=recvonly`, `
			m=audio 30000 RTP/AVP 0
			a=rtpmap:0 PCMU/8000
			m=video 0 RTP/AVP 31
			m=video 30004 RTP/AVP 32
			a=rtpmap:32 MPV/90000
			m=audio 30006 RTP/AVP 110
			a=rtpmap:110 telephone-events/8000
			a=recvonly`},
		{"alice", Answer, `
			m=audio 49170 RTP/AVP 0
			a=rtpmap:0 PCMU/8000
			m=video 0 RTP/AVP 31
			a=rtpmap:31 H261/90000
			m=video 53000 RTP/AVP 32
			a=rtpmap:32 MPV/90000
			m=audio 53122 RTP/AVP 110
			a=rtpmap:110 telephone-events/8000
			a=sendonly`, `
			m=audio 40000 RTP/AVP 0
			a=rtpmap:0 PCMU/8000
			m=video 0 RTP/AVP 31
			m=video 40004 RTP/AVP 32
			a=rtpmap:32 MPV/90000
			m=audio 40006 RTP/AVP 110
			a=rtpmap:110 telephone-events/8000
			a=sendonly`},
	}},
	{"RFC 3264 §10.2: one of N codecs, then the one that was chosen", []step{
		{"alice", Offer, `
			m=audio 62986 RTP/AVP 0 4 18
			a=rtpmap:0 PCMU/8000
			a=rtpmap:4 G723/8000
			a=rtpmap:18 G729/8000
			a=inactive`, `
			m=audio 40000 RTP/AVP 0 4 18
			a=rtpmap:0 PCMU/8000
			a=rtpmap:4 G723/8000
			a=rtpmap:18 G729/8000
			a=inactive`},
		{"bob", Answer, `
			m=audio 54344 RTP/AVP 0 4
			a=rtpmap:0 PCMU/8000
			a=rtpmap:4 G723/8000
			a=inactive`, `
			m=audio 30000 RTP/AVP 0 4
			a=rtpmap:0 PCMU/8000
			a=rtpmap:4 G723/8000
			a=inactive`},
		{"alice", Offer, `
			m=audio 62986 RTP/AVP 4
			a=rtpmap:4 G723/8000
			a=sendrecv`, `
			m=audio 40000 RTP/AVP 4
			a=rtpmap:4 G723/8000
			a=sendrecv`},
		{"bob", Answer, `
			m=audio 54344 RTP/AVP 4
			a=rtpmap:4 G723/8000
			a=sendrecv`, `
			m=audio 30000 RTP/AVP 4
			a=rtpmap:4 G723/8000
			a=sendrecv`},
	}},
	{"RFC 4317 §2.2: a refused stream stays refused", []step{
		{"alice", Offer, `
			m=audio 49170 RTP/AVP 0 8 97
			a=rtpmap:0 PCMU/8000
			a=rtpmap:8 PCMA/8000
			a=rtpmap:97 iLBC/8000
			m=video 51372 RTP/AVP 31 32
			a=rtpmap:31 H261/90000
			a=rtpmap:32 MPV/90000`, `
			m=audio 40000 RTP/AVP 0 8 97
			a=rtpmap:0 PCMU/8000
			a=rtpmap:8 PCMA/8000
			a=rtpmap:97 iLBC/8000
			m=video 40002 RTP/AVP 31 32
			a=rtpmap:31 H261/90000
			a=rtpmap:32 MPV/90000`},
		{"bob", Answer, `
			m=audio 49172 RTP/AVP 0 8
			a=rtpmap:0 PCMU/8000
			a=rtpmap:8 PCMA/8000
			m=video 0 RTP/AVP 31
			a=rtpmap:31 H261/90000`, `
			m=audio 30000 RTP/AVP 0 8
			a=rtpmap:0 PCMU/8000
			a=rtpmap:8 PCMA/8000
			m=video 0 RTP/AVP 31 32`},
		{"alice", Offer, `
			m=audio 51372 RTP/AVP 0
			a=rtpmap:0 PCMU/8000
			m=video 0 RTP/AVP 31
			a=rtpmap:31 H261/90000`, `
			m=audio 40000 RTP/AVP 0
			a=rtpmap:0 PCMU/8000
			m=video 0 RTP/AVP 31 32`},
		{"bob", Answer, `
			m=audio 49172 RTP/AVP 0
			a=rtpmap:0 PCMU/8000
			m=video 0 RTP/AVP 31`, `
			m=audio 30000 RTP/AVP 0
			a=rtpmap:0 PCMU/8000
			m=video 0 RTP/AVP 31`},
	}},
	{"RFC 4317 §2.3: another number in the answer; the offerer keeps its own", []step{
		{"alice", Offer, `
			m=audio 49170 RTP/AVP 0 8 97
			a=rtpmap:97 iLBC/8000`, `
			m=audio 40000 RTP/AVP 0 8 97
			a=rtpmap:97 iLBC/8000`},
		{"bob", Answer, `
			m=audio 49172 RTP/AVP 99
			a=rtpmap:99 iLBC/8000`, `
			m=audio 30000 RTP/AVP 97
			a=rtpmap:97 iLBC/8000`},
	}},
	{"RFC 4317 §2.4: telephone-events in a stream of their own", []step{
		{"alice", Offer, `
			m=audio 49170 RTP/AVP 0 97
			a=rtpmap:97 iLBC/8000
			m=audio 49172 RTP/AVP 98
			a=rtpmap:98 telephone-event/8000
			a=sendonly`, `
			m=audio 40000 RTP/AVP 0 97
			a=rtpmap:97 iLBC/8000
			m=audio 40002 RTP/AVP 98
			a=rtpmap:98 telephone-event/8000
			a=sendonly`},
		{"bob", Answer, `
			m=audio 49172 RTP/AVP 97
			a=rtpmap:97 iLBC/8000
			m=audio 49174 RTP/AVP 98
			a=rtpmap:98 telephone-event/8000
			a=recvonly`, `
			m=audio 30000 RTP/AVP 97
			a=rtpmap:97 iLBC/8000
			m=audio 30002 RTP/AVP 98
			a=rtpmap:98 telephone-event/8000
			a=recvonly`},
		// §3.2: one of the two on hold
		{"bob", Offer, `
			m=audio 49172 RTP/AVP 97
			a=rtpmap:97 iLBC/8000
			a=sendonly
			m=audio 49174 RTP/AVP 98
			a=rtpmap:98 telephone-event/8000
			a=recvonly`, `
			m=audio 30000 RTP/AVP 97
			a=rtpmap:97 iLBC/8000
			a=sendonly
			m=audio 30002 RTP/AVP 98
			a=rtpmap:98 telephone-event/8000
			a=recvonly`},
		{"alice", Answer, `
			m=audio 49170 RTP/AVP 0 97
			a=rtpmap:97 iLBC/8000
			m=audio 49172 RTP/AVP 98
			a=rtpmap:98 telephone-event/8000
			a=sendonly`, `
			m=audio 40000 RTP/AVP 97
			a=rtpmap:97 iLBC/8000
			a=recvonly
			m=audio 40002 RTP/AVP 98
			a=rtpmap:98 telephone-event/8000
			a=sendonly`},
	}},
	{"RFC 4317 §2.6: only telephone-event of the two is common: no codec", []step{
		{"alice", Offer, `
			m=audio 49170 RTP/AVP 0 101
			a=rtpmap:101 telephone-event/8000`, `
			m=audio 40000 RTP/AVP 0 101
			a=rtpmap:101 telephone-event/8000`},
		{"bob", Answer, `
			m=audio 49172 RTP/AVP 8 101
			a=rtpmap:101 telephone-event/8000`, "error no common codec"},
	}},
	{"RFC 4317 §3.1: on hold from the first answer", []step{
		{"alice", Offer, `
			m=audio 49170 RTP/AVP 0 97
			a=rtpmap:97 iLBC/8000`, `
			m=audio 40000 RTP/AVP 0 97
			a=rtpmap:97 iLBC/8000`},
		{"bob", Answer, `
			m=audio 49172 RTP/AVP 97
			a=rtpmap:97 iLBC/8000
			a=sendonly`, `
			m=audio 30000 RTP/AVP 97
			a=rtpmap:97 iLBC/8000
			a=sendonly`},
		{"bob", Offer, `
			m=audio 49170 RTP/AVP 97
			a=rtpmap:97 iLBC/8000`, `
			m=audio 30000 RTP/AVP 97
			a=rtpmap:97 iLBC/8000`},
		{"alice", Answer, `
			m=audio 49178 RTP/AVP 97
			a=rtpmap:97 iLBC/8000`, `
			m=audio 40000 RTP/AVP 97
			a=rtpmap:97 iLBC/8000`},
	}},
	{"RFC 4317 §4.1: a second stream added by the other side", []step{
		{"alice", Offer, `m=audio 49170 RTP/AVP 0`, `m=audio 40000 RTP/AVP 0`},
		{"bob", Answer, `m=audio 49172 RTP/AVP 0`, `m=audio 30000 RTP/AVP 0`},
		{"bob", Offer, `
			m=audio 49170 RTP/AVP 0
			m=audio 48282 RTP/AVP 98
			c=IN IP4 198.51.100.77
			a=rtpmap:98 telephone-event/8000
			a=recvonly`, `
			m=audio 30000 RTP/AVP 0
			m=audio 30002 RTP/AVP 98
			a=rtpmap:98 telephone-event/8000
			a=recvonly`},
		{"alice", Answer, `
			m=audio 49170 RTP/AVP 0
			m=audio 49172 RTP/AVP 98
			a=rtpmap:98 telephone-event/8000
			a=sendonly`, `
			m=audio 40000 RTP/AVP 0
			m=audio 40002 RTP/AVP 98
			a=rtpmap:98 telephone-event/8000
			a=sendonly`},
	}},
	{"RFC 4317 §4.3: video deleted, and its place used again (RFC 3264 §8.1)", []step{
		{"alice", Offer, `
			m=audio 49170 RTP/AVP 0
			m=video 51372 RTP/AVP 31`, `
			m=audio 40000 RTP/AVP 0
			m=video 40002 RTP/AVP 31`},
		{"bob", Answer, `
			m=audio 49174 RTP/AVP 0
			m=video 49170 RTP/AVP 31`, `
			m=audio 30000 RTP/AVP 0
			m=video 30002 RTP/AVP 31`},
		{"bob", Offer, `
			m=audio 49174 RTP/AVP 0
			m=video 0 RTP/AVP 31`, `
			m=audio 30000 RTP/AVP 0
			m=video 0 RTP/AVP 31`},
		{"alice", Answer, `
			m=audio 49170 RTP/AVP 0
			m=video 0 RTP/AVP 31`, `
			m=audio 40000 RTP/AVP 0
			m=video 0 RTP/AVP 31`},
		{"alice", Offer, `
			m=audio 49170 RTP/AVP 0
			m=image 51372 udptl t38
			a=T38FaxVersion:0`, `
			m=audio 40000 RTP/AVP 0
			m=image 40002 udptl t38
			a=T38FaxVersion:0`},
		{"bob", Answer, `
			m=audio 49170 RTP/AVP 0
			m=image 51372 udptl t38
			a=T38FaxVersion:0`, `
			m=audio 30000 RTP/AVP 0
			m=image 30002 udptl t38
			a=T38FaxVersion:0`},
	}},
	{"RFC 4317 §5.1: no media, then audio", []step{
		{"alice", Offer, ``, ``},
		{"bob", Answer, ``, ``},
		{"alice", Offer, `m=audio 49170 RTP/AVP 0`, `m=audio 40000 RTP/AVP 0`},
		{"bob", Answer, `m=audio 49172 RTP/AVP 0`, `m=audio 30000 RTP/AVP 0`},
	}},
	{"RFC 4317 §5.2, RFC 3264 §8.4: hold by 0.0.0.0 is understood, and not sent", []step{
		{"alice", Offer, `0.0.0.0
			m=audio 23442 RTP/AVP 0`, `
			m=audio 40000 RTP/AVP 0
			a=sendonly`},
		{"bob", Answer, `
			m=audio 49170 RTP/AVP 0
			a=recvonly`, `
			m=audio 30000 RTP/AVP 0
			a=recvonly`},
		{"alice", Offer, `m=audio 49170 RTP/AVP 0`, `m=audio 40000 RTP/AVP 0`},
		{"bob", Answer, `m=audio 49170 RTP/AVP 0`, `m=audio 30000 RTP/AVP 0`},
	}},
	{"RFC 4317 §5.3: hold by 0.0.0.0 in the answer", []step{
		{"alice", Offer, `m=audio 49170 RTP/AVP 0`, `m=audio 40000 RTP/AVP 0`},
		{"bob", Answer, `0.0.0.0
			m=audio 9322 RTP/AVP 0`, `
			m=audio 30000 RTP/AVP 0
			a=sendonly`},
	}},
	{"RFC 3264 §8.4: both ways of hold at once, and by recvonly", []step{
		{"alice", Offer, `0.0.0.0
			m=audio 9322 RTP/AVP 0
			a=sendonly`, `
			m=audio 40000 RTP/AVP 0
			a=sendonly`},
		{"bob", Answer, `0.0.0.0
			m=audio 9322 RTP/AVP 0
			a=recvonly`, `
			m=audio 30000 RTP/AVP 0
			a=inactive`},
	}},
	{"RFC 6337 §5.3: an answer that claims more than the offer leaves is cut down", []step{
		{"alice", Offer, `
			m=audio 49170 RTP/AVP 0
			a=sendonly`, `
			m=audio 40000 RTP/AVP 0
			a=sendonly`},
		{"bob", Answer, `m=audio 49170 RTP/AVP 0`, `
			m=audio 30000 RTP/AVP 0
			a=recvonly`},
		{"alice", Offer, `
			m=audio 49170 RTP/AVP 0
			a=inactive`, `
			m=audio 40000 RTP/AVP 0
			a=inactive`},
		{"bob", Answer, `
			m=audio 49170 RTP/AVP 0
			a=sendrecv`, `
			m=audio 30000 RTP/AVP 0
			a=inactive`},
	}},
	{"RFC 6337 §5.3: both hold, and each takes back its own", []step{
		{"alice", Offer, `
			m=audio 49170 RTP/AVP 0
			a=sendonly`, `
			m=audio 40000 RTP/AVP 0
			a=sendonly`},
		{"bob", Answer, `
			m=audio 49170 RTP/AVP 0
			a=recvonly`, `
			m=audio 30000 RTP/AVP 0
			a=recvonly`},
		{"bob", Offer, `
			m=audio 49170 RTP/AVP 0
			a=inactive`, `
			m=audio 30000 RTP/AVP 0
			a=inactive`},
		{"alice", Answer, `
			m=audio 49170 RTP/AVP 0
			a=inactive`, `
			m=audio 40000 RTP/AVP 0
			a=inactive`},
		{"alice", Offer, `
			m=audio 49170 RTP/AVP 0
			a=recvonly`, `
			m=audio 40000 RTP/AVP 0
			a=recvonly`},
		{"bob", Answer, `
			m=audio 49170 RTP/AVP 0
			a=sendonly`, `
			m=audio 30000 RTP/AVP 0
			a=sendonly`},
	}},
	{"RFC 3264 §8.3.3: audio becomes fax in its place, and audio again", []step{
		{"alice", Offer, `
			m=audio 49170 RTP/AVP 0 101
			a=rtpmap:101 telephone-event/8000`, `
			m=audio 40000 RTP/AVP 0 101
			a=rtpmap:101 telephone-event/8000`},
		{"bob", Answer, `m=audio 49172 RTP/AVP 0`, `m=audio 30000 RTP/AVP 0`},
		{"bob", Offer, `
			m=image 49172 udptl t38
			a=T38FaxUdpEC:t38UDPRedundancy`, `
			m=image 30000 udptl t38
			a=T38FaxUdpEC:t38UDPRedundancy`},
		{"alice", Answer, `m=image 49170 UDPTL t38`, `m=image 40000 udptl t38`},
		{"bob", Offer, `m=audio 49172 RTP/AVP 0`, `m=audio 30000 RTP/AVP 0`},
		{"alice", Answer, `m=audio 49170 RTP/AVP 0`, `m=audio 40000 RTP/AVP 0`},
	}},
	{"RFC 3264 §6: other media and transports are refused, the rest goes on", []step{
		{"alice", Offer, `
			m=audio 49170 RTP/AVP 0
			m=message 2855 TCP/MSRP *
			a=path:msrp://atlanta.example.com:7654/x;tcp
			m=application 7000 UDP/BFCP *
			m=video 9 UDP/TLS/RTP/SAVPF 96
			a=rtpmap:96 VP8/90000`, `
			m=audio 40000 RTP/AVP 0
			m=message 0 TCP/MSRP *
			m=application 0 UDP/BFCP *
			m=video 0 UDP/TLS/RTP/SAVPF 96`},
		{"bob", Answer, `
			m=audio 49170 RTP/AVP 0
			m=message 0 TCP/MSRP *
			m=application 0 UDP/BFCP *
			m=video 0 UDP/TLS/RTP/SAVPF 96`, `
			m=audio 30000 RTP/AVP 0
			m=message 0 TCP/MSRP *
			m=application 0 UDP/BFCP *
			m=video 0 UDP/TLS/RTP/SAVPF 96`},
	}},
	{"RFC 3264 §6: nothing but what cannot be relayed", []step{
		{"alice", Offer, `m=message 2855 TCP/MSRP *`, "error no usable media"},
	}},
	{"RFC 3264 §6: everything refused by the answer is an answer", []step{
		{"alice", Offer, `m=audio 49170 RTP/AVP 0`, `m=audio 40000 RTP/AVP 0`},
		{"bob", Answer, `m=audio 0 RTP/AVP 0`, `m=audio 0 RTP/AVP 0`},
	}},
	{"RFC 3264 §6: an answer with more m-lines than the offer", []step{
		{"alice", Offer, `m=audio 49170 RTP/AVP 0`, `m=audio 40000 RTP/AVP 0`},
		{"bob", Answer, `
			m=audio 49170 RTP/AVP 0
			m=video 49172 RTP/AVP 31`, "error do not fit"},
	}},
	{"RFC 3264 §6: m-lines missing in the answer are refused", []step{
		{"alice", Offer, `
			m=audio 49170 RTP/AVP 0
			m=video 49172 RTP/AVP 31`, `
			m=audio 40000 RTP/AVP 0
			m=video 40002 RTP/AVP 31`},
		{"bob", Answer, `m=audio 49170 RTP/AVP 0`, `
			m=audio 30000 RTP/AVP 0
			m=video 0 RTP/AVP 31`},
	}},
	{"RFC 3264 §6: another medium in the answer than in the offer", []step{
		{"alice", Offer, `m=audio 49170 RTP/AVP 0`, `m=audio 40000 RTP/AVP 0`},
		{"bob", Answer, `m=video 49170 RTP/AVP 31`, "error do not fit"},
	}},
	{"RFC 3264 §8: an m-line that an offer drops is refused to the other side", []step{
		{"alice", Offer, `
			m=audio 49170 RTP/AVP 0
			m=video 49172 RTP/AVP 31`, `
			m=audio 40000 RTP/AVP 0
			m=video 40002 RTP/AVP 31`},
		{"bob", Answer, `
			m=audio 49170 RTP/AVP 0
			m=video 49172 RTP/AVP 31`, `
			m=audio 30000 RTP/AVP 0
			m=video 30002 RTP/AVP 31`},
		{"alice", Offer, `m=audio 49170 RTP/AVP 0`, `
			m=audio 40000 RTP/AVP 0
			m=video 0 RTP/AVP 31`},
		{"bob", Answer, `
			m=audio 49170 RTP/AVP 0
			m=video 0 RTP/AVP 31`, `m=audio 30000 RTP/AVP 0`},
	}},
}

func TestB110B137OffersAndAnswers(t *testing.T) {
	t.Parallel()
	for _, x := range exchanges {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			versions := map[string]int{"alice": 1, "bob": 1}
			for i, s := range x.steps {
				from, to := r.alice, r.bob
				if s.from == "bob" {
					from, to = to, from
				}
				versions[s.from]++
				got, err := r.pass(from, to, s.role, session(s.from, versions[s.from], s.body))
				if problem, ok := strings.CutPrefix(s.want, "error "); ok {
					if err == nil || !strings.Contains(err.Error(), problem) {
						t.Fatalf("step %d: error %v, want one about %s", i+1, err, problem)
					}
					continue
				}
				if err != nil {
					t.Fatalf("step %d: %v", i+1, err)
				}
				if got, want := only(got, "m=", "a="), plainLines(lines(s.want)); got != want {
					t.Fatalf("step %d:\n%s\nwant\n%s", i+1, got, want)
				}
			}
		})
	}
}

// session puts a session's lines before m-lines.
func session(from string, version int, body string) []byte {
	address := map[string]string{"alice": "198.51.100.1", "bob": "10.9.8.7"}[from]
	if rest, ok := strings.CutPrefix(body, "0.0.0.0"); ok {
		address, body = "0.0.0.0", rest
	}
	return lines("v=0\no=" + from + " 2890844526 " + strings.Repeat("7", version) + " IN IP4 " + address +
		"\ns=\nc=IN IP4 " + address + "\nt=0 0\n" + body)
}
