package siptest

import (
	"fmt"
	"hash/fnv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/transport"
)

// pemFiles are certificate files in memory.
type pemFiles map[string][]byte

func (f pemFiles) ReadFile(path string) ([]byte, error) {
	b, ok := f[path]
	if !ok {
		return nil, fmt.Errorf("no file %s", path)
	}
	return b, nil
}

// shardedServer answers every request with 200, on the real transport with four shards.
func shardedServer(t *testing.T, n *Network) {
	t.Helper()
	cert, key := n.Authority().IssuePEM("example.org", "192.0.2.1")
	const shards = 4
	var queues [shards]chan transport.Inbound
	cfg := transport.Config{
		Net:    n.Host(addr("192.0.2.1")),
		Shards: shards,
		Files:  pemFiles{"cert": cert, "key": key, "ca": n.Authority().PEM()},
		TLS:    transport.TLSConfig{Certificates: []transport.Certificate{{Cert: "cert", Key: "key"}}, CA: "ca"},
		Rand:   strings.NewReader(strings.Repeat("seed", 1000)),
		Receive: func(batch []transport.Inbound) {
			for _, in := range batch {
				h := fnv.New32a()
				h.Write([]byte(in.Msg.CallID()))
				queues[h.Sum32()%shards] <- in
			}
		},
	}
	for _, s := range []string{"udp:0.0.0.0:5060", "tcp:0.0.0.0:5060", "tls:0.0.0.0:5061"} {
		l, err := transport.ParseListen(s)
		if err != nil {
			t.Fatal(err)
		}
		cfg.Listen = append(cfg.Listen, l)
	}
	tr, err := transport.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	for i := range queues {
		queues[i] = make(chan transport.Inbound, 100)
		running.Go(func() {
			for in := range queues[i] {
				tr.Sender(i).Send(in.Flow, sip.NewResponse(in.Msg, 200, "", "server").Append(nil))
				tr.Sender(i).Flush()
				in.Msg.Release()
			}
		})
	}
	t.Cleanup(func() {
		tr.Stop()
		tr.Close()
		for _, q := range queues {
			close(q)
		}
		running.Wait()
	})
	tr.Start()
}

func TestShardedServerRepeatsItsTrace(t *testing.T) {
	t.Parallel()
	play := func(seed uint64) (trace string) {
		Run(t, Setting{Seed: seed, Network: Options{Link: Link{Loss: 0.1, Jitter: 2 * time.Millisecond}}}, func(t *testing.T, s *Scene) {
			shardedServer(t, s.Net)
			transports := []sip.Transport{sip.UDP, sip.UDP, sip.UDP, sip.TCP, sip.TCP, sip.TLS}
			var uas []*UA
			for i, tr := range transports {
				server := "192.0.2.1:5060"
				if tr == sip.TLS {
					server = "192.0.2.1:5061"
				}
				uas = append(uas, NewUA(t, s.Net, fmt.Sprint("ua", i), fmt.Sprintf("192.0.2.%d:5060", 10+i), tr, server).Reliable())
			}
			for range 10 {
				var asked []*sip.Message
				for _, u := range uas {
					asked = append(asked, u.Request("OPTIONS", "sip:example.org"), u.Request("MESSAGE", "sip:bob@example.org"))
				}
				for i, req := range asked {
					if resp := uas[i/2].Final(req); resp.Status() != 200 {
						t.Errorf("%d", resp.Status())
					}
				}
			}
			trace = s.Net.Trace().String()
		})
		return trace
	}
	first := play(1)
	for range 3 {
		if again := play(1); again != first {
			t.Fatalf("traces differ:\n%s", firstDifference(first, again))
		}
	}
	if play(2) == first {
		t.Error("another seed gave the same trace")
	}
}

func TestServerRefusesAnUntrustedName(t *testing.T) {
	t.Parallel()
	Run(t, Setting{Server: "192.0.2.1:5061"}, func(t *testing.T, s *Scene) {
		shardedServer(t, s.Net)
		r := &recorder{TB: t}
		u := NewUA(r, s.Net, "alice", "192.0.2.10:5060", sip.TLS, s.Server).Domain("other.example")
		u.Request("OPTIONS", "sip:example.org")
		if !strings.Contains(r.text, "other.example") {
			t.Errorf("the failure is %q", r.text)
		}
		u.Domain("example.org")
		u.Final(u.Request("OPTIONS", "sip:example.org"))
	})
}
