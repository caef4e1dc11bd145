package media

import (
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/sipscript/sipscript/engine/media/description"
)

// sink is a socket whose packets go nowhere; it keeps the last one.
type sink struct {
	packets int
	last    []byte
	to      netip.AddrPort
}

func (s *sink) send(b []byte, to netip.AddrPort) error {
	s.packets++
	s.last, s.to = append(s.last[:0], b...), to
	return nil
}
func (s *sink) lock(netip.AddrPort) {}
func (s *sink) close()              {}

// stand is a voice on one of two streams that are joined, whose pacer the test drives.
type stand struct {
	*voice
	own, other *stream
	socket     *sink
	now        int64
}

func newStand(t testing.TB, key *description.SDES) *stand {
	t.Helper()
	own, other := joined(t, key, nil)
	socket := &sink{}
	own.rtp.socket, own.rtcp.socket = socket, &sink{}
	s := &stand{own: own, other: other, socket: socket, now: int64(time.Hour)}
	s.voice = &voice{terminal: own.terminal, slot: nowhere}
	s.pacer = newPacer(func() int64 { return s.now }, func() {})
	if err := s.begin(rand.NewChaCha8([32]byte{2})); err != nil {
		t.Fatal(err)
	}
	s.settle([]*stream{own})
	return s
}

// pass lets time pass by steps.
func (s *stand) pass(d, step time.Duration) {
	for ; d > 0; d -= step {
		s.now += int64(step)
		s.pacer.due(s.now)
	}
}

// hum is a source that never ends.
type hum struct{ frames int }

func (h *hum) Read(frame []int16, _ int) int {
	h.frames++
	for i := range frame {
		frame[i] = int16(i * 50)
	}
	return len(frame)
}

// some is a source of so many frames.
type some struct{ frames int }

func (s *some) Read(frame []int16, _ int) int {
	if s.frames == 0 {
		return 0
	}
	s.frames--
	return len(frame)
}

type ignore struct{ frames int }

func (i *ignore) Write([]int16, int) { i.frames++ }

type both struct{}

func (*both) Write(_, _ []int16, _ int) {}

func TestFrameAllocatesNothing(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector allocates")
	}
	for _, tc := range []struct {
		name string
		key  *description.SDES
		do   func(s *stand)
		gone int // frames sent
	}{
		{"play", nil, func(s *stand) { s.Play(&hum{}, nil) }, 1},
		{"play with SRTP", sdesOf(description.AES128SHA80), func(s *stand) { s.Play(&hum{}, nil) }, 1},
		{"listen", nil, func(s *stand) { s.Listen(&ignore{}) }, 0},
		{"listen and play", nil, func(s *stand) { s.Listen(&ignore{}); s.Play(&hum{}, nil) }, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newStand(t, tc.key)
			tc.do(s)
			s.own.route.Store(nil)
			heard := rtpOf(0, 0, 0, 1, make([]byte, 160))
			scratch := buffer(make([]byte, 172))
			n := uint16(0)
			frame := func() {
				n++
				b := append(scratch[:0], heard...)
				b[3], b[2] = byte(n), byte(n>>8)
				at := uint32(n) * 160
				b[4], b[5], b[6], b[7] = byte(at>>24), byte(at>>16), byte(at>>8), byte(at)
				if tc.key == nil {
					s.own.rtp.treat(s.now, b, aliceAt)
				}
				s.pass(20*time.Millisecond, time.Millisecond)
			}
			for range 200 {
				frame()
			}
			before := s.socket.packets
			if allocs := testing.AllocsPerRun(200, frame); allocs != 0 {
				t.Errorf("%v allocations a frame", allocs)
			}
			if sent := s.socket.packets - before; sent < 201*tc.gone || sent > 201*tc.gone+2 {
				t.Errorf("%d packets", sent)
			}
		})
	}
}

