package media

import (
	"net/netip"
	"runtime"
	"strconv"
	"testing"
)

// still is a loop without packets, and without what sockets take.
type still struct{ loop }

type stillSocket struct{}

func (still) open(_ string, p *port) error {
	p.socket = stillSocket{}
	return nil
}

func (stillSocket) send([]byte, netip.AddrPort) error { return nil }
func (stillSocket) lock(netip.AddrPort)               {}
func (stillSocket) close()                            {}

// The media of a call between two phones that offer what phones do; not parallel, since the heap is everybody's.
func TestTheMediaOfAStandingCallIsSmall(t *testing.T) {
	const calls, most = 500, 5500
	if raceDetector {
		t.Skip("the race detector has memory of its own")
	}
	r, err := New(Config{Interfaces: []Interface{{Address: netip.MustParseAddr("192.0.2.1")}}, Net: newSimulation()})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Stop()
	r.loop = still{r.loop}
	pass := func(from, to Terminal, role Role, sdp []byte) {
		r.Pass(from, to, role, sdp, Options{}, func(_ []byte, err error) {
			if err != nil {
				t.Fatal(err)
			}
		})
	}
	formats := []string{"a=rtpmap:0 PCMU/8000", "a=rtpmap:8 PCMA/8000", "a=rtpmap:101 telephone-event/8000", "a=fmtp:101 0-16", "a=ptime:20", "a=sendrecv"}
	open := make([]Terminal, 0, 2*calls)
	before := heap()
	for i := range calls {
		id := "call-" + strconv.Itoa(i)
		a, _ := r.Open(id, nil)
		b, _ := r.Open(id, nil)
		pass(a, b, RoleOffer, audioAt("10.0.0.1", 4000, formats...))
		r.Connect(a, b)
		pass(b, a, RoleAnswer, audioAt("10.0.0.2", 5000, formats...))
		open = append(open, a, b)
	}
	each := (heap() - before) / calls
	t.Logf("%d bytes a call", each)
	if each > most {
		t.Errorf("%d bytes a call, more than %d", each, most)
	}
	runtime.KeepAlive(open)
}

// heap is how many bytes are in use.
func heap() int {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}
