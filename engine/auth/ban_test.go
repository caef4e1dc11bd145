package auth

import (
	"net/netip"
	"testing"
	"time"
)

func TestBan(t *testing.T) {
	t.Parallel()
	g := newGuard()
	ip := netip.MustParseAddr("192.0.2.66")
	banned := func(want bool, after time.Duration) {
		t.Helper()
		if got := g.Banned(ip, start.Add(after)); got != want {
			t.Errorf("banned %v after %v, want %v", got, after, want)
		}
	}
	banned(false, 0)
	g.Ban(ip, time.Minute, start)
	banned(true, 0)
	banned(true, time.Minute-1)
	if !g.Banned(netip.MustParseAddr("::ffff:192.0.2.66"), start) {
		t.Error("not banned when written as IPv6")
	}
	if g.Banned(netip.MustParseAddr("192.0.2.67"), start) {
		t.Error("its neighbour is banned too")
	}
	g.Ban(ip, time.Second, start)
	banned(true, 2*time.Second) // a shorter ban does not end a longer one
	g.Ban(ip, 0, start)
	banned(false, 0)
	g.Ban(ip, time.Minute, start)
	banned(false, time.Minute)
}

func TestBansAreBounded(t *testing.T) {
	t.Parallel()
	g := New(Config{Secret: make([]byte, 16), Bans: 16}) // one a stripe
	first := netip.MustParseAddr("2001:db8::1")
	ip := first
	for i := range 1000 {
		g.Ban(ip, time.Duration(i+1)*time.Second, start)
		ip = ip.Next()
	}
	total := 0
	for i := range g.bans.stripes {
		total += len(g.bans.stripes[i].until)
	}
	if total > 16 {
		t.Errorf("%d bans held, want at most 16", total)
	}
	if !g.Banned(ip.Prev(), start) {
		t.Error("the latest ban found no room")
	}
	if g.Banned(first, start) {
		t.Error("the ban that ends first is still there")
	}
}

func TestEndedBansMakeRoomFirst(t *testing.T) {
	t.Parallel()
	s := &banStripe{until: map[netip.Addr]time.Time{}}
	ended, short, long := netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2"), netip.MustParseAddr("10.0.0.3")
	s.until[ended], s.until[short], s.until[long] = start, start.Add(time.Second), start.Add(time.Minute)
	s.makeRoom(3, start)
	if _, ok := s.until[ended]; ok || len(s.until) != 2 {
		t.Errorf("got %v, want only the ended one gone", s.until)
	}
	s.makeRoom(2, start)
	if _, ok := s.until[long]; !ok || len(s.until) != 1 {
		t.Errorf("got %v, want the one that lasts longest to stay", s.until)
	}
}
