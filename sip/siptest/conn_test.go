package siptest

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// streams connects two hosts and returns both ends.
func streams(t *testing.T, n *Network) (client, server net.Conn) {
	t.Helper()
	at := addrPort("192.0.2.2:5060")
	l, err := n.Host(at.Addr()).Listen(at)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client, err = n.Host(addr("192.0.2.1")).Dial(t.Context(), netip.Addr{}, at)
	if err != nil {
		t.Fatal(err)
	}
	server, err = l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close(); server.Close() })
	return client, server
}

func TestStreamCarriesBytesBothWays(t *testing.T) {
	bubble(t, 1, Options{Link: Link{Delay: 10 * time.Millisecond}}, func(t *testing.T, n *Network) {
		start := time.Now()
		client, server := streams(t, n)
		if took := time.Since(start).Round(time.Millisecond); took != 20*time.Millisecond {
			t.Errorf("connecting took %v, want a round trip", took)
		}
		if client.RemoteAddr().String() != server.LocalAddr().String() || client.LocalAddr().String() != server.RemoteAddr().String() {
			t.Errorf("ends %v-%v and %v-%v", client.LocalAddr(), client.RemoteAddr(), server.LocalAddr(), server.RemoteAddr())
		}
		io.WriteString(client, "ping")
		b := make([]byte, 4)
		if _, err := io.ReadFull(server, b); err != nil || string(b) != "ping" {
			t.Fatalf("server read %q, %v", b, err)
		}
		io.WriteString(server, "pong")
		if _, err := io.ReadFull(client, b); err != nil || string(b) != "pong" {
			t.Fatalf("client read %q, %v", b, err)
		}
		if took := time.Since(start).Round(time.Millisecond); took != 40*time.Millisecond {
			t.Errorf("took %v, want two round trips", took)
		}
	})
}

func TestStreamLosesTimeAndNotBytes(t *testing.T) {
	bubble(t, 5, Options{Link: Link{Loss: 0.3, Jitter: 20 * time.Millisecond}}, func(t *testing.T, n *Network) {
		client, server := streams(t, n)
		want := strings.Repeat("0123456789", 200)
		go func() {
			defer client.Close()
			for i := range 200 {
				io.WriteString(client, want[10*i:10*i+10])
				time.Sleep(time.Millisecond)
			}
		}()
		got, err := io.ReadAll(server)
		if err != nil || string(got) != want {
			t.Errorf("got %d bytes, %v", len(got), err)
		}
	})
}

func TestHalfClosedStreamStillCarriesTheOtherWay(t *testing.T) {
	bubble(t, 1, Options{}, func(t *testing.T, n *Network) {
		client, server := streams(t, n)
		io.WriteString(client, "question")
		client.(interface{ CloseWrite() error }).CloseWrite()
		if got, err := io.ReadAll(server); err != nil || string(got) != "question" {
			t.Fatalf("server read %q, %v", got, err)
		}
		if _, err := io.WriteString(client, "more"); !errors.Is(err, syscall.EPIPE) {
			t.Errorf("write after CloseWrite: %v", err)
		}
		io.WriteString(server, "answer")
		server.Close()
		if got, err := io.ReadAll(client); err != nil || string(got) != "answer" {
			t.Fatalf("client read %q, %v", got, err)
		}
	})
}

func TestResetReachesThePeer(t *testing.T) {
	for name, end := range map[string]func(net.Conn){
		"linger 0": func(c net.Conn) { c.(interface{ SetLinger(int) error }).SetLinger(0); c.Close() },
		"unread bytes": func(c net.Conn) {
			time.Sleep(10 * time.Millisecond)
			c.Close()
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, 1, Options{}, func(t *testing.T, n *Network) {
				client, server := streams(t, n)
				io.WriteString(client, "unread")
				end(server)
				if _, err := client.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
					t.Errorf("read: %v", err)
				}
				if _, err := client.Write([]byte("x")); !errors.Is(err, syscall.EPIPE) {
					t.Errorf("write: %v", err)
				}
			})
		})
	}
}

func TestWritingToAClosedPeerDrawsAReset(t *testing.T) {
	bubble(t, 1, Options{}, func(t *testing.T, n *Network) {
		client, server := streams(t, n)
		server.Close()
		time.Sleep(10 * time.Millisecond)
		if _, err := io.WriteString(client, "first"); err != nil {
			t.Errorf("the first write: %v", err)
		}
		time.Sleep(10 * time.Millisecond)
		if _, err := io.WriteString(client, "second"); !errors.Is(err, syscall.EPIPE) {
			t.Errorf("the second write: %v", err)
		}
	})
}

