package transport

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"slices"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sipscript/sipscript/sip"
)

var peerAddr = netip.MustParseAddrPort("198.51.100.1:5060")

// dialed is one connection the transport opened.
type dialed struct {
	local  netip.Addr
	remote netip.AddrPort
	peer   net.Conn
}

// withDials runs a test against a transport whose dials end up in the channel.
func withDials(t *testing.T, limits Limits, test func(t *testing.T, n *fakeNet, tr *Transport, w *witness, dials <-chan dialed)) {
	t.Helper()
	tcp(t, limits, func(t *testing.T, n *fakeNet, tr *Transport, w *witness) {
		dials := make(chan dialed, 16)
		n.dial = func(ctx context.Context, local netip.Addr, remote netip.AddrPort) (net.Conn, error) {
			peer, ours := fakePipe(remote, netip.AddrPortFrom(local, 50000))
			dials <- dialed{local, remote, peer}
			return ours, nil
		}
		test(t, n, tr, w, dials)
	})
}

func outgoingFlow() sip.Flow {
	return sip.Flow{Transport: sip.TCP, Local: serverAddr, Remote: peerAddr}
}

func TestSendWithoutAConnectionDialsOnceAndReuses(t *testing.T) {
	t.Parallel()
	withDials(t, Limits{}, func(t *testing.T, _ *fakeNet, tr *Transport, w *witness, dials <-chan dialed) {
		s := tr.Sender(0)
		s.Send(outgoingFlow(), request("z9hG4bKa"))
		s.Send(outgoingFlow(), request("z9hG4bKb"))
		d := <-dials
		if d.local != serverAddr.Addr() || d.remote != peerAddr {
			t.Errorf("dialled from %v to %v", d.local, d.remote)
		}
		answer(t, d.peer)
		answer(t, d.peer)
		s.Send(outgoingFlow(), request("z9hG4bKc"))
		answer(t, d.peer)
		if len(dials) > 0 {
			t.Error("dialled again")
		}

		// What the peer sends there has the flow of the connection, with the listener's address as ours.
		write(t, d.peer, response("z9hG4bKa"))
		flow := w.inbound[0].Flow
		want := outgoingFlow()
		want.Conn = flow.Conn
		if flow != want || flow.Conn == 0 || !tr.Alive(flow) {
			t.Errorf("flow %+v", flow)
		}
		s.Send(flow, request("z9hG4bKd"))
		answer(t, d.peer)

		// A peer that closes is dialled again by the next message.
		d.peer.Close()
		synctest.Wait()
		if cs := w.takeClosed(); len(cs) != 1 || cs[0].flow != flow {
			t.Errorf("closed %v", cs)
		}
		s.Send(outgoingFlow(), request("z9hG4bKe"))
		d = <-dials
		answer(t, d.peer)
		d.peer.Close()
	})
}

func TestB066AcceptedConnectionIsNotReusedByItsAddress(t *testing.T) {
	t.Parallel()
	withDials(t, Limits{}, func(t *testing.T, n *fakeNet, tr *Transport, w *witness, dials <-chan dialed) {
		accepted := n.connect(t, clientAddr, serverAddr)
		defer accepted.Close()
		write(t, accepted, request("z9hG4bKa"))
		flow := w.inbound[0].Flow
		flow.Conn = 0
		tr.Sender(0).Send(flow, request("z9hG4bKb"))
		d := <-dials
		answer(t, d.peer)
		d.peer.Close()
	})
}

func TestConnectionFromAnotherLocalAddressIsAnother(t *testing.T) {
	t.Parallel()
	withDials(t, Limits{}, func(t *testing.T, _ *fakeNet, tr *Transport, w *witness, dials <-chan dialed) {
		other := outgoingFlow()
		other.Local = netip.MustParseAddrPort("203.0.113.1:5060")
		tr.Sender(0).Send(outgoingFlow(), request("z9hG4bKa"))
		tr.Sender(0).Send(other, request("z9hG4bKb"))
		var locals []string
		for range 2 {
			d := <-dials
			locals = append(locals, d.local.String())
			answer(t, d.peer)
			d.peer.Close()
		}
		slices.Sort(locals)
		if !slices.Equal(locals, []string{"192.0.2.1", "203.0.113.1"}) {
			t.Errorf("dialled from %v", locals)
		}
	})
}

