package transport

import (
	"bytes"
	"errors"
	"net"
	"os"
	"testing"
	"time"
)

// The portable socket is tested wherever the tests run, though Linux does not use it.
func TestPortableSocket(t *testing.T) {
	t.Parallel()
	for _, addr := range []string{"127.0.0.1:0", "[::1]:0"} {
		var ends [2]*singleConn
		for i := range ends {
			udpAddr, err := net.ResolveUDPAddr("udp", addr)
			if err != nil {
				t.Fatal(err)
			}
			conn, err := net.ListenUDP("udp", udpAddr)
			if err != nil {
				t.Fatal(err)
			}
			ends[i] = newSingleConn(conn)
			defer ends[i].Close()
			ends[i].SetReadDeadline(time.Now().Add(20 * time.Second))
		}
		a, b := ends[0], ends[1]
		sent := []Datagram{
			{Buf: []byte("short"), Addr: b.LocalAddr()},
			{Buf: bytes.Repeat([]byte("x"), 9000), Addr: b.LocalAddr()},
			{Buf: make([]byte, 70_000), Addr: b.LocalAddr()},
		}
		if n, err := a.WriteBatch(sent); n != 2 || err == nil {
			t.Fatalf("WriteBatch: %d, %v", n, err)
		}
		got := make([]Datagram, readBatch)
		for _, want := range sent[:2] {
			n, err := b.ReadBatch(got)
			if n != 1 || err != nil || !bytes.Equal(got[0].Buf, want.Buf) || got[0].Addr != a.LocalAddr() {
				t.Fatalf("ReadBatch: %d, %v, %d bytes from %v", n, err, len(got[0].Buf), got[0].Addr)
			}
		}
		b.SetReadDeadline(time.Unix(1, 0))
		if _, err := b.ReadBatch(got); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("after the deadline: %v", err)
		}
		b.Close()
		if _, err := b.ReadBatch(got); !errors.Is(err, net.ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
	}
}
