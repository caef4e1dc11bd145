package media

import (
	"bytes"
	"net/netip"
	"testing"
	"testing/synctest"
)

// describedAs is a compound packet: a receiver report, and what two sources say of themselves.
func describedAs(first, second string) []byte {
	b := []byte{0x80, receiverReport, 0, 1, 0, 0, 0, 7}
	chunk := func(ssrc byte, items ...string) []byte {
		c := []byte{0, 0, 0, ssrc}
		for i, text := range items {
			c = append(append(c, byte(i+1), byte(len(text))), text...)
		}
		for c = append(c, 0); len(c)%4 != 0; {
			c = append(c, 0)
		}
		return c
	}
	chunks := append(chunk(7, first, "Alice", "alice@example.org"), chunk(8, second)...)
	b = append(b, 0x82, sdes, 0, byte(len(chunks)/4))
	return append(b, chunks...)
}

// What one side calls itself in RTCP is not told to the other; that two streams are of one sender is.
func TestNamesOfOneSideAreNotToldToTheOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCall(t)
		c.talks()
		control := c.net.phone(t, "10.0.0.1:4001")
		listener := c.net.phone(t, "10.0.0.2:5001")
		tell := func(b []byte) []byte {
			control.send(netip.AddrPortFrom(c.forA.Addr(), c.forA.Port()+1), bytes.Clone(b))
			got := listener.heard()
			if len(got) != 1 || len(got[0].b) != len(b) || !validRTCP(got[0].b) {
				t.Fatalf("told %v", got)
			}
			return got[0].b
		}
		said := describedAs("alice@10.0.0.1", "alice@10.0.0.1")
		told := tell(said)
		for _, secret := range []string{"alice", "10.0.0.1", "Alice", "example"} {
			if bytes.Contains(told, []byte(secret)) {
				t.Errorf("%q in %q", secret, told)
			}
		}
		one, two := told[8+4+4+2:][:14], told[len(told)-14-2:][:14]
		if i := bytes.Index(told, one); i < 0 || bytes.Count(told, one) != 2 {
			t.Errorf("the streams of one sender are %q and %q in %q", one, two, told)
		}
		if again := tell(said); !bytes.Equal(again, told) {
			t.Errorf("once %q, then %q", told, again)
		}
		if other := tell(describedAs("alice@10.0.0.1", "bob@10.0.0.1")); bytes.Count(other, one) != 1 {
			t.Errorf("two senders in %q have one name", other)
		}
	})
}

// Whatever stands in a description, nothing outside of it changes, and nothing fails.
func FuzzDisguise(f *testing.F) {
	f.Add(describedAs("a", "b"))
	f.Add([]byte{0x81, sdes, 0, 1, 0, 0, 0, 1})
	f.Add([]byte{0x9f, sdes, 0, 2, 0, 0, 0, 1, 1, 255, 'x', 'y'})
	f.Fuzz(func(t *testing.T, b []byte) {
		if !validRTCP(b) {
			return
		}
		out := bytes.Clone(b)
		new(Relay).disguise(out)
		if !validRTCP(out) || len(out) != len(b) {
			t.Fatalf("%x becomes %x", b, out)
		}
	})
}
