package description

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
)

func TestB137BetweenIPv6AndIPv4(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	six := "v=0\no=- 1 1 IN IP6 2001:db8::9\ns=-\nc=IN IP6 2001:db8::9\nt=0 0\nm=audio 5000 RTP/AVP 0"
	if got := r.offer(six); only(got, "c=") != "c=IN IP4 10.0.0.1" || strings.Contains(got, "2001") {
		t.Errorf("bob is offered\n%s", got)
	}
	d, err := Parse(lines(phone))
	if err == nil {
		err = r.bob.Receive(d, Answer)
	}
	if err != nil {
		t.Fatal(err)
	}
	got, err := r.alice.Write(r.bob, Answer, ports(sixth, 30000))
	if err != nil {
		t.Fatal(err)
	}
	if s := plainLines(got); only(s, "c=") != "c=IN IP6 2001:db8::1" || !strings.Contains(only(s, "o="), "IN IP6 2001:db8::1") {
		t.Errorf("alice is answered\n%s", s)
	}
	if a := r.alice.Lines[0].Remote.Address; a != netip.MustParseAddr("2001:db8::9") {
		t.Errorf("media to %v", a)
	}
}

func TestEachMLineHasItsOwnAddress(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	d, err := Parse(lines(phone + "\nm=video 6000 RTP/AVP 34\ni=camera\nb=AS:1"))
	if err == nil {
		err = r.alice.Receive(d, Offer)
	}
	if err != nil {
		t.Fatal(err)
	}
	got, err := r.bob.Write(r.alice, Offer, func(i int, m *Media) (Local, error) {
		if m.Kind == Video {
			return Local{Address: sixth, Port: 50000}, nil
		}
		return ports(inside, 40000)(i, m)
	})
	if err != nil {
		t.Fatal(err)
	}
	if s := only(plainLines(got), "c=", "m=video", "i="); s != "c=IN IP4 10.0.0.1\nm=video 50000 RTP/AVP 34\ni=camera\nc=IN IP6 2001:db8::1" {
		t.Error(s)
	}
}

func TestNoPortsLeft(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	full := errors.New("full")
	d, err := Parse(lines(phone))
	if err == nil {
		err = r.alice.Receive(d, Offer)
	}
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.bob.Write(r.alice, Offer, func(int, *Media) (Local, error) { return Local{}, full })
	if !errors.Is(err, full) || len(r.bob.Lines) != 0 || r.bob.Sent() != nil {
		t.Errorf("error %v, and left %v", err, r.bob.Lines)
	}
}

func TestB135WhereRTCPGoes(t *testing.T) {
	t.Parallel()
	const head = "v=0\no=- 1 1 IN IP4 10.0.0.9\ns=-\nc=IN IP4 10.0.0.9\nt=0 0\nm=audio "
	for _, row := range []struct{ media, want string }{
		{"5000 RTP/AVP 0", "10.0.0.9:5001"},
		{"5000 RTP/AVP 0\na=rtcp:5005", "10.0.0.9:5005"},
		{"5000 RTP/AVP 0\na=rtcp:5005 IN IP4 10.0.0.8", "10.0.0.8:5005"},
		{"5000 RTP/AVP 0\na=rtcp:5005 IN IP6 2001:db8::8", "[2001:db8::8]:5005"},
		{"5000 RTP/AVP 0\na=rtcp:x", "10.0.0.9:5001"},
		{"65535 RTP/AVP 0", "10.0.0.9:0"},
	} {
		d, err := Parse(lines(head + row.media))
		if err != nil {
			t.Fatal(err)
		}
		if got := d.Media[0].RTCP.String(); got != row.want {
			t.Errorf("%s: RTCP to %s, want %s", row.media, got, row.want)
		}
	}
	r := newRig(t)
	d, err := Parse(lines(phone))
	if err == nil {
		err = r.alice.Receive(d, Offer)
	}
	if err != nil {
		t.Fatal(err)
	}
	b, err := r.bob.Write(r.alice, Offer, func(int, *Media) (Local, error) { return Local{Address: inside, Port: 40000, RTCP: 45001}, nil })
	if err != nil {
		t.Fatal(err)
	}
	if s := only(plainLines(b), "a=rtcp"); s != "a=rtcp:45001" {
		t.Errorf("a port of RTCP that is not the next: %q", s)
	}
}

