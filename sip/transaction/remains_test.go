package transaction

import (
	"bytes"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/sipscript/sipscript/sip"
)

// TestRemainsHoldNoPointer: the garbage collector would not see it.
func TestRemainsHoldNoPointer(t *testing.T) {
	t.Parallel()
	for _, typ := range []reflect.Type{reflect.TypeFor[remnant](), reflect.TypeFor[ref]()} {
		if at := pointerIn(typ); at != "" {
			t.Errorf("%v has a pointer in %s", typ, at)
		}
	}
}

func pointerIn(typ reflect.Type) string {
	switch typ.Kind() {
	case reflect.Struct:
		for i := range typ.NumField() {
			if at := pointerIn(typ.Field(i).Type); at != "" {
				return typ.Field(i).Name + " " + at
			}
		}
		return ""
	case reflect.Array:
		return pointerIn(typ.Elem())
	case reflect.Pointer, reflect.Slice, reflect.Map, reflect.String, reflect.Interface, reflect.Chan, reflect.Func, reflect.UnsafePointer:
		return typ.String()
	default:
		return ""
	}
}

func TestB024FurtherOKGoesOnWhenItsUserHasLetGo(t *testing.T) {
	t.Parallel()
	up := flowOf(sip.UDP)
	for _, test := range []struct {
		name   string
		up     sip.Flow
		status int
		after  time.Duration
		done   bool
		goesOn bool
	}{
		{"another callee", up, 200, 0, true, true},
		{"at the last moment", up, 200, 32*time.Second - ms, true, true},
		{"after Timer M", up, 200, 32 * time.Second, false, false},
		{"a late 180", up, 180, 0, true, false},
		{"a late 486", up, 486, 0, true, false},
		{"upstream is a stream", flowOf(sip.TCP), 200, 0, false, false}, // its user goes on
	} {
		r := newRig(t, Timers{})
		c := r.send(sip.INVITE, sip.UDP)
		r.answer(response(sip.INVITE, 200))
		r.output()
		c.PassOn(test.up)
		r.pass(test.after)
		again, flow, done := r.table.Response(read(t, response(sip.INVITE, test.status, "a6c85cf", "another")))
		if done != test.done || (flow == up) != test.goesOn || (again != nil) == (test.up == up) {
			t.Errorf("%s: transaction %v, done %v, flow %v", test.name, again != nil, done, flow)
		}
		if sent := r.output(); sent != "" {
			t.Errorf("%s: sent %q", test.name, sent)
		}
	}
}

func TestInviteAndItsCancelLeaveOneRemnantEach(t *testing.T) {
	t.Parallel()
	r := newRig(t, Timers{})
	r.send(sip.INVITE, sip.UDP)
	r.send(sip.CANCEL, sip.UDP)
	r.answer(response(sip.CANCEL, 200))
	r.answer(response(sip.INVITE, 487))
	r.output()
	for _, test := range []struct {
		method string
		status int
		sent   string
	}{{sip.INVITE, 487, "ACK"}, {sip.CANCEL, 200, ""}} {
		if !r.answer(response(test.method, test.status)) {
			t.Errorf("%d to %s: unknown", test.status, test.method)
		}
		if sent := r.output(); sent != test.sent {
			t.Errorf("%d to %s: sent %q, want %q", test.status, test.method, sent, test.sent)
		}
	}
	if r.lens() != "0 2" {
		t.Errorf("%s stand", r.lens())
	}
}

func TestCancelOfAnInviteThatHasItsAnswerIsKnown(t *testing.T) {
	t.Parallel()
	r := newRig(t, Timers{})
	s, _ := r.receive(request(sip.INVITE), sip.UDP)
	_ = s.Respond(200, encoded(sip.INVITE, 200))
	s.Abandon()
	if s, known := r.table.Canceled(read(t, request(sip.CANCEL))); s != nil || !known {
		t.Errorf("transaction %v, known %v", s != nil, known)
	}
	r.pass(32 * time.Second)
	if _, known := r.table.Canceled(read(t, request(sip.CANCEL))); known {
		t.Error("known after Timer L")
	}
}

// TestRemainsEndInTheirTurn lets many end, one after the other, across blocks.
func TestRemainsEndInTheirTurn(t *testing.T) {
	t.Parallel()
	const n = 700
	r := newRig(t, Timers{})
	q := &r.table.remains.queues[waitTimeout]
	text := func(i int) string { return request("MESSAGE", branch, fmt.Sprint(branch, i)) }
	for i := range n {
		s, _ := r.receive(text(i), sip.UDP)
		_ = s.Respond(200, encoded("MESSAGE", 200))
		s.Abandon()
		r.pass(20 * ms)
	}
	r.output()
	if len(q.blocks) < 3 {
		t.Fatalf("all lie in %d blocks", len(q.blocks))
	}
	for passed := range n {
		if servers, _ := r.table.Len(); servers > n-passed || servers < n-passed-2 {
			t.Fatalf("%d stand when %d should have ended", servers, passed)
		}
		r.receive(text(n-1), sip.UDP)
		if sent := r.output(); sent != "200" {
			t.Fatalf("the newest was answered with %q", sent)
		}
		if passed == 0 {
			r.pass(32*time.Second - n*20*ms)
		}
		if passed < n-2 {
			r.pass(20 * ms)
		}
	}
	r.pass(time.Second)
	if r.lens() != "0 0" || r.wheel.Len() != 0 || r.table.remains.index.count != 0 || q.blocks != nil {
		t.Errorf("left behind: %s, %d timers, %d places, %d blocks", r.lens(), r.wheel.Len(), r.table.remains.index.count, len(q.blocks))
	}
	s, _ := r.receive(text(0), sip.UDP)
	if s == nil || s.State() != Trying {
		t.Error("a request after the end is not a new one")
	}
}

func TestWhatIsSentAgainOutlivesItsTransaction(t *testing.T) {
	t.Parallel()
	r := newRig(t, Timers{})
	stand := func(branches, status int) {
		for i := range branches {
			s, _ := r.receive(request("MESSAGE", branch, fmt.Sprint(branch, i)), sip.UDP)
			_ = s.Respond(status, encoded("MESSAGE", status))
			s.Abandon()
		}
	}
	stand(1, 200)
	r.bytes = nil
	r.receive(request("MESSAGE", branch, branch+"0"), sip.UDP)
	again := r.bytes[0]
	want := bytes.Clone(again)
	r.pass(33 * time.Second)
	stand(1000, 480) // in the same place
	if !bytes.Equal(again, want) {
		t.Errorf("what was sent has become\n%s", again)
	}
}

func TestLongAnswerIsSentAgainWhole(t *testing.T) {
	t.Parallel()
	r := newRig(t, Timers{})
	long := append(encoded("MESSAGE", 200), bytes.Repeat([]byte("x"), blockSize)...)
	for i := range 3 {
		text := request("MESSAGE", branch, fmt.Sprint(branch, i))
		s, _ := r.receive(text, sip.UDP)
		answer := long[:len(long)-blockSize*(1-i%2)] // a short one, a long one, a short one
		_ = s.Respond(200, answer)
		s.Abandon()
		r.bytes = nil
		r.receive(text, sip.UDP)
		if len(r.bytes) != 1 || !bytes.Equal(r.bytes[0], answer) {
			t.Errorf("answer %d: %d were sent", i, len(r.bytes))
		}
	}
	r.pass(33 * time.Second)
	if r.lens() != "0 0" {
		t.Errorf("%s stand", r.lens())
	}
}
