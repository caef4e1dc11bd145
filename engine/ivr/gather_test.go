package ivr

import (
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// booth is a Stage whose prompts last for two seconds and whose complaints for one, and which notes what is played.
type booth struct {
	mu     sync.Mutex // in the place of the one goroutine that a Stage belongs to
	played []string
}

func (b *booth) locked(fn func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	fn()
}

func (b *booth) play(name string, d time.Duration, done func()) (stop func()) {
	b.played = append(b.played, name)
	t := time.AfterFunc(d, func() { b.locked(done) })
	return func() {
		if t.Stop() {
			b.played = append(b.played, "cut")
		}
	}
}

func (b *booth) Prompt(done func()) func()   { return b.play("prompt", 2*time.Second, done) }
func (b *booth) Complain(done func()) func() { return b.play("complaint", time.Second, done) }
func (b *booth) After(d time.Duration, fn func()) func() {
	t := time.AfterFunc(d, func() { b.locked(fn) })
	return func() { t.Stop() }
}

// pin takes exactly four digits, or with # at least two.
func pin(digits string, finished bool) Verdict {
	switch {
	case len(digits) == 4, finished && len(digits) >= 2:
		return Taken
	case finished:
		return Refused
	}
	return More
}

// choice takes 1 or 22.
func choice(digits string, finished bool) Verdict {
	switch {
	case digits == "1", digits == "22":
		return Taken
	case digits == "2" && !finished:
		return More
	}
	return Refused
}

func TestGather(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		ahead   string // typed before it begins
		typed   string // digits, and a dot for each half second between them
		tries   int
		judge   Judge
		bargeIn bool
		want    Gathered
		after   float64 // seconds from the beginning to the end
		played  string
		rest    string // digits nobody had a use for
	}{
		{name: "all digits, after the prompt", typed: ".....1234", want: Gathered{Digits: "1234", By: ByDigits}, after: 2.5, played: "prompt"},
		{name: "barge-in ends the prompt", typed: ".1.2.3.4", bargeIn: true, want: Gathered{Digits: "1234", By: ByDigits}, after: 2, played: "prompt cut"},
		{name: "typed into a prompt that goes on to its end", typed: ".1234", want: Gathered{Digits: "1234", By: ByDigits}, after: 2, played: "prompt"},
		{name: "more than asked for, during such a prompt", typed: ".123456", want: Gathered{Digits: "1234", By: ByDigits}, after: 2, played: "prompt", rest: "56"},
		{name: "typed ahead needs no prompt", ahead: "1234", want: Gathered{Digits: "1234", By: ByDigits}, played: ""},
		{name: "typed ahead in part", ahead: "12", typed: "..34", want: Gathered{Digits: "1234", By: ByDigits}, after: 1, played: ""},
		{name: "typed ahead beyond it", ahead: "123477", want: Gathered{Digits: "1234", By: ByDigits}, played: "", rest: "77"},
		{name: "the same digit twice", bargeIn: true, typed: "1111", want: Gathered{Digits: "1111", By: ByDigits}, played: "prompt cut"},
		{name: "terminator", bargeIn: true, typed: "12#", want: Gathered{Digits: "12", Terminator: "#", By: ByDigits}, played: "prompt cut"},
		{name: "pause after enough digits", bargeIn: true, typed: "123", want: Gathered{Digits: "123", By: ByDigits}, after: 3, played: "prompt cut"},
		{name: "each digit gives new time", bargeIn: true, typed: "1.....2.....3", want: Gathered{Digits: "123", By: ByDigits}, after: 5 + 3, played: "prompt cut"},
		{name: "pause after too few", bargeIn: true, typed: "1", want: Gathered{Digits: "1", By: ByInvalid}, after: 3 + 1, played: "prompt cut complaint"},
		{name: "terminator alone", bargeIn: true, typed: "#", want: Gathered{Terminator: "#", By: ByInvalid}, after: 1, played: "prompt cut complaint"},
		{name: "nothing: the time runs from the end of the prompt", want: Gathered{By: ByTimeout}, after: 2 + 5, played: "prompt"},
		{name: "nothing, asked three times", tries: 3, want: Gathered{By: ByTimeout}, after: 3 * 7, played: "prompt prompt prompt"},
		{name: "wrong, then right", tries: 2, bargeIn: true, typed: "1#.....1234", want: Gathered{Digits: "1234", By: ByDigits}, after: 2.5, played: "prompt cut complaint prompt cut"},
		{name: "a digit ends the complaint and begins the next try", tries: 2, bargeIn: true, typed: "1#.1234", want: Gathered{Digits: "1234", By: ByDigits}, after: 0.5, played: "prompt cut complaint cut"},
		{name: "the last complaint is heard out", bargeIn: true, typed: "1#.1", want: Gathered{Digits: "1", Terminator: "#", By: ByInvalid}, after: 1, played: "prompt cut complaint", rest: "1"},
		{name: "wrong, then nothing", tries: 2, bargeIn: true, typed: "1#", want: Gathered{By: ByTimeout}, after: 1 + 7, played: "prompt cut complaint prompt"},
		{name: "typed ahead and wrong counts as a try", ahead: "#", tries: 1, want: Gathered{Terminator: "#", By: ByInvalid}, after: 1, played: "complaint"},
		{name: "choice of one digit", judge: choice, bargeIn: true, typed: "1", want: Gathered{Digits: "1", By: ByDigits}, played: "prompt cut"},
		{name: "choice of two digits", judge: choice, bargeIn: true, typed: "2.2", want: Gathered{Digits: "22", By: ByDigits}, after: 0.5, played: "prompt cut"},
		{name: "beginning of a choice", judge: choice, bargeIn: true, typed: "2", want: Gathered{Digits: "2", By: ByInvalid}, after: 3 + 1, played: "prompt cut complaint"},
		{name: "no choice", judge: choice, bargeIn: true, typed: "9", want: Gathered{Digits: "9", By: ByInvalid}, after: 1, played: "prompt cut complaint"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				if c.judge == nil {
					c.judge = pin
				}
				b, begin := &booth{}, time.Now()
				ended := make(chan Gathered, 1)
				var at time.Duration
				g := NewGather(b, GatherOptions{Judge: c.judge, Terminators: "#", Timeout: 5 * time.Second, DigitTimeout: 3 * time.Second, Tries: max(c.tries, 1), BargeIn: c.bargeIn},
					func(got Gathered) { at = time.Since(begin); ended <- got })
				rest := ""
				press := func(digits string) {
					for _, d := range []byte(digits) {
						if d == '.' {
							time.Sleep(500 * time.Millisecond)
							synctest.Wait()
							continue
						}
						b.locked(func() {
							if !g.Digit(d) {
								rest += string(d)
							}
						})
					}
				}
				press(c.ahead)
				b.locked(g.Start)
				press(c.typed)
				got := <-ended
				b.mu.Lock()
				defer b.mu.Unlock()
				if got != c.want {
					t.Errorf("gathered %+v, want %+v", got, c.want)
				}
				if want := time.Duration(c.after * float64(time.Second)); at != want {
					t.Errorf("it took %v, want %v", at, want)
				}
				if played := strings.Join(b.played, " "); played != c.played {
					t.Errorf("played %q, want %q", played, c.played)
				}
				if rest += g.Rest(); rest != c.rest {
					t.Errorf("%q are left, want %q", rest, c.rest)
				}
				if !g.Over() {
					t.Error("it is not over")
				}
			})
		})
	}
}

func TestStoppedGatherSaysNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &booth{}
		g := NewGather(b, GatherOptions{Judge: pin, Timeout: time.Second, DigitTimeout: time.Second, Tries: 3}, func(got Gathered) { t.Errorf("it ended with %+v", got) })
		b.locked(g.Start)
		time.Sleep(time.Second)
		b.locked(g.Stop)
		time.Sleep(time.Hour)
		b.mu.Lock()
		defer b.mu.Unlock()
		if played := strings.Join(b.played, " "); played != "prompt cut" {
			t.Errorf("played %q after it was stopped", played)
		}
		if g.Digit('1') {
			t.Error("it has taken a digit after it was stopped")
		}
	})
}
