package description

import "testing"

// phone is what a desk phone sends.
const phone = `v=0
o=1001 8000 8000 IN IP4 10.1.2.3
s=SIP Call
c=IN IP4 10.1.2.3
t=0 0
m=audio 11780 RTP/AVP 8 0 9 18 101
a=rtpmap:8 PCMA/8000
a=rtpmap:0 PCMU/8000
a=rtpmap:9 G722/8000
a=rtpmap:18 G729/8000
a=fmtp:18 annexb=no
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-15
a=ptime:20
a=sendrecv`

func BenchmarkParse(b *testing.B) {
	body := lines(phone)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(body); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOfferThrough(b *testing.B) {
	r := newRig(b)
	body := lines(phone)
	open := r.open(r.bob)
	b.ReportAllocs()
	for b.Loop() {
		d, err := Parse(body)
		if err == nil {
			err = r.alice.Receive(d, Offer)
		}
		if err == nil {
			_, err = r.bob.Write(r.alice, Offer, open)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}

func TestAllocationsOfAnOffer(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	r := newRig(t)
	body := lines(phone)
	open := r.open(r.bob)
	allocs := testing.AllocsPerRun(100, func() {
		d, err := Parse(body)
		if err == nil {
			err = r.alice.Receive(d, Offer)
		}
		if err == nil {
			_, err = r.bob.Write(r.alice, Offer, open)
		}
		if err != nil {
			t.Error(err)
		}
	})
	if allocs > 12 {
		t.Errorf("%v allocations for an offer from one phone to the next", allocs)
	}
}
