package description

import (
	"errors"
	"strings"
	"testing"
)

func TestThisServerAnswersByItself(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name    string
		offer   string // m-lines and attributes
		options Options
		want    string // m= and a= lines, or "error " and what is wrong
	}{
		{"what it can play, in the offerer's order", "m=audio 5000 RTP/AVP 18 9 96 0 8 101\na=rtpmap:96 opus/48000/2\na=rtpmap:101 telephone-event/8000\na=fmtp:101 0-15", Options{}, `
			m=audio 30000 RTP/AVP 9 0 8 101
			a=rtpmap:9 G722/8000
			a=rtpmap:0 PCMU/8000
			a=rtpmap:8 PCMA/8000
			a=rtpmap:101 telephone-event/8000
			a=fmtp:101 0-16
			a=ptime:20`},
		{"with the offerer's numbers", "m=audio 5000 RTP/AVP 99 120\na=rtpmap:99 PCMA/8000\na=rtpmap:120 telephone-event/8000", Options{}, `
			m=audio 30000 RTP/AVP 99 120
			a=rtpmap:99 PCMA/8000
			a=rtpmap:120 telephone-event/8000
			a=fmtp:120 0-16
			a=ptime:20`},
		{"the codecs asked for", "m=audio 5000 RTP/AVP 9 0 8", Options{Audio: []string{"PCMA"}}, `
			m=audio 30000 RTP/AVP 8
			a=rtpmap:8 PCMA/8000
			a=ptime:20`},
		{"all but the first audio refused", "m=video 5002 RTP/AVP 34\nm=audio 5000 RTP/AVP 8\nm=audio 5004 RTP/AVP 8", Options{}, `
			m=video 0 RTP/AVP 34
			m=audio 30002 RTP/AVP 8
			a=rtpmap:8 PCMA/8000
			a=ptime:20
			m=audio 0 RTP/AVP 8`},
		{"held: it may only listen", "m=audio 5000 RTP/AVP 8\na=sendonly", Options{}, `
			m=audio 30000 RTP/AVP 8
			a=rtpmap:8 PCMA/8000
			a=ptime:20
			a=recvonly`},
		{"inactive", "m=audio 5000 RTP/AVP 8\na=inactive", Options{}, `
			m=audio 30000 RTP/AVP 8
			a=rtpmap:8 PCMA/8000
			a=ptime:20
			a=inactive`},
		{"held, and holding", "m=audio 5000 RTP/AVP 8\na=sendonly", Options{Limit: SendOnly}, `
			m=audio 30000 RTP/AVP 8
			a=rtpmap:8 PCMA/8000
			a=ptime:20
			a=inactive`},
		{"to port 0", "m=audio 0 RTP/AVP 8", Options{}, "m=audio 0 RTP/AVP 8"},
		{"to nothing", "", Options{}, ""},
		{"two ways to encrypt, the first one unknown", "m=audio 5000 RTP/SAVP 8\na=crypto:1 NEW inline:x\nm=audio 5000 RTP/AVP 8", Options{}, `
			m=audio 0 RTP/SAVP 8
			m=audio 30002 RTP/AVP 8
			a=rtpmap:8 PCMA/8000
			a=ptime:20`},
		{"no codec", "m=audio 5000 RTP/AVP 18", Options{}, "error no common codec"},
		{"no codec that is asked for", "m=audio 5000 RTP/AVP 8", Options{Audio: []string{"PCMU"}}, "error no common codec"},
		{"no audio", "m=video 5000 RTP/AVP 34", Options{}, "error no usable media"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.alice.Options = row.options
			d, err := Parse(session("alice", 1, row.offer))
			if err == nil {
				err = r.alice.Receive(d, Offer)
			}
			var got []byte
			if err == nil {
				got, err = r.alice.Answer(r.open(r.alice))
			}
			if problem, ok := strings.CutPrefix(row.want, "error "); ok {
				if err == nil || !strings.Contains(err.Error(), problem) {
					t.Errorf("error %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			valid(t, got)
			if s := only(plainLines(got), "m=", "a="); s != plainLines(lines(row.want)) {
				t.Errorf("answered\n%s", s)
			}
		})
	}
}

func TestThisServerOffersByItself(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.alice.Options = Options{Audio: []string{"PCMU", "G722"}, SRTP: SRTPRequired, Suites: []Suite{AES128SHA80}}
	b, err := r.alice.Offer(r.open(r.alice))
	if err != nil {
		t.Fatal(err)
	}
	valid(t, b)
	if s := plainLines(b); formatsOf(s) != "0 9 101" || !strings.Contains(s, "RTP/SAVP") || strings.Count(s, "a=crypto:1 AES_CM_128_HMAC_SHA1_80") != 1 {
		t.Errorf("offered\n%s", s)
	}
	d, err := Parse(lines(secure("alice", "RTP/SAVP", answerTo(r.alice, AES128SHA80))))
	if err == nil {
		err = r.alice.Receive(d, Answer)
	}
	if l := r.alice.Lines[0]; err != nil || !l.Alive() || l.Encrypt == nil {
		t.Errorf("%v, %+v", err, l)
	}
}

func TestOfferOfWhatStandsIsTheSameAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.offer(secure("alice", "RTP/SAVP", crypto(1, AES128SHA80)))
	r.answer(secure("bob", "RTP/SAVP", answerTo(r.bob, AES256GCM)))
	sent := string(r.bob.Sent())
	again, err := r.bob.Reoffer(r.open(r.bob))
	if err != nil || string(again) != sent {
		t.Errorf("%v\n%s\nwas\n%s", err, again, sent)
	}
	if r.bob.Lines[0].Peer != 0 || r.bob.partner != r.alice.session {
		t.Error("who is relayed to whom is forgotten")
	}
}

