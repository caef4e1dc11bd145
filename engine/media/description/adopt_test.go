package description

import (
	"errors"
	"strings"
	"testing"
)

const foreign = `v=0
o=rtpengine 77 3 IN IP4 203.0.113.9
s=-
c=IN IP4 203.0.113.9
t=0 0
m=audio 41000 RTP/AVP 8
a=rtpmap:8 PCMA/8000
a=rtcp:41001
a=sendrecv`

func adopt(t *testing.T, s *Side, sdp string, role Role) string {
	t.Helper()
	b, err := s.Adopt(lines(sdp), role)
	if err != nil {
		t.Fatal(err)
	}
	valid(t, b)
	return plainLines(b)
}

func TestWhatAnotherServerWritesBecomesOurs(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	got := adopt(t, r.bob, foreign, Offer)
	want := strings.NewReplacer("o=rtpengine 77 3", "o=- 370422834010410349 1", "a=rtcp:41001\n", "").Replace(foreign)
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if again := adopt(t, r.bob, strings.Replace(foreign, "77 3", "78 1", 1), Offer); again != got {
		t.Errorf("unchanged but for its origin:\n%s", again)
	}
	r.bob.Options.Limit = SendOnly
	held := adopt(t, r.bob, foreign, Offer)
	if want := strings.NewReplacer(" 1 IN", " 2 IN", "sendrecv", "sendonly").Replace(got); held != want {
		t.Errorf("held\n%s", held)
	}
	// Taken back, from what was foreign last.
	r.bob.Options.Limit = SendRecv
	b, err := r.bob.Repeat()
	if want := strings.Replace(got, " 1 IN", " 3 IN", 1); err != nil || plainLines(b) != want {
		t.Errorf("taken back: %v\n%s", err, b)
	}
}

func TestWhatAnotherServerMustNotWrite(t *testing.T) {
	t.Parallel()
	encrypted := strings.Replace(foreign, "RTP/AVP 8", "RTP/SAVP 8\na=crypto:"+crypto(1, AES128SHA80), 1)
	for _, row := range []struct {
		name    string
		offered string // by the peer, before
		options Options
		sdp     string
		role    Role
		want    error
	}{
		{"nonsense", "", Options{}, "hello", Offer, ErrMalformed},
		{"answer without an offer", "", Options{}, foreign, Answer, ErrMismatch},
		{"answer with another m-line", phone + "\nm=video 4 RTP/AVP 34", Options{}, foreign, Answer, ErrMismatch},
		{"answer over another transport", phone, Options{}, encrypted, Answer, ErrMismatch},
		{"plain where encryption is required", "", Options{SRTP: SRTPRequired}, foreign, Offer, ErrCrypto},
		{"encrypted where it is off", "", Options{SRTP: SRTPOff}, encrypted, Offer, ErrCrypto},
		{"encrypted without a key", "", Options{}, strings.Replace(foreign, "RTP/AVP", "RTP/SAVP", 1), Offer, ErrCrypto},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := newRig(t).bob
			s.Options = row.options
			if row.offered != "" {
				d, err := Parse(lines(row.offered))
				if err == nil {
					err = s.Receive(d, Offer)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			if _, err := s.Adopt(lines(row.sdp), row.role); !errors.Is(err, row.want) || s.Sent() != nil {
				t.Errorf("error %v, want %v; sent %q", err, row.want, s.Sent())
			}
		})
	}
	if _, err := newRig(t).bob.Repeat(); !errors.Is(err, ErrMismatch) {
		t.Errorf("nothing to repeat: %v", err)
	}
}

func TestKeysOfAnotherServerAreAgreedAsOurs(t *testing.T) {
	t.Parallel()
	s := newRig(t).bob
	adopt(t, s, strings.Replace(foreign, "RTP/AVP 8", "RTP/SAVP 8\na=crypto:"+crypto(1, AES128GCM)+"\na=crypto:"+crypto(2, AES128SHA80), 1), Offer)
	d, err := Parse(lines(strings.NewReplacer("RTP/SAVP 0", "RTP/SAVP 8").Replace(secure("bob", "RTP/SAVP", crypto(2, AES128SHA80)))))
	if err == nil {
		err = s.Receive(d, Answer)
	}
	if l := s.Lines; err != nil || l[0].Encrypt == nil || l[0].Encrypt.Suite != AES128SHA80 || l[0].Decrypt == nil {
		t.Fatalf("%v, %+v", err, l)
	}
	if _, err := s.Adopt(lines(foreign), Offer); !errors.Is(err, ErrCrypto) {
		t.Errorf("falls back to plain: %v", err)
	}
}
