package proxy

import (
	"runtime"
	"testing"
	"time"
	"unsafe"
	"weak"
)

// An answered INVITE stands for 32 s more, and there are many of them.
func TestAnAnsweredCallLetsGoOfWhatItNoLongerNeeds(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	reported := 0
	for _, code := range []int{200, 486} {
		m := r.request("INVITE", code)
		m.Keep()
		request := weak.Make(m)
		c := r.fork(m, Options{OnBranch: nil}, func(Result) { reported++ }, "sip:bob@192.0.2.20", "sip:carol@192.0.2.30")
		m = nil
		one, two := c.open[0], c.open[1]
		r.answer(180)
		r.answer(code)
		if code == 486 {
			c.Cancel("") // of the one that has not answered
			r.pass(32 * time.Second)
			c.Finish()
		}
		if c.origin != nil || c.finals != nil || c.fork != nil || two.attempt != nil || one.attempt != nil && code == 486 {
			t.Errorf("%d: context %+v", code, c)
		}
		if code == 200 && (two.fork != nil || two.target != nil || one.target != nil) {
			t.Errorf("%d: branches %+v %+v", code, one, two)
		}
		r.last = nil
		runtime.GC()
		if request.Value() != nil {
			t.Errorf("%d: somebody holds the request", code)
		}
		runtime.KeepAlive(c)
		runtime.KeepAlive(two)
	}
	if reported != 2 {
		t.Errorf("%d results", reported)
	}
}

func TestWhatStandsIsSmall(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name        string
		size, limit uintptr
	}{
		{"Context", unsafe.Sizeof(Context{}), 160}, {"branch", unsafe.Sizeof(branch{}), 48},
	} {
		if test.size > test.limit {
			t.Errorf("%s is %d bytes, more than %d", test.name, test.size, test.limit)
		}
	}
}
