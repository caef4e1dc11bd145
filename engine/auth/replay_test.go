package auth

import (
	"testing"
	"time"
)

func TestForgottenNonceIsStaleForEver(t *testing.T) {
	t.Parallel()
	table := newReplays(bucketSlots) // one bucket
	at := func(i int) nonce { return nonce{id: uint64(i), issued: start.UnixMilli() + int64(i)} }
	accept := func(n nonce, count uint32) bool {
		return table.accept(n, count, request{callID: "x", cseq: count, method: "INVITE"}, start)
	}
	for i := 1; i <= bucketSlots; i++ {
		if !accept(at(i), 1) {
			t.Fatalf("nonce %d refused although there was room", i)
		}
	}
	if !accept(at(10), 1) {
		t.Fatal("a new nonce refused although the first could be forgotten for it")
	}
	if accept(at(1), 1) || accept(at(1), 2) {
		t.Error("the forgotten nonce was taken up again: its counts could be used twice")
	}
	if accept(at(0), 1) {
		t.Error("a nonce older than the forgotten one was taken up")
	}
	for _, i := range []int{2, 3, 4, 10} {
		if !accept(at(i), 2) {
			t.Errorf("nonce %d, which was not forgotten, is refused", i)
		}
	}
	if !accept(at(11), 1) {
		t.Error("a newer nonce is refused")
	}
}

func TestEvictionTakesTheNonceIssuedFirst(t *testing.T) {
	t.Parallel()
	table := newReplays(bucketSlots)
	for i, issued := range []int64{50, 20, 40, 30} {
		table.accept(nonce{id: uint64(i), issued: issued}, 1, request{}, start)
	}
	table.accept(nonce{id: 9, issued: 60}, 1, request{}, start)
	if got := table.buckets[0].floor; got != 20 {
		t.Errorf("floor %d, want 20", got)
	}
}

func TestASpiralIsRememberedAmongLaterRequests(t *testing.T) {
	t.Parallel()
	table := newReplays(64)
	n := nonce{id: 1, issued: start.UnixMilli()}
	request := func(i int) request { return request{callID: "call", cseq: uint32(i), method: "INVITE"} }
	for i := 1; i <= 4; i++ {
		if !table.accept(n, uint32(i), request(i), start) {
			t.Fatalf("count %d refused", i)
		}
	}
	for i := 1; i <= 4; i++ {
		if !table.accept(n, uint32(i), request(i), start.Add(time.Second)) {
			t.Errorf("the spiral of request %d refused", i)
		}
	}
	table.accept(n, 5, request(5), start)
	if table.accept(n, 1, request(1), start) {
		t.Error("a request pushed out by later ones still passes: the memory is not bounded as said")
	}
}