func TestBreakResetsBothEnds(t *testing.T) {
	bubble(t, 1, Options{}, func(t *testing.T, n *Network) {
		client, server := streams(t, n)
		io.WriteString(client, "on the way")
		n.Break(n.Host(addr("192.0.2.2")), n.Host(addr("192.0.2.1")))
		time.Sleep(time.Second)
		for _, c := range []net.Conn{client, server} {
			if k, err := c.Read(make([]byte, 20)); !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("%v read %d, %v", c.LocalAddr(), k, err)
			}
		}
	})
}

func TestDialFindsNobody(t *testing.T) {
	bubble(t, 1, Options{}, func(t *testing.T, n *Network) {
		h := n.Host(addr("192.0.2.1"))
		n.Host(addr("192.0.2.2"))
		start := time.Now()
		_, err := h.Dial(t.Context(), netip.Addr{}, addrPort("192.0.2.2:5060"))
		if !errors.Is(err, syscall.ECONNREFUSED) || time.Since(start).Round(time.Millisecond) != 2*time.Millisecond {
			t.Errorf("closed port: %v after %v", err, time.Since(start))
		}

		start = time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		var timeout net.Error
		_, err = h.Dial(ctx, netip.Addr{}, addrPort("192.0.2.9:5060"))
		if !errors.As(err, &timeout) || !timeout.Timeout() || time.Since(start) != 5*time.Second {
			t.Errorf("no host: %v after %v", err, time.Since(start))
		}

		start = time.Now()
		_, err = h.Dial(t.Context(), netip.Addr{}, addrPort("192.0.2.9:5060"))
		if !errors.Is(err, syscall.ETIMEDOUT) || time.Since(start) != synTimeout {
			t.Errorf("no host, no deadline: %v after %v", err, time.Since(start))
		}
	})
}

func TestPartitionHoldsStreamsUntilHealed(t *testing.T) {
	bubble(t, 1, Options{}, func(t *testing.T, n *Network) {
		client, server := streams(t, n)
		a, b := n.Host(addr("192.0.2.1")), n.Host(addr("192.0.2.2"))
		n.Partition(a, b)
		io.WriteString(client, "one ")
		time.Sleep(time.Second)
		io.WriteString(client, "two")
		server.SetReadDeadline(time.Now().Add(time.Minute))
		buf := make([]byte, 7)
		if k, err := server.Read(buf); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("partitioned read: %q, %v", buf[:k], err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := a.Dial(ctx, netip.Addr{}, addrPort("192.0.2.2:5060")); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("partitioned dial: %v", err)
		}
		n.Heal(a, b)
		server.SetReadDeadline(time.Time{})
		if _, err := io.ReadFull(server, buf); err != nil || string(buf) != "one two" {
			t.Errorf("healed read: %q, %v", buf, err)
		}
	})
}

func TestWriterWaitsForAPeerThatDoesNotRead(t *testing.T) {
	bubble(t, 1, Options{Window: 100}, func(t *testing.T, n *Network) {
		client, server := streams(t, n)
		client.SetWriteDeadline(time.Now().Add(10 * time.Second))
		start := time.Now()
		k, err := client.Write(make([]byte, 150))
		if k != 100 || !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(start) != 10*time.Second {
			t.Fatalf("Write = %d, %v after %v", k, err, time.Since(start))
		}
		client.SetWriteDeadline(time.Time{})
		wrote := make(chan error, 1)
		go func() {
			_, err := client.Write(make([]byte, 50))
			wrote <- err
		}()
		synctest.Wait()
		select {
		case err := <-wrote:
			t.Fatalf("a full window took more: %v", err)
		default:
		}
		if _, err := io.ReadFull(server, make([]byte, 150)); err != nil {
			t.Fatal(err)
		}
		if err := <-wrote; err != nil {
			t.Error(err)
		}
	})
}

func TestCloseEndsWaitingOnAStream(t *testing.T) {
	bubble(t, 1, Options{Window: 10}, func(t *testing.T, n *Network) {
		client, _ := streams(t, n)
		errs := make(chan error, 2)
		go func() { _, err := client.Read(make([]byte, 1)); errs <- err }()
		go func() { _, err := client.Write(make([]byte, 20)); errs <- err }()
		synctest.Wait()
		client.Close()
		for range 2 {
			if err := <-errs; !errors.Is(err, net.ErrClosed) {
				t.Errorf("got %v", err)
			}
		}
	})
}

func TestClosingAListenerResetsWhatNobodyAccepted(t *testing.T) {
	bubble(t, 1, Options{}, func(t *testing.T, n *Network) {
		at := addrPort("192.0.2.2:5060")
		l, err := n.Host(at.Addr()).Listen(at)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := n.Host(at.Addr()).Listen(at); !errors.Is(err, syscall.EADDRINUSE) {
			t.Errorf("second listener: %v", err)
		}
		c, err := n.Host(addr("192.0.2.1")).Dial(t.Context(), netip.Addr{}, at)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		l.Close()
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("read: %v", err)
		}
		if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("accept: %v", err)
		}
	})
}
