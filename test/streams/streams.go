//go:build linux

// Package streams sends RTP both ways through a media relay, and measures what comes out of it: loss, and how long each packet took, from just before it
// was sent to the kernel's stamp of its arrival. All addresses are of the loopback.
package streams

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/pion/srtp/v3"
	"golang.org/x/sys/unix"
)

const (
	perSecond = 50  // packets of a flow
	payload   = 160 // bytes: 20 ms of G.711
	header    = 12
	step      = 500 * time.Microsecond // between two looks at what is due
	inFlight  = 256                    // packets of a flow that may be on their way, a power of two
	drain     = 700 * time.Millisecond // after the last packet, for those on their way
	maxLate   = 20 * time.Millisecond  // a generator that is held up longer skips what was due: a burst would measure queues
)

// Flow is one direction of a call: packets leave by the generator's socket From for the relay's address To, and are to arrive at its socket Into.
type Flow struct {
	From, Into int
	To         netip.AddrPort
	// Seal and Open are SRTP master key and salt (AES-CM-128 with HMAC-SHA1-80) of what is sent and of what arrives; empty: RTP.
	Seal, Open []byte
}

// Config says what is sent and for how long. Flows are spread evenly over the 20 ms of a packet.
type Config struct {
	Flows    []Flow
	WarmUp   time.Duration // before what counts
	Duration time.Duration // of what counts
}

// Result is what has come of the packets sent while it counted.
type Result struct {
	Sent      uint64    `json:"sent"`
	Received  uint64    `json:"received"`
	Lost      uint64    `json:"lost"`
	Wrong     uint64    `json:"wrong"`      // not what was sent, twice, or at another's address
	Skipped   uint64    `json:"skipped"`    // not sent, as the generator was held up
	Late      float64   `json:"late_us"`    // how late the generator itself was at most
	Latency   Quantiles `json:"latency_us"` // through the relay
	Seconds   float64   `json:"seconds"`
	PerSecond float64   `json:"per_second"`
}

// Generator holds the sockets.
type Generator struct {
	sockets []*socket
	flows   []flow
	latency []int32
	result  Result
	counts  bool
}

type flow struct {
	Flow
	seal     *srtp.Context
	open     *srtp.Context
	sequence uint16
	sent     [inFlight]int64 // by sequence number, when; 0: arrived, or does not count
	checked  uint32
}

// Open opens n sockets at the loopback address ip.
func Open(ip netip.Addr, n int) (*Generator, error) {
	if !ip.IsLoopback() || !ip.Is4() {
		return nil, fmt.Errorf("streams: %v is not an IPv4 loopback address", ip)
	}
	g := &Generator{}
	for range n {
		s, err := openSocket(ip)
		if err != nil {
			g.Close()
			return nil, err
		}
		g.sockets = append(g.sockets, s)
	}
	return g, nil
}

// Close closes the sockets.
func (g *Generator) Close() {
	for _, s := range g.sockets {
		s.close()
	}
}

// Addresses are those of the sockets.
func (g *Generator) Addresses() []netip.AddrPort {
	all := make([]netip.AddrPort, len(g.sockets))
	for i, s := range g.sockets {
		all[i] = s.local
	}
	return all
}

// Run sends until the time is over or ctx is done.
func (g *Generator) Run(ctx context.Context, c Config) (*Result, error) {
	if len(c.Flows) == 0 {
		return nil, errors.New("streams: no flows")
	}
	g.flows = make([]flow, len(c.Flows))
	for i, f := range c.Flows {
		if f.From >= len(g.sockets) || f.Into >= len(g.sockets) || !f.To.Addr().IsLoopback() {
			return nil, fmt.Errorf("streams: flow %d: %+v", i, f)
		}
		g.flows[i].Flow = f
		var err error
		if g.flows[i].seal, err = contextOf(f.Seal); err != nil {
			return nil, err
		}
		if g.flows[i].open, err = contextOf(f.Open); err != nil {
			return nil, err
		}
	}
	g.latency = make([]int32, 0, int(c.Duration.Seconds()*perSecond*float64(len(g.flows)))+1)
	g.run(ctx, c)
	g.finish(c)
	return &g.result, ctx.Err()
}

func contextOf(key []byte) (*srtp.Context, error) {
	if len(key) == 0 {
		return nil, nil
	}
	const keyLen, saltLen = 16, 14
	if len(key) != keyLen+saltLen {
		return nil, fmt.Errorf("streams: %d bytes of key", len(key))
	}
	return srtp.CreateContext(key[:keyLen], key[keyLen:], srtp.ProtectionProfileAes128CmHmacSha1_80)
}