// What this server says is sealed with the key of the leg, and authentic to its peer.
func TestVoiceIsSealed(t *testing.T) {
	t.Parallel()
	for _, suite := range []description.Suite{description.AES128SHA80, description.AES256GCM} {
		s := newStand(t, sdesOf(suite))
		opens, err := newCrypt(sdesOf(suite))
		if err != nil {
			t.Fatal(err)
		}
		s.Play(&hum{}, nil)
		for i := range 50 {
			s.pass(20*time.Millisecond, time.Millisecond)
			if s.socket.packets != i+1 {
				t.Fatalf("%v: %d packets behind %d frames", suite, s.socket.packets, i+1)
			}
			h, _ := readRTP(s.socket.last)
			plain, err := opens.openRTP(buffer(s.socket.last), &h)
			if err != nil || len(plain) != 172 || h.payload != 0 {
				t.Fatalf("%v: %d bytes of %d: %v", suite, len(plain), h.payload, err)
			}
		}
	}
}

// A thread that comes late makes up for two frames at most, and the timestamps tell of those it has left out.
func TestLateThreadSendsNoBurst(t *testing.T) {
	t.Parallel()
	s := newStand(t, nil)
	s.Play(&hum{}, nil)
	s.pass(100*time.Millisecond, time.Millisecond)
	for _, tc := range []struct {
		late    time.Duration
		packets int
	}{
		{20 * time.Millisecond, 1}, {40 * time.Millisecond, 2}, {100 * time.Millisecond, 2}, {time.Second, 2}, {time.Minute, 2},
	} {
		h, _ := readRTP(s.socket.last)
		before := s.socket.packets
		s.now += int64(tc.late)
		s.pacer.due(s.now)
		after, _ := readRTP(s.socket.last)
		if n := s.socket.packets - before; n != tc.packets {
			t.Errorf("%d packets after %v", n, tc.late)
		}
		if got, want := after.timestamp-h.timestamp, uint32(tc.late*8000/time.Second); got != want {
			t.Errorf("timestamps %d apart after %v, want %d", got, tc.late, want)
		}
	}
}

// However many begin at once, they are spread over the 20 ms.
func TestPacerSpreadsItsMembers(t *testing.T) {
	t.Parallel()
	now := int64(time.Hour)
	p := newPacer(func() int64 { return now }, func() {})
	var all []*counted
	for range 200 {
		c := &counted{}
		all = append(all, c)
		p.take(c, nowhere)
	}
	most := 0
	for range 1000 {
		now += int64(time.Millisecond)
		before := counts(all)
		p.due(now)
		most = max(most, counts(all)-before)
	}
	if n := counts(all); n < 200*49 || n > 200*50 || most != 10 {
		t.Errorf("%d ticks in a second, at most %d in a slot", n, most)
	}
	for _, c := range all {
		c.done = true
	}
	now += int64(20 * time.Millisecond)
	p.due(now)
	if p.members != 0 || p.next() != 0 {
		t.Errorf("%d members are left", p.members)
	}
}

type counted struct {
	ticks int
	done  bool
}

func (c *counted) tick(*pacer, int64) bool {
	c.ticks++
	return !c.done
}

func counts(all []*counted) (sum int) {
	for _, c := range all {
		sum += c.ticks
	}
	return sum
}

func TestPunctuality(t *testing.T) {
	t.Parallel()
	var l lateness
	for i := range 100 {
		l.note(time.Duration(i)*time.Millisecond/2, 10)
	}
	l.note(time.Hour, 1)
	var p Punctuality
	for i := range l.counts {
		p.counts[i] = l.counts[i].Load()
		p.Frames += p.counts[i]
	}
	if p.Frames != 1001 || p.Quantile(0.5) != 25250*time.Microsecond || p.Quantile(1) != 100*time.Millisecond {
		t.Errorf("%d frames, half of them within %v, all within %v", p.Frames, p.Quantile(0.5), p.Quantile(1))
	}
	if later := p.Since(p); later.Frames != 0 {
		t.Errorf("%d frames since now", later.Frames)
	}
}

func BenchmarkPlay(b *testing.B) {
	s := newStand(b, nil)
	s.Play(&hum{}, nil)
	s.pass(100*time.Millisecond, time.Millisecond)
	b.ReportAllocs()
	for b.Loop() {
		s.now += int64(20 * time.Millisecond)
		s.pacer.due(s.now)
	}
}

