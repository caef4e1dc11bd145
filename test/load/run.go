//go:build linux

package load

import (
	"context"
	"fmt"
	"strconv"
	"time"
)

// RFC 3261 §17: the estimate of a round trip, and the longest pause between retransmissions of anything but an INVITE, in nanoseconds.
const (
	t1 = int64(500 * time.Millisecond)
	t2 = int64(4 * time.Second)
)

// generator is the state of one run; everything in it belongs to the goroutine of Run.
type generator struct {
	cfg            Config
	caller, callee *socket
	template       template

	run                    string // in every Call-ID and branch, so that messages of another run are known as such
	callIDPrefix           []byte
	branchPrefix           []byte
	callerText, calleeText string
	targetText             string
	answer                 string // SDP of the called side

	attempts []attempt // by operation number modulo slots
	legs     []leg
	open     int64 // operations begun and not over
	standing int64 // legs of the called side that have had no BYE

	retries [8]queue // requests to be sent again, by how often that was done
	oks     [8]queue // 200s to INVITE to be sent again
	giveUps queue
	holds   queue
	rings   queue

	message              message
	spare                [][]byte // buffers of ended operations; the latest is the one still in the CPU's cache
	result               Result
	answers, byes, lates histogram
	lastEnd              int64
}

// Run loads the target until all operations are over, and tells what came of them. It is one loop on the calling goroutine; it returns early,
// with what it has, when ctx is done. An error means that it could not begin.
func Run(ctx context.Context, cfg Config) (*Result, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	callerPeer, calleePeer := cfg.Target, cfg.Target
	if cfg.Direct {
		callerPeer, calleePeer = cfg.Callee, cfg.Caller
	}
	caller, err := openSocket(cfg.Caller, callerPeer)
	if err != nil {
		return nil, err
	}
	defer caller.close()
	callee, err := openSocket(cfg.Callee, calleePeer)
	if err != nil {
		return nil, err
	}
	defer callee.close()
	g := newGenerator(cfg, "L"+strconv.FormatInt(time.Now().UnixMicro(), 36))
	g.caller, g.callee = caller, callee
	g.loop(ctx)
	return g.finish(), nil
}

func newGenerator(cfg Config, run string) *generator {
	g := &generator{
		cfg: cfg, run: run,
		callIDPrefix: []byte(run + "-"), branchPrefix: []byte("branch=z9hG4bK" + run),
		callerText: cfg.Caller.String(), calleeText: cfg.Callee.String(), targetText: cfg.Target.String(),
		answer:   sdp(42000),
		attempts: make([]attempt, slots), legs: make([]leg, slots),
		result: Result{Mode: cfg.Mode, Codes: map[int]int64{}, Anomalies: map[string]int64{}},
	}
	for i := range g.attempts {
		g.attempts[i].number, g.legs[i].number = -1, -1
	}
	g.template = g.request()
	return g
}

func (g *generator) takeBuffer() []byte {
	n := len(g.spare)
	if n == 0 {
		return make([]byte, 0, 2048)
	}
	b := g.spare[n-1]
	g.spare = g.spare[:n-1]
	return b[:0]
}

func (g *generator) giveBuffer(b *[]byte) {
	if *b != nil {
		g.spare = append(g.spare, *b)
		*b = nil
	}
}

// burst is the shortest sleep between new operations: at high rates they go out a few at a time, as sleeping for each would cost more than
// sending it.
const burst = int64(200 * time.Microsecond)

func (g *generator) loop(ctx context.Context) {
	epoch := time.Now()
	clock := func() int64 { return int64(time.Since(epoch)) }
	stop := int64(g.cfg.Duration)
	last := stop + int64(g.cfg.GiveUp) + int64(g.cfg.Hold) + int64(g.cfg.Ring) + int64(time.Second)
	callerReady, calleeReady := false, false
	for next := int64(0); ; {
		now := clock()
		more := false
		if callerReady {
			n := g.caller.receive()
			for i := range n {
				g.onResponse(g.caller.datagram(i), now)
			}
			more = n == batchSize
		}
		if calleeReady {
			n := g.callee.receive()
			for i := range n {
				g.onRequest(g.callee.datagram(i), now)
			}
			more = more || n == batchSize
		}
		wake := g.fire(now)
		starting := next < g.cfg.Count && now < stop && ctx.Err() == nil
		if starting {
			var at int64
			next, at = g.beginDue(now, next)
			wake = min(wake, at)
		}
		g.caller.flush()
		g.callee.flush()
		if (!starting && g.over(now)) || now > last || ctx.Err() != nil {
			return
		}
		if more {
			callerReady, calleeReady = true, true
			continue
		}
		callerReady, calleeReady = await(wake-clock(), g.caller, g.callee)
	}
}

