package engine

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
	"github.com/sipscript/sipscript/sip/transport"
)

// A batch is marked for up to 64 shards by one word, and there may be more.
func TestEveryMessageOfABatchReachesItsShard(t *testing.T) {
	t.Parallel()
	for _, shards := range []int{1, 2, 63, 64, 65, 130} {
		t.Run(fmt.Sprint(shards), func(t *testing.T) {
			t.Parallel()
			siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
				var seen, astray atomic.Int64
				var e *Engine
				e, _ = rig(t, s, Config{Shards: shards, Fragile: true}, func(r *Request) {
					seen.Add(1)
					if e.shardOf(r.Message.CallID()) != r.Loop().Index() {
						astray.Add(1)
					}
					_ = r.Drop()
					_ = r.End()
				})
				const many = 1000
				var batch []transport.Inbound
				for i := range many {
					text := strings.ReplaceAll(fmt.Sprintf("MESSAGE sip:x@192.0.2.1 SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.10;branch=z9hG4bK-%d\n"+
						"From: <sip:a@192.0.2.1>;tag=1\nTo: <sip:x@192.0.2.1>\nCall-ID: call-%d\nCSeq: 1 MESSAGE\nContent-Length: 0\n\n", i, i), "\n", "\r\n")
					m, err := sip.ReadDatagram([]byte(text), sip.Limits{})
					if err != nil {
						t.Fatal(err)
					}
					batch = append(batch, transport.Inbound{Msg: m, Flow: sip.Flow{Transport: sip.UDP}, At: time.Now()})
				}
				e.receive(batch)
				time.Sleep(time.Second)
				if seen.Load() != many || astray.Load() != 0 {
					t.Errorf("%d of %d messages arrived, %d on the wrong shard", seen.Load(), many, astray.Load())
				}
			})
		})
	}
}

func TestReplacedRegistrarDefaultsApplyAtOnceAndKeepTheirOwnDefaults(t *testing.T) {
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		e, _ := rig(t, s, Config{Shards: 1, Registrar: Registrar{MaxContacts: 3}}, func(r *Request) { _ = r.End() })
		if r := e.Registrar(); r.MaxContacts != 3 || r.MinExpires != time.Minute {
			t.Errorf("as configured: %+v", r)
		}
		e.SetRegistrar(Registrar{MinExpires: 5 * time.Second})
		if r := e.Registrar(); r.MaxContacts != 10 || r.MinExpires != 5*time.Second || r.DefaultExpires != time.Hour {
			t.Errorf("replaced: %+v", r)
		}
	})
}
