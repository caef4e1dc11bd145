package description

import (
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"github.com/pion/sdp/v3"
)

// text makes a description of lines, with the ends that RFC 8866 wants.
func text(lines ...string) []byte { return []byte(strings.Join(lines, "\r\n") + "\r\n") }

// lines is a description written by hand, one line a line, indented as one likes.
func lines(s string) []byte {
	var all []string
	for l := range strings.SplitSeq(strings.TrimSpace(s), "\n") {
		all = append(all, strings.TrimSpace(l))
	}
	return text(all...)
}

// plainLines is a description as it stands in a test.
func plainLines(b []byte) string {
	return strings.TrimSuffix(strings.ReplaceAll(string(b), "\r\n", "\n"), "\n")
}

// rig is a server between two peers, alice and bob, with ports that count up from 30000 for alice's leg and from 40000 for bob's.
type rig struct {
	t          testing.TB
	alice, bob *Side
}

func newRig(t testing.TB) *rig {
	return &rig{t: t, alice: &Side{Random: rand.NewChaCha8([32]byte{1})}, bob: &Side{Random: rand.NewChaCha8([32]byte{2})}}
}

var (
	outside = netip.MustParseAddr("192.0.2.1")
	inside  = netip.MustParseAddr("10.0.0.1")
	sixth   = netip.MustParseAddr("2001:db8::1")
)

func ports(address netip.Addr, first uint16) Open {
	return func(i int, _ *Media) (Local, error) {
		port := first + uint16(2*i)
		return Local{Address: address, Port: port, RTCP: port + 1}, nil
	}
}

func (r *rig) open(to *Side) Open {
	if to == r.alice {
		return ports(outside, 30000)
	}
	return ports(inside, 40000)
}

// pass takes a description from one leg to the other, and returns what leaves there.
func (r *rig) pass(from, to *Side, role Role, b []byte) (string, error) {
	r.t.Helper()
	d, err := Parse(b)
	if err != nil {
		return "", err
	}
	if err := from.Receive(d, role); err != nil {
		return "", err
	}
	out, err := to.Write(from, role, r.open(to))
	if err != nil {
		return "", err
	}
	valid(r.t, out)
	r.rest()
	return plainLines(out), nil
}

// rest puts the sides away and takes them out again, which no exchange after it may notice.
func (r *rig) rest() {
	for _, s := range []*Side{r.alice, r.bob} {
		if p := Pack(s); p != nil {
			random := s.Random
			*s = *p.Unpack()[0]
			s.Random = random
		}
	}
}

func (r *rig) must(from, to *Side, role Role, b []byte) string {
	r.t.Helper()
	out, err := r.pass(from, to, role, b)
	if err != nil {
		r.t.Fatal(err)
	}
	return out
}

// offer and answer carry an exchange that alice begins; reoffer and reanswer one that bob begins.
func (r *rig) offer(s string) string   { r.t.Helper(); return r.must(r.alice, r.bob, Offer, lines(s)) }
func (r *rig) answer(s string) string  { r.t.Helper(); return r.must(r.bob, r.alice, Answer, lines(s)) }
func (r *rig) reoffer(s string) string { r.t.Helper(); return r.must(r.bob, r.alice, Offer, lines(s)) }
func (r *rig) reanswer(s string) string {
	r.t.Helper()
	return r.must(r.alice, r.bob, Answer, lines(s))
}

// valid holds what is written against another reader of descriptions.
func valid(t testing.TB, b []byte) {
	t.Helper()
	var d sdp.SessionDescription
	fax := strings.NewReplacer("m=image", "m=audio", " udptl ", " UDP ", " UDPTL ", " UDP ") // which it does not know
	if err := d.UnmarshalString(fax.Replace(string(b))); err != nil {
		t.Fatalf("%v in\n%s", err, b)
	}
	if _, err := Parse(b); err != nil {
		t.Fatalf("%v in\n%s", err, b)
	}
}

// only returns the lines of a description that begin in one of some ways.
func only(description string, prefixes ...string) string {
	var kept []string
	for l := range strings.SplitSeq(description, "\n") {
		for _, p := range prefixes {
			if strings.HasPrefix(l, p) {
				kept = append(kept, l)
			}
		}
	}
	return strings.Join(kept, "\n")
}