// over reports whether nothing more is to come. A call is over for its caller before the called side of a server that makes calls of its own has
// its BYE, which would be sent again into the next run.
func (g *generator) over(now int64) bool {
	return g.open == 0 && (g.cfg.Mode != B2BUA || g.standing == 0 || now > g.lastEnd+int64(time.Second))
}

// beginDue begins the operations whose turn it is and returns the next number and when to look again.
func (g *generator) beginDue(now, next int64) (number, wake int64) {
	if g.cfg.Window > 0 {
		for n := 0; n < batchSize && next < g.cfg.Count && g.open < int64(g.cfg.Window); n++ {
			g.begin(now, next)
			next++
		}
		return next, now + int64(50*time.Millisecond)
	}
	period := 1e9 / g.cfg.Rate
	owed := min(int64(float64(now)/period)+1, g.cfg.Count)
	for n := 0; n < batchSize && next < owed; n++ {
		g.lates.add(now - int64(float64(next)*period))
		g.begin(now, next)
		next++
	}
	if next < owed {
		return next, now
	}
	return next, max(int64(float64(next)*period), now+burst)
}

// armTransaction sets the first retransmission and the give-up of the request just sent.
func (g *generator) armTransaction(now int64, a *attempt) {
	g.retries[0].push(due{at: now + t1, number: a.number, state: a.state})
	g.giveUps.push(due{at: now + int64(g.cfg.GiveUp), number: a.number, state: a.state})
}

// fire does what is due and returns when the next thing will be.
func (g *generator) fire(now int64) int64 {
	wake := now + int64(50*time.Millisecond)
	for k := range g.retries {
		for d, ok := g.retries[k].next(now); ok; d, ok = g.retries[k].next(now) {
			g.retry(d, k, now)
		}
		wake = g.retries[k].earliest(wake)
	}
	for k := range g.oks {
		for d, ok := g.oks[k].next(now); ok; d, ok = g.oks[k].next(now) {
			if l := &g.legs[d.number%slots]; l.number == d.number && l.state == legAnswered {
				g.callee.queue(l.ok)
				g.result.Resent++
				g.oks[min(k+1, len(g.oks)-1)].push(due{at: now + min(t1<<(k+1), t2), number: d.number})
			}
		}
		wake = g.oks[k].earliest(wake)
	}
	for d, ok := g.giveUps.next(now); ok; d, ok = g.giveUps.next(now) {
		a := &g.attempts[d.number%slots]
		if a.number == d.number && (a.state == d.state || d.state == trying && a.state == proceeding) {
			g.result.TimedOut++
			g.end(a, now)
		}
	}
	for d, ok := g.holds.next(now); ok; d, ok = g.holds.next(now) {
		if a := &g.attempts[d.number%slots]; a.number == d.number && a.state == holding {
			g.sendBye(a, now)
		}
	}
	for d, ok := g.rings.next(now); ok; d, ok = g.rings.next(now) {
		if l := &g.legs[d.number%slots]; l.number == d.number && l.state == legRinging {
			g.pickUp(l, now)
		}
	}
	return g.rings.earliest(g.holds.earliest(g.giveUps.earliest(wake)))
}

// retry sends a request again that has had no answer, and arms the next time: Timer A doubles, Timer E only up to T2 (RFC 3261 §17.1).
func (g *generator) retry(d due, k int, now int64) {
	a := &g.attempts[d.number%slots]
	if a.number != d.number || a.state != d.state {
		return
	}
	if a.state == closing {
		g.caller.queue(a.bye)
	} else {
		g.sendRequest(a.number)
	}
	g.result.Resent++
	pause := t1 << (k + 1)
	if a.state == closing || g.cfg.Mode != Call {
		pause = min(pause, t2)
	}
	g.retries[min(k+1, len(g.retries)-1)].push(due{at: now + pause, number: d.number, state: d.state})
}

func (g *generator) anomaly(what string, b []byte) {
	g.result.Anomalies[what]++
	if g.result.Example == "" {
		g.result.Example = fmt.Sprintf("%s\n%s", what, b)
	}
}

func (g *generator) finish() *Result {
	r := &g.result
	r.TimedOut += g.open
	r.Elapsed = time.Duration(g.lastEnd)
	if g.lastEnd > 0 {
		r.PerSecond = float64(r.Succeeded) / r.Elapsed.Seconds()
	}
	r.Answer, r.Bye, r.Late = g.answers.latency(), g.byes.latency(), g.lates.latency()
	r.Sent, r.Received = g.caller.sent+g.callee.sent, g.caller.received+g.callee.received
	r.Lost = g.caller.sendErrs + g.callee.sendErrs + g.caller.recvErrs + g.callee.recvErrs
	return r
}