func TestB109B156HoldByThisServer(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.offer(phone)
	r.answer(phone)
	hold := func(limit Direction, answer string) string {
		t.Helper()
		r.alice.Options.Limit = limit
		b, err := r.alice.Reoffer(r.open(r.alice))
		if err != nil {
			t.Fatal(err)
		}
		valid(t, b)
		d, err := Parse(lines(strings.Replace(phone, "sendrecv", answer, 1)))
		if err == nil {
			err = r.alice.Receive(d, Answer)
		}
		if err != nil {
			t.Fatal(err)
		}
		return only(plainLines(b), "a=sendonly", "a=sendrecv", "a=recvonly", "a=inactive")
	}
	if d := hold(SendOnly, "recvonly"); d != "a=sendonly" {
		t.Errorf("hold is %s", d)
	}
	if l := r.alice.Lines[0]; l.Remote.Direction != RecvOnly {
		t.Errorf("held peer %v", l.Remote.Direction)
	}
	if d := hold(SendRecv, "sendrecv"); d != "a=sendrecv" {
		t.Errorf("taken back as %s", d)
	}
	// Having been held by the peer does not stick: what we offer next is what we want (RFC 6337 §5.3).
	r.offer(strings.Replace(phone, "sendrecv", "sendonly", 1))
	r.answer(strings.Replace(phone, "sendrecv", "recvonly", 1))
	if d := hold(SendRecv, "sendonly"); d != "a=sendrecv" {
		t.Errorf("our own offer is %s", d)
	}
	if l := r.alice.Lines[0]; l.Remote.Direction != SendOnly {
		t.Errorf("the peer still holds, and is %v", l.Remote.Direction)
	}
}

func TestLimitHoldsForWhatPasses(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.bob.Options.Limit = Inactive
	if got := r.offer(phone); !strings.Contains(got, "a=inactive") || strings.Contains(got, "sendrecv") {
		t.Errorf("bob is offered\n%s", got)
	}
}

func TestSidesThatMeetLate(t *testing.T) {
	t.Parallel()
	// Alice talks to bob with audio and video; carol has video first. Now alice is connected to carol (attended transfer).
	r := newRig(t)
	av := phone + "\nm=video 6000 RTP/AVP 34"
	r.offer(av)
	r.answer(av)
	carol, dave := newRig(t), newRig(t)
	va := "v=0\no=c 1 1 IN IP4 10.0.0.7\ns=-\nc=IN IP4 10.0.0.7\nt=0 0\nm=video 6000 RTP/AVP 34\nm=audio 7000 RTP/AVP 8\nm=image 8000 udptl t38"
	carol.offer(va)
	carol.answer(va)
	got := r.must(r.alice, carol.alice, Offer, lines(av))
	if s := only(got, "m="); s != "m=video 40000 RTP/AVP 34\nm=audio 40002 RTP/AVP 8 0 9 18 101\nm=image 0 udptl t38" {
		t.Errorf("carol is offered\n%s", s)
	}
	got = r.must(carol.alice, r.alice, Answer, lines(strings.Replace(va, "8000", "0", 1)))
	if s := only(got, "m="); s != "m=audio 30000 RTP/AVP 8\nm=video 30002 RTP/AVP 34" {
		t.Errorf("alice is answered\n%s", s)
	}
	for i, want := range []int{1, 0} {
		if peer := r.alice.Lines[i].Peer; peer != want {
			t.Errorf("alice's line %d goes to %d", i, peer)
		}
	}
	// Someone with less.
	got = dave.must(r.alice, dave.bob, Offer, lines(av))
	if s := only(got, "m="); s != "m=audio 40000 RTP/AVP 8 0 9 18 101\nm=video 40002 RTP/AVP 34" {
		t.Errorf("dave is offered\n%s", s)
	}
}

func TestAnswerWithoutOffer(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	if _, err := r.pass(r.bob, r.alice, Answer, lines(phone)); !errors.Is(err, ErrMismatch) {
		t.Errorf("received: %v", err)
	}
	if _, err := r.alice.Answer(r.open(r.alice)); !errors.Is(err, ErrMismatch) {
		t.Errorf("own: %v", err)
	}
	if _, err := r.alice.Write(r.bob, Offer, r.open(r.alice)); !errors.Is(err, ErrMismatch) {
		t.Errorf("written: %v", err)
	}
}