// run paces: the packets of all flows are one sequence, evenly in time.
func (g *Generator) run(ctx context.Context, c Config) {
	gap := float64(time.Second) / perSecond / float64(len(g.flows))
	start := monotonic()
	counted, end := start+int64(c.WarmUp), start+int64(c.WarmUp+c.Duration)
	sent := 0
	for next := start; next < end+int64(drain) && ctx.Err() == nil; next += int64(step) {
		sleepUntil(next)
		now := monotonic()
		g.counts = now >= counted && now < end
		if now < end {
			due := int(float64(now-start) / gap)
			if late := time.Duration(now - next); late > maxLate {
				g.skip(due - sent)
				sent = due
				next = now
			} else if g.counts {
				g.result.Late = max(g.result.Late, float64(late)/1e3)
			}
			for ; sent < due; sent++ {
				g.send(sent % len(g.flows))
			}
			for _, s := range g.sockets {
				s.flush()
			}
		}
		for i, s := range g.sockets {
			s.receive(func(b []byte, at int64) { g.arrived(i, b, at) })
		}
	}
}

func (g *Generator) skip(n int) {
	if g.counts {
		g.result.Skipped += uint64(max(0, n))
	}
}

// send queues the next packet of a flow.
func (g *Generator) send(i int) {
	f := &g.flows[i]
	s := g.sockets[f.From]
	b := s.next(f.To)
	b = b[:header+payload]
	b[0], b[1] = 0x80, 0 // PCMU
	binary.BigEndian.PutUint16(b[2:], f.sequence)
	binary.BigEndian.PutUint32(b[4:], uint32(f.sequence)*payload)
	binary.BigEndian.PutUint32(b[8:], uint32(i))
	for j := header; j < len(b); j += 8 {
		binary.BigEndian.PutUint64(b[j:], pattern(i, f.sequence))
	}
	if f.seal != nil {
		sealed, err := f.seal.EncryptRTP(b[:0], b, nil)
		if err != nil {
			panic(err) // it has room, and a key
		}
		b = sealed
	}
	f.sent[f.sequence%inFlight] = 0
	if g.counts {
		f.sent[f.sequence%inFlight] = s.now()
		g.result.Sent++
	}
	f.sequence++
	s.queue(b)
}

// pattern is what stands in the payload of a packet.
func pattern(flow int, sequence uint16) uint64 {
	return (uint64(flow)<<16|uint64(sequence)|1<<40)*0x9e3779b97f4a7c15 | 1
}

// arrived takes one packet.
func (g *Generator) arrived(socket int, b []byte, at int64) {
	if len(b) < header+payload {
		g.wrong()
		return
	}
	i := int(binary.BigEndian.Uint32(b[8:]))
	if i >= len(g.flows) || g.flows[i].Into != socket {
		g.wrong()
		return
	}
	f := &g.flows[i]
	sequence := binary.BigEndian.Uint16(b[2:])
	if !f.intact(i, b, sequence) {
		g.wrong()
		return
	}
	sent := &f.sent[sequence%inFlight]
	if *sent == 0 {
		return
	}
	g.result.Received++
	g.latency = append(g.latency, int32(min((at-*sent)/1000, 1<<30)))
	*sent = 0
}

func (g *Generator) wrong() {
	if g.counts {
		g.result.Wrong++
	}
}

// intact compares a packet with what was sent. Of what is encrypted it opens one in sixteen, so that the generator keeps up.
func (f *flow) intact(i int, b []byte, sequence uint16) bool {
	if f.open != nil {
		if f.checked++; f.checked%16 != 1 {
			return true
		}
		opened, err := f.open.DecryptRTP(b[:0], b, nil)
		if err != nil {
			return false
		}
		b = opened
	}
	return len(b) == header+payload && binary.BigEndian.Uint64(b[header:]) == pattern(i, sequence)
}

func (g *Generator) finish(c Config) {
	r := &g.result
	r.Lost = r.Sent - r.Received
	r.Seconds = c.Duration.Seconds()
	r.PerSecond = float64(r.Received) / r.Seconds
	r.Latency = quantiles(g.latency)
}

// monotonic is the time of CLOCK_MONOTONIC in nanoseconds.
func monotonic() int64 { return clock(unix.CLOCK_MONOTONIC) }

func clock(id int32) int64 {
	var ts unix.Timespec
	_ = unix.ClockGettime(id, &ts) // it cannot fail for the clocks used
	return ts.Nano()
}

func sleepUntil(at int64) {
	ts := unix.NsecToTimespec(at)
	for unix.ClockNanosleep(unix.CLOCK_MONOTONIC, unix.TIMER_ABSTIME, &ts, nil) == unix.EINTR {
		continue
	}
}