// BenchmarkRoom is a frame of a conference of 100, all of whom send and five of whom talk.
func BenchmarkRoom(b *testing.B) {
	const members = 100
	now := int64(time.Hour)
	p := newPacer(func() int64 { return now }, func() {})
	r := &Relay{loop: &goroutines{paces: p}}
	room := NewRoom("room")
	var all []*stand
	for range members {
		s := newStand(b, nil)
		s.own.route.Store(nil)
		s.terminal.relay = r
		s.pacer = p
		if _, err := room.Join(s.voice); err != nil {
			b.Fatal(err)
		}
		all = append(all, s)
	}
	loud, quiet := make([]byte, 160), make([]byte, 160)
	for i := range loud {
		loud[i], quiet[i] = byte(i*37), 0xff
	}
	scratch := buffer(make([]byte, 172))
	n := uint16(0)
	frame := func() {
		n++
		for i, s := range all {
			body := quiet
			if i < 5 {
				body = loud
			}
			s.own.rtp.treat(now, append(scratch[:0], rtpOf(0, n, uint32(n)*160, 1, body)...), aliceAt)
		}
		now += int64(20 * time.Millisecond)
		p.due(now)
	}
	for range 100 {
		frame()
	}
	b.ReportAllocs()
	for b.Loop() {
		frame()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/members, "ns/member")
}

// A voice that has nothing to do is served no more, whatever it has done.
func TestIdleVoiceLeavesThePacer(t *testing.T) {
	t.Parallel()
	end := func(sequence, timestamp int, bits byte) []byte {
		return rtpOf(101, uint16(sequence), uint32(timestamp), 1, []byte{5, bits | 10, 3, 0x20})
	}
	for name, do := range map[string]func(s *stand){
		"played":        func(s *stand) { s.Play(&some{frames: 3}, nil) },
		"listened":      func(s *stand) { s.Listen(&ignore{})() },
		"digits":        func(s *stand) { s.SendDigits("1", 0, 0, nil) },
		"background":    func(s *stand) { s.Background(&some{frames: 3}) },
		"a digit":       func(s *stand) { s.own.rtp.treat(s.now, buffer(end(1, 1, 0)), aliceAt) },
		"its end alone": func(s *stand) { s.own.rtp.treat(s.now, buffer(end(1, 1, 0x80)), aliceAt) },
		"two at once": func(s *stand) {
			s.own.rtp.treat(s.now, buffer(end(1, 1, 0)), aliceAt)
			s.own.rtp.treat(s.now, buffer(end(2, 2000, 0x80)), aliceAt)
		},
	} {
		s := newStand(t, nil)
		do(s)
		s.pass(time.Second, time.Millisecond)
		if s.pacer.members != 0 || s.paced {
			t.Errorf("%s: still served", name)
		}
		do(s)
		s.pass(time.Second, time.Millisecond)
		if s.pacer.members != 0 {
			t.Errorf("%s again: still served", name)
		}
	}
}

// Nothing that a peer or the terminal connected sends harms a voice that listens, plays, taps and presses keys.
func FuzzVoice(f *testing.F) {
	f.Add([]byte("\x80\x00\x00\x01\x00\x00\x00\xa0\x00\x00\x00\x01voice"), []byte("\x80\x65\x00\x01\x00\x00\x00\xa0\x00\x00\x00\x01\x05\x8a\x03\x20"))
	f.Add([]byte("\xb1\x08\x00\x01\x00\x00\x00\xa0\x00\x00\x00\x01\x00\x00\x00\x02\xbe\xde\x00\x01\x00\x00\x00\x00x\x01"), []byte("\x81\xc8\x00\x0c"))
	f.Fuzz(func(t *testing.T, said, passed []byte) {
		s := newStand(t, nil)
		s.Tap(&both{})
		s.Play(&hum{}, nil)
		s.Digits(func(Digit) {})
		s.own.rtp.treat(s.now, buffer(rtpOf(0, 1, 160, 1, make([]byte, 160))), aliceAt)
		s.other.rtp.treat(s.now, buffer(rtpOf(0, 1, 160, 1, make([]byte, 160))), bobAt)
		for range 4 {
			s.own.rtp.treat(s.now, buffer(said), aliceAt)
			s.own.rtcp.treat(s.now, buffer(said), netip.AddrPortFrom(aliceAt.Addr(), aliceAt.Port()+1))
			s.other.rtp.treat(s.now, buffer(passed), bobAt)
			s.pass(20*time.Millisecond, 20*time.Millisecond)
			s.SendDigits("1", 20*time.Millisecond, 20*time.Millisecond, nil)
		}
	})
}
