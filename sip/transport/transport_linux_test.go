package transport

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/sipscript/sipscript/sip"
)

func TestSendAndFlushDoNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	c := listenPacket(t, "127.0.0.1:0")
	tr, err := Open(Config{Listen: listen("udp:127.0.0.1:0"), Receive: func([]Inbound) {}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tr.Close)
	s := tr.Sender(0)
	flow := sip.Flow{Transport: sip.UDP, Local: tr.Listeners()[0].Local, Remote: c.LocalAddr()}
	b := request("z9hG4bKa")
	allocs := testing.AllocsPerRun(100, func() {
		for range 8 {
			s.Send(flow, b)
		}
		s.Flush()
	})
	if allocs != 0 {
		t.Errorf("%v allocations for a turn of 8 messages", allocs)
	}
}

func TestPortUnreachableFailsTheBranchThatWentThere(t *testing.T) {
	t.Parallel()
	for _, ip := range []string{"127.0.0.1", "::1"} {
		t.Run(ip, func(t *testing.T) {
			t.Parallel()
			nobody := nobodyAt(ip)
			tr, w := start(t, Config{Listen: listen("udp:" + hostText(nobody.Addr()) + ":0"), Shards: 2})
			local := tr.Listeners()[0].Local
			there := listenPacket(t, strings.Replace(local.String(), fmt.Sprint(":", local.Port()), ":0", 1))
			lost := sip.Flow{Transport: sip.UDP, Local: local, Remote: nobody}
			good := sip.Flow{Transport: sip.UDP, Local: local, Remote: there.LocalAddr()}
			const rounds = 10
			for i := range rounds {
				s := tr.Sender(i % 2)
				s.Send(lost, request(fmt.Sprint("z9hG4bKlost", i)))
				for range 5 {
					s.Send(good, request(fmt.Sprint("z9hG4bKgood", i)))
				}
				s.Flush()
			}
			receiveN(t, there, 5*rounds)
			// The system bounds how many ICMP errors it makes in a second, so not each datagram comes back.
			eventually(t, "a failure", func() bool { return w.count(Returned) > 0 })
			fs := w.takeFailures()
			if len(fs) == 0 {
				t.Fatal("no failure")
			}
			for _, f := range fs {
				if f.Flow != lost || !strings.HasPrefix(f.Branch, "z9hG4bKlost") || !errors.Is(f.Err, syscall.ECONNREFUSED) {
					t.Errorf("failure %+v", f)
				}
			}
		})
	}
}

func TestTooLongMessageFailsAloneAfterTheBatch(t *testing.T) {
	t.Parallel()
	tr, w := start(t, Config{Listen: listen("udp:127.0.0.1:0")})
	there := listenPacket(t, "127.0.0.1:0")
	flow := sip.Flow{Transport: sip.UDP, Local: tr.Listeners()[0].Local, Remote: there.LocalAddr()}
	s := tr.Sender(0)
	s.Send(flow, request("z9hG4bKa"))
	s.Send(flow, withBody("z9hG4bKb", 66_000))
	s.Send(flow, request("z9hG4bKc"))
	if len(w.takeFailures()) > 0 {
		t.Error("reported within Send")
	}
	s.Flush()
	if fs := w.takeFailures(); len(fs) != 1 || fs[0].Branch != "z9hG4bKb" || !errors.Is(fs[0].Err, syscall.EMSGSIZE) {
		t.Errorf("failures %+v", fs)
	}
	receiveN(t, there, 2)
}

func TestPortInUseIsNamed(t *testing.T) {
	t.Parallel()
	for _, transport := range []string{"udp", "tcp"} {
		first, _ := start(t, Config{Listen: listen(transport + ":127.0.0.1:0"), Shards: 2})
		spec := fmt.Sprintf("%s:%s", transport, first.Listeners()[0].Local)
		_, err := Open(Config{Listen: listen(spec), Shards: 2, Receive: func([]Inbound) {}})
		want := fmt.Sprintf("listen %s %s: ", transport, first.Listeners()[0].Local)
		if !errors.Is(err, syscall.EADDRINUSE) || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("Open: %v", err)
		}
	}
}

// The way of a datagram from the socket to Receive allocates no more than the message itself does.
func TestReadingDatagramsDoesNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	batch := make(chan int, readBatch)
	tr, err := Open(Config{Listen: listen("udp:127.0.0.1:0"), Receive: func(in []Inbound) {
		for i := range in {
			in[i].Msg.Release()
		}
		batch <- len(in)
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tr.Close)
	tr.Start()
	c := listenPacket(t, "127.0.0.1:0")
	out := make([]Datagram, 8)
	for i := range out {
		out[i] = Datagram{Buf: request("z9hG4bKa"), Addr: tr.Listeners()[0].Local}
	}
	allocs := testing.AllocsPerRun(200, func() {
		if _, err := c.WriteBatch(out); err != nil {
			t.Fatal(err)
		}
		for got := 0; got < len(out); {
			got += <-batch
		}
	})
	if allocs >= 1 {
		t.Errorf("%v allocations for 8 datagrams", allocs)
	}
}
