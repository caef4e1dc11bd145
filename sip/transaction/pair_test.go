package transaction

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/sipscript/sipscript/sip"
)

// link carries packets between two tables: it loses 30 %, doubles 10 % and delays each copy by itself, out of order.
type link struct {
	rnd     *rand.Rand
	packets []packet
}

type packet struct {
	at time.Time
	b  []byte
	to *rig
}

func (l *link) carry(from, to *rig) {
	for _, b := range from.bytes {
		for copies := []int{0, 0, 0, 1, 1, 1, 1, 1, 1, 2}[l.rnd.IntN(10)]; copies > 0; copies-- {
			delay := 20*ms + time.Duration(l.rnd.IntN(100))*ms
			l.packets = append(l.packets, packet{from.wheel.Now().Add(delay), b, to})
		}
	}
	from.bytes = from.bytes[:0]
}

// arrived takes out what has come through by now.
func (l *link) arrived(now time.Time) (due []packet) {
	l.packets = slices.DeleteFunc(l.packets, func(p packet) bool {
		if p.at.After(now) {
			return false
		}
		due = append(due, p)
		return true
	})
	return due
}

// TestPairOverALossyLink lets a client and a server machine talk: whatever is lost, the request reaches its user once, a
// non-2xx final always arrives, and both ends finish.
func TestPairOverALossyLink(t *testing.T) {
	t.Parallel()
	for seed := range uint64(60) {
		status := []int{200, 486, 302}[seed%3]
		l := &link{rnd: rand.New(rand.NewPCG(seed, 1))}
		uac, uas := newRig(t, Timers{}), newRig(t, Timers{})
		c := uac.send(sip.INVITE, sip.UDP)
		requests := 0
		for uac.wheel.Now().Sub(uac.start) < 150*time.Second {
			l.carry(uac, uas)
			l.carry(uas, uac)
			for _, p := range l.arrived(uac.wheel.Now()) {
				if p.to == uac {
					uac.answer(string(p.b))
					continue
				}
				s, _ := uas.receive(string(p.b), sip.UDP)
				if s != nil && s.LastStatus() == 0 {
					requests++
					_ = s.Respond(180, encoded(sip.INVITE, 180))
					_ = s.Respond(status, encoded(sip.INVITE, status))
				}
			}
			uac.pass(10 * ms)
			uas.pass(10 * ms)
		}
		if requests != 1 {
			t.Errorf("seed %d: the user got the request %d times", seed, requests)
		}
		if uas.lens() != "0 0" || uas.wheel.Len() != 0 {
			t.Errorf("seed %d: the server side left %s", seed, uas.lens())
		}
		// A lost 2xx is its user's to repeat, and there is none here: the client may then wait for it with the 180 alone.
		state, _ := uac.client(c, nil)
		if status != 200 && (state != Terminated || !slices.Contains(uac.told, "ended") || uac.wheel.Len() != 0) {
			t.Errorf("seed %d: the client is %v after a %d, told %q", seed, state, status, uac.told)
		}
	}
}