func TestFailedDialFailsEachQueuedMessage(t *testing.T) {
	t.Parallel()
	hang := func(ctx context.Context, _ netip.Addr, _ netip.AddrPort) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	refuse := func(context.Context, netip.Addr, netip.AddrPort) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	}
	for _, test := range []struct {
		name  string
		dial  func(context.Context, netip.Addr, netip.AddrPort) (net.Conn, error)
		after time.Duration
		want  error
	}{
		{"refused", refuse, 0, syscall.ECONNREFUSED},
		{"no answer", hang, dialTime, context.DeadlineExceeded},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			tcp(t, Limits{}, func(t *testing.T, n *fakeNet, tr *Transport, w *witness) {
				n.dial = test.dial
				began := time.Now()
				s := tr.Sender(0)
				s.Send(outgoingFlow(), request("z9hG4bKa"))
				s.Send(outgoingFlow(), request("z9hG4bKb"))
				if test.after > 0 {
					time.Sleep(test.after - 1)
					synctest.Wait()
					if fs := w.takeFailures(); len(fs) > 0 {
						t.Errorf("failed after %v: %+v", time.Since(began), fs)
					}
					time.Sleep(time.Nanosecond)
				}
				synctest.Wait()
				fs := w.takeFailures()
				if len(fs) < 2 { // a refusal may come between the two, which then dial twice
					t.Fatalf("failures %+v", fs)
				}
				for i, branch := range []string{"z9hG4bKa", "z9hG4bKb"} {
					if !errors.Is(fs[i].Err, test.want) || fs[i].Branch != branch || fs[i].Flow != outgoingFlow() {
						t.Errorf("failure %d: %+v", i, fs[i])
					}
				}
				if cs := w.takeClosed(); len(cs) == 0 || !errors.Is(cs[0].err, test.want) || cs[0].flow.Remote != peerAddr {
					t.Errorf("closed %v", cs)
				}
				if len(tr.conns.outgoing)+len(tr.conns.byNumber) > 0 {
					t.Error("the connection is still in the table")
				}
			})
		})
	}
}

func TestCloseEndsADialInProgress(t *testing.T) {
	t.Parallel()
	tcp(t, Limits{}, func(t *testing.T, n *fakeNet, tr *Transport, w *witness) {
		n.dial = func(ctx context.Context, _ netip.Addr, _ netip.AddrPort) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		tr.Sender(0).Send(outgoingFlow(), request("z9hG4bKa"))
		synctest.Wait()
		began := time.Now()
		tr.Close()
		if d := time.Since(began); d > 0 {
			t.Errorf("Close took %v", d)
		}
		if fs := w.takeFailures(); len(fs) != 1 || !errors.Is(fs[0].Err, ErrConnectionGone) {
			t.Errorf("failures %+v", fs)
		}
	})
}

func TestOutgoingConnectionsCountTowardsTheLimit(t *testing.T) {
	t.Parallel()
	withDials(t, Limits{Connections: 1}, func(t *testing.T, _ *fakeNet, tr *Transport, w *witness, dials <-chan dialed) {
		s := tr.Sender(0)
		s.Send(outgoingFlow(), request("z9hG4bKa"))
		d := <-dials
		defer d.peer.Close()
		answer(t, d.peer)
		other := outgoingFlow()
		other.Remote = netip.MustParseAddrPort("198.51.100.2:5060")
		s.Send(other, request("z9hG4bKb"))
		s.Flush()
		if fs := w.takeFailures(); len(fs) != 1 || !errors.Is(fs[0].Err, ErrTooManyConnections) || fs[0].Flow != other {
			t.Errorf("failures %+v", fs)
		}
	})
}

// Between the end of a connection and its leaving the table a message may still find it.
func TestMessageThatMeetsAnEndedConnectionGoesByANewOne(t *testing.T) {
	t.Parallel()
	withDials(t, Limits{}, func(t *testing.T, _ *fakeNet, tr *Transport, w *witness, dials <-chan dialed) {
		s := tr.Sender(0)
		s.Send(outgoingFlow(), request("z9hG4bKa"))
		first := <-dials
		answer(t, first.peer)
		for _, c := range tr.conns.outgoing {
			c.mu.Lock()
			c.state = finishing
			c.mu.Unlock()
		}
		s.Send(outgoingFlow(), request("z9hG4bKb"))
		second := <-dials
		answer(t, second.peer)
		first.peer.Close()
		second.peer.Close()
		if fs := w.takeFailures(); len(fs) > 0 {
			t.Errorf("failures %+v", fs)
		}
	})
}

func TestOutgoingHandshakeHasTenSeconds(t *testing.T) {
	t.Parallel()
	withDials(t, Limits{}, func(t *testing.T, _ *fakeNet, tr *Transport, w *witness, dials <-chan dialed) {
		flow := outgoingFlow()
		flow.Transport = sip.TLS
		tr.Sender(0).SendTo(flow, "sip.example.org", request("z9hG4bKa"))
		d := <-dials
		began := time.Now()
		d.peer.SetReadDeadline(began.Add(time.Hour))
		io.Copy(io.Discard, d.peer) // takes the ClientHello and says nothing
		synctest.Wait()
		if d := time.Since(began); d != handshakeTime {
			t.Errorf("ended after %v", d)
		}
		if fs := w.takeFailures(); len(fs) != 1 || !errors.Is(fs[0].Err, context.DeadlineExceeded) || fs[0].Branch != "z9hG4bKa" {
			t.Errorf("failures %+v", fs)
		}
	})
}
