//go:build linux

package streams

import (
	"bytes"
	"net/netip"
	"testing"
	"time"
)

func loopback(t *testing.T) *Generator {
	t.Helper()
	g, err := Open(netip.MustParseAddr("127.0.0.1"), 2)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	return g
}

// Without a relay, the generator's sockets send to each other.
func TestWhatIsSentArrives(t *testing.T) {
	t.Parallel()
	key := bytes.Repeat([]byte{5}, 30)
	for _, tc := range []struct {
		name       string
		seal, open []byte
	}{{"RTP", nil, nil}, {"SRTP", key, key}} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			g := loopback(t)
			at := g.Addresses()
			r, err := g.Run(t.Context(), Config{Duration: 300 * time.Millisecond, Flows: []Flow{
				{From: 0, Into: 1, To: at[1], Seal: tc.seal, Open: tc.open}, {From: 1, Into: 0, To: at[0], Seal: tc.seal, Open: tc.open},
			}})
			if err != nil {
				t.Fatal(err)
			}
			if r.Sent+r.Skipped == 0 || r.Lost != 0 || r.Wrong != 0 || r.Received != r.Sent {
				t.Errorf("%+v", r)
			}
		})
	}
}

func TestWhatArrivesElsewhereIsWrong(t *testing.T) {
	t.Parallel()
	g := loopback(t)
	r, err := g.Run(t.Context(), Config{Duration: 300 * time.Millisecond, Flows: []Flow{{From: 0, Into: 0, To: g.Addresses()[1]}}})
	if err != nil {
		t.Fatal(err)
	}
	if r.Received != 0 || r.Lost != r.Sent || r.Sent > 0 && r.Wrong == 0 {
		t.Errorf("%+v", r)
	}
}

func TestOnlyTheLoopbackIsLoaded(t *testing.T) {
	t.Parallel()
	if _, err := Open(netip.MustParseAddr("192.0.2.1"), 1); err == nil {
		t.Error("sockets elsewhere")
	}
	g := loopback(t)
	if _, err := g.Run(t.Context(), Config{Flows: []Flow{{To: netip.MustParseAddrPort("192.0.2.1:4000")}}}); err == nil {
		t.Error("packets elsewhere")
	}
}
