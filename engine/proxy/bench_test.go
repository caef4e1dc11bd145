package proxy

import (
	"testing"
	"time"

	"github.com/sipscript/sipscript/sip"
)

// BenchmarkAnsweredInvite is all that the proxy does for INVITE, 180 and 200, transactions included.
func BenchmarkAnsweredInvite(b *testing.B) {
	r := newRig(b)
	messages := make([]*sip.Message, 1000)
	answered := func(Result) {}
	b.ReportAllocs()
	for i := range b.N {
		n := i % len(messages)
		if n == 0 {
			b.StopTimer()
			r.pass(time.Minute) // those before are forgotten
			r.sent = r.sent[:0]
			for i := range messages {
				messages[i] = r.request("INVITE", i)
			}
			b.StartTimer()
		}
		r.fork(messages[n], Options{}, answered, "sip:bob@192.0.2.20")
		r.answer(180)
		r.answer(200)
	}
}
