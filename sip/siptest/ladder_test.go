package siptest

import (
	"io"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/sipscript/sipscript/sip"
)

func message(start string) string {
	method := strings.Fields(start)[0]
	if method == "SIP/2.0" {
		method = "INVITE"
	}
	return start + "\r\nVia: SIP/2.0/TCP h;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: 1\r\n" +
		"CSeq: 1 " + method + "\r\nContent-Length: 0\r\n\r\n"
}

func TestLadderShowsWhatBecameOfEachMessage(t *testing.T) {
	bubble(t, 3, Options{}, func(t *testing.T, n *Network) {
		alice, proxy := packetConn(t, n, "192.0.2.1:5060"), packetConn(t, n, "192.0.2.2:5060")
		packetConn(t, n, "192.0.2.3:5060")
		a, p := n.Host(addr("192.0.2.1")), n.Host(addr("192.0.2.2"))
		n.Lose(1, a, nil, Matching("INVITE"))
		send(t, alice, "192.0.2.2:5060", message("INVITE sip:b@h SIP/2.0"))
		time.Sleep(500 * time.Millisecond)
		send(t, alice, "192.0.2.2:5060", message("INVITE sip:b@h SIP/2.0"))
		time.Sleep(10 * time.Millisecond)
		send(t, proxy, "192.0.2.3:5060", message("INVITE sip:b@h SIP/2.0"))
		send(t, proxy, "192.0.2.1:5060", message("SIP/2.0 100 Trying"))
		send(t, proxy, "192.0.2.3:5070", message("OPTIONS sip:b@h SIP/2.0"))
		send(t, proxy, "192.0.2.1:5060", "\r\n\r\n")
		time.Sleep(10 * time.Millisecond)
		n.LinkOneWay(p, a, Link{Duplicate: 1})
		send(t, proxy, "192.0.2.1:5060", message("SIP/2.0 180 Ringing"))
		send(t, alice, "192.0.2.3:5060", "junk")
		time.Sleep(time.Second)
		n.Partition(a, p)
		send(t, alice, "192.0.2.2:5060", message("CANCEL sip:b@h SIP/2.0"))
		names := map[netip.Addr]string{addr("192.0.2.1"): "alice", addr("192.0.2.2"): "the proxy"}
		Golden(t, "testdata/fates.ladder", n.Ladder(names))
		if with, without := n.Ladder(names), n.Ladder(names, OmitTimes); with == without || strings.Contains(without, "510") {
			t.Errorf("times were not left out:\n%s", without)
		}
	})
}

func TestLadderCutsStreamsIntoMessages(t *testing.T) {
	bubble(t, 1, Options{}, func(t *testing.T, n *Network) {
		client, server := streams(t, n)
		whole := message("INVITE sip:b@h SIP/2.0")
		io.WriteString(client, "\r\n\r\n"+whole+whole[:40])
		time.Sleep(100 * time.Millisecond)
		io.WriteString(client, whole[40:]+message("ACK sip:b@h SIP/2.0"))
		time.Sleep(100 * time.Millisecond)
		io.WriteString(server, "no SIP at all\r\n\r\n")
		time.Sleep(100 * time.Millisecond)
		client.Close()
		server.Close()
		time.Sleep(100 * time.Millisecond)
		Golden(t, "testdata/stream.ladder", n.Ladder(nil, ShowConnections))
	})
}

func TestSameSceneGivesTheSameTraceOverEveryTransport(t *testing.T) {
	t.Parallel()
	play := func(seed uint64, tr sip.Transport) (trace, ladder string) {
		Run(t, Setting{Seed: seed, Network: Options{Link: Link{Loss: 0.2, Jitter: 5 * time.Millisecond}}}, func(t *testing.T, s *Scene) {
			bob := NewUA(t, s.Net, "bob", "192.0.2.20:5060", tr, "192.0.2.10:5060").AutoAnswer(time.Second)
			var callers []*UA
			for _, name := range []string{"alice", "carol", "dave"} {
				u := NewUA(t, s.Net, name, "192.0.2.1"+string(name[0]%7+'0')+":5060", tr, "192.0.2.20:5060").Reliable()
				u.Request("INVITE", bob.AOR())
				callers = append(callers, u)
			}
			for _, u := range callers {
				d := u.Dialog(u.Expect("200 INVITE", time.Minute))
				d.ACK()
				d.BYE()
				u.Expect("200 BYE", time.Minute)
			}
			time.Sleep(time.Minute)
			trace, ladder = s.Net.Trace().String(), s.Ladder()
		})
		return trace, ladder
	}
	for _, tr := range []sip.Transport{sip.UDP, sip.TCP, sip.TLS} {
		first, ladder := play(1, tr)
		for range 3 {
			again, againLadder := play(1, tr)
			if again != first {
				t.Errorf("%v: traces differ:\n%s", tr, firstDifference(first, again))
			}
			if againLadder != ladder {
				t.Errorf("%v: ladders differ:\n%s", tr, firstDifference(ladder, againLadder))
			}
		}
		if other, _ := play(2, tr); other == first {
			t.Errorf("%v: another seed gave the same trace", tr)
		}
	}
}

func TestAuthorityIssuesTheSameCertificateAgain(t *testing.T) {
	t.Parallel()
	a, b := NewAuthority(1), NewAuthority(1)
	cert, key := a.IssuePEM("example.org", "192.0.2.1", "sip:example.org")
	again, againKey := b.IssuePEM("example.org", "192.0.2.1", "sip:example.org")
	if string(cert) != string(again) || string(key) != string(againKey) {
		t.Error("certificates differ")
	}
	leaf := a.Issue("example.org", "192.0.2.1", "sip:example.org").Leaf
	if len(leaf.DNSNames) != 1 || len(leaf.IPAddresses) != 1 || len(leaf.URIs) != 1 {
		t.Errorf("names %v %v %v", leaf.DNSNames, leaf.IPAddresses, leaf.URIs)
	}
	if string(NewAuthority(2).PEM()) == string(a.PEM()) {
		t.Error("two seeds made one authority")
	}
}