func TestB135OnePortForRTPAndRTCP(t *testing.T) {
	t.Parallel()
	const head = "v=0\no=- 1 1 IN IP4 10.0.0.9\ns=-\nc=IN IP4 10.0.0.9\nt=0 0\nm=audio 5000 RTP/AVP 0"
	for _, row := range []struct {
		name             string
		offer, answer    string // what stands in them
		ofAlice, ofBob   Mux    // policies
		offered, agreed  bool   // to bob; with bob
		accepted, toBack bool   // by us, of alice
	}{
		{"nobody", "", "", MuxFollow, MuxFollow, false, false, false, false},
		{"both", "\na=rtcp-mux", "\na=rtcp-mux", MuxFollow, MuxFollow, true, true, true, true},
		{"alice alone", "\na=rtcp-mux", "", MuxFollow, MuxFollow, true, false, true, true},
		{"put on for bob", "", "\na=rtcp-mux", MuxFollow, MuxOffer, true, true, false, false},
		{"bob agrees to what was not offered", "", "\na=rtcp-mux", MuxFollow, MuxFollow, false, false, false, false},
		{"off for bob", "\na=rtcp-mux", "\na=rtcp-mux", MuxFollow, MuxOff, false, false, true, true},
		{"off for alice", "\na=rtcp-mux", "", MuxOff, MuxFollow, true, false, false, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.alice.Options.Mux, r.bob.Options.Mux = row.ofAlice, row.ofBob
			if got := r.offer(head + row.offer); strings.Contains(got, "a=rtcp-mux") != row.offered {
				t.Errorf("bob is offered\n%s", got)
			}
			if got := r.answer(head + row.answer); strings.Contains(got, "a=rtcp-mux") != row.accepted {
				t.Errorf("alice is answered\n%s", got)
			}
			bob, alice := r.bob.Lines[0], r.alice.Lines[0]
			if bob.Mux != row.agreed || alice.Mux != row.toBack {
				t.Errorf("agreed with bob %v, with alice %v", bob.Mux, alice.Mux)
			}
			for _, l := range []Line{alice, bob} {
				if same := l.Remote.RTCP.Port() == l.Remote.Port; same != l.Mux {
					t.Errorf("RTCP to %v beside %d", l.Remote.RTCP, l.Remote.Port)
				}
			}
		})
	}
}

func TestB137HoldByAName(t *testing.T) {
	t.Parallel()
	for address, held := range map[string]bool{
		"IP4 0.0.0.0": true, "IP6 ::": true, "IP6 unspecified.INVALID": true, "IP4 host.example.com": false, "IP4 10.0.0.9": false,
	} {
		d, err := Parse(lines("v=0\no=- 1 1 IN IP4 10.0.0.9\ns=-\nc=IN " + address + "\nt=0 0\nm=audio 5000 RTP/AVP 0"))
		if err != nil {
			t.Fatal(err)
		}
		if m := d.Media[0]; m.Held != held || m.Direction.Receives() == held {
			t.Errorf("%s: held %v, %v", address, m.Held, m.Direction)
		}
	}
}

func TestMulticastIsRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, err := r.pass(r.alice, r.bob, Offer, lines("v=0\no=- 1 1 IN IP4 10.0.0.9\ns=-\nc=IN IP4 224.2.1.1/127/3\nt=0 0\nm=audio 5000 RTP/AVP 0"))
	if !errors.Is(err, ErrNoMedia) {
		t.Errorf("error %v", err)
	}
}

func TestMediaThatIsNotRelayedPassesIfItMay(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.alice.Options.Pass, r.bob.Options.Pass = true, true
	got := r.offer(phone + "\nm=message 2855 TCP/MSRP *\na=path:msrp://atlanta.example.com:7654/x;tcp\na=setup:actpass")
	want := "m=message 2855 TCP/MSRP *\nc=IN IP4 10.1.2.3\na=path:msrp://atlanta.example.com:7654/x;tcp\na=setup:actpass"
	if !strings.HasSuffix(got, want) {
		t.Errorf("bob is offered\n%s", got)
	}
	got = r.answer(phone + "\nm=message 2856 TCP/MSRP *\na=path:msrp://biloxi.example.com:7654/x;tcp")
	if !strings.HasSuffix(got, "m=message 2856 TCP/MSRP *\nc=IN IP4 10.1.2.3\na=path:msrp://biloxi.example.com:7654/x;tcp") {
		t.Errorf("alice is answered\n%s", got)
	}
}
