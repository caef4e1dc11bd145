package siptest

import (
	"cmp"
	"testing"
	"testing/synctest"

	"github.com/sipscript/sipscript/sip"
)

// Setting is where a Scene plays. The zero value is a good network with seed 1.
type Setting struct {
	Seed    uint64 // 0 meaning 1
	Network Options
	Server  string // where the endpoints send their requests, "" meaning 192.0.2.1:5060
}

// Scene is a test with a network of its own, in virtual time.
type Scene struct {
	Net    *Network
	Server string

	t *testing.T
}

// Run plays f in a synctest bubble: waiting costs nothing and every run is the same. It fails the test when f leaves a
// socket, a connection or a goroutine behind; what t.Cleanup closes is not left.
func Run(t *testing.T, setting Setting, f func(t *testing.T, s *Scene)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &Scene{
			Net:    NewNetwork(cmp.Or(setting.Seed, 1), setting.Network),
			Server: cmp.Or(setting.Server, "192.0.2.1:5060"),
			t:      t,
		}
		t.Cleanup(func() {
			synctest.Wait()
			if open := s.Net.Open(); len(open) > 0 {
				t.Errorf("left open: %q", open)
			}
			s.Net.Close()
		})
		f(t, s)
	})
}

// UA makes an endpoint of this scene that sends to its server.
func (s *Scene) UA(name, addr string, tr sip.Transport) *UA {
	s.t.Helper()
	return NewUA(s.t, s.Net, name, addr, tr, s.Server)
}

// Ladder draws the messages so far.
func (s *Scene) Ladder(opts ...LadderOption) string { return s.Net.Ladder(nil, opts...) }
