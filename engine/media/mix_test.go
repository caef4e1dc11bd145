package media_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/sipscript/sipscript/engine/media"
	"github.com/sipscript/sipscript/test/listen"
)

// room brings guests into a room.
func room(t *testing.T, guests ...*guest) (*media.Room, []*media.Member) {
	t.Helper()
	m := media.NewRoom("room")
	var all []*media.Member
	for _, g := range guests {
		s, err := m.Join(g.voice)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
	return m, all
}

// mixes checks which of some tones somebody hears in a stretch.
func (g *guest) mixes(from, length time.Duration, tones, want []float64) {
	g.h.t.Helper()
	samples := g.Samples()
	at := int(from * listen.Rate / time.Second)
	samples = samples[at : at+int(length*listen.Rate/time.Second)]
	for _, hz := range tones {
		p := listen.Power(samples, hz, listen.Rate)
		wanted := false
		for _, w := range want {
			wanted = wanted || w == hz
		}
		if wanted != (p > 0.2) {
			g.h.t.Errorf("%v: %.3f of what is heard from %v on is %v Hz", g.Addr(), p, from, hz)
		}
	}
}

func TestEachMemberHearsTheOthers(t *testing.T) {
	t.Parallel()
	for _, last := range []string{"0 PCMU/8000", "9 G722/8000"} {
		synctest.Test(t, func(t *testing.T) {
			h := newHall(t)
			guests := []*guest{h.guest("0 PCMU/8000"), h.guest("8 PCMA/8000"), h.guest(last), h.guest("0 PCMU/8000")}
			m, members := room(t, guests...)
			var r recorder
			m.Listen(&r)
			tones := []float64{300, 700, 1100}
			for i, hz := range []string{"300", "700", "1100"} {
				g := guests[i]
				name, _ := g.voice.Codec()
				go g.Say(g.to, name, tone(t, hz), 4*time.Second)
			}
			time.Sleep(2 * time.Second)
			if !members[0].Talks() || members[3].Talks() {
				t.Error("who talks is not known")
			}
			members[1].Mute(true)
			time.Sleep(time.Second)
			members[0].Leave()
			time.Sleep(2 * time.Second)
			synctest.Wait()
			const second = time.Second
			guests[0].mixes(second/2, second, tones, []float64{700, 1100})
			guests[1].mixes(second/2, second, tones, []float64{300, 1100})
			guests[2].mixes(second/2, second, tones, []float64{300, 700})
			guests[3].mixes(second/2, second, tones, tones)
			guests[1].mixes(5*second/2, second/2, tones, []float64{300, 1100})
			guests[3].mixes(5*second/2, second/2, tones, []float64{300, 1100})
			guests[1].mixes(7*second/2, second/2, tones, []float64{1100})
			guests[2].mixes(7*second/2, second/2, tones, nil)
			if n := len(guests[0].Samples()); n > 3*listen.Rate+listen.Rate/10 {
				t.Errorf("who has left hears %d samples", n)
			}
			for _, hz := range tones {
				if p := listen.Power(r.samples[r.rate:r.rate*2], hz, r.rate); p < 0.2 {
					t.Errorf("%.2f of the recording is %v Hz", p, hz)
				}
			}
		})
	}
}

func TestRoomPlaysToAllAndToOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t)
		a, b := h.guest(listen.Formats), h.guest(listen.Formats)
		m, members := room(t, a)
		m.Background(tone(t, "300"))
		time.Sleep(time.Second)
		second, err := m.Join(b.voice)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		var all, one ended
		m.Play(tone(t, "440/1000;once"), all.done)
		time.Sleep(2 * time.Second)
		a.voice.Play(tone(t, "700/1000;once"), one.done)
		time.Sleep(2 * time.Second)
		second.Leave()
		time.Sleep(time.Second)
		b.voice.Play(tone(t, "1000/500;once"), nil)
		members[0].Leave()
		time.Sleep(time.Second)
		synctest.Wait()
		a.hears(0, "300 Hz for 1.0 s, silence for 1.0 s, 440 Hz for 1.0 s, silence for 1.0 s, 700 Hz for 1.0 s, silence for 1.0 s, 300 Hz for 1.0 s")
		b.hears(0, "440 Hz for 1.0 s, silence for 4.0 s, 1000 Hz for 0.5 s")
		if all.times != 1 || all.played != time.Second || one.times != 1 || one.played != time.Second {
			t.Errorf("told %+v and %+v", all, one)
		}
	})
}

func TestMemberThatHangsUpLeaves(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t)
		a, b := h.guest(listen.Formats), h.guest(listen.Formats)
		m, _ := room(t, a, b)
		var e, left ended
		b.voice.Play(tone(t, "440"), e.done)
		time.Sleep(time.Second)
		h.relay.Close(b.terminal)
		time.Sleep(time.Second)
		m.Play(tone(t, "700"), left.done)
		time.Sleep(time.Second)
		h.relay.Close(a.terminal)
		time.Sleep(time.Second)
		if _, err := m.Join(a.voice); err == nil {
			t.Error("a closed voice joins")
		}
		synctest.Wait()
		if e.times != 1 || left.times != 1 {
			t.Errorf("told %d and %d times", e.times, left.times)
		}
	})
}

func TestMemberGoesFromRoomToRoom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t)
		a := h.guest(listen.Formats)
		one, two := media.NewRoom("one"), media.NewRoom("two")
		one.Background(tone(t, "300"))
		two.Background(tone(t, "700"))
		for range 3 {
			for _, m := range []*media.Room{one, two} {
				if _, err := m.Join(a.voice); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Second)
			}
		}
		synctest.Wait()
		for second := range 6 {
			want := []float64{300, 700}[second%2:][:1]
			a.mixes(time.Duration(second)*time.Second+100*time.Millisecond, 800*time.Millisecond, []float64{300, 700}, want)
		}
	})
}
