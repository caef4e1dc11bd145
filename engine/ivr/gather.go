package ivr

import (
	"strings"
	"time"
)

// Judge says what digits are so far. finished means that no more will come: a terminator was pressed, or the pause
// after the last digit was too long.
type Judge func(digits string, finished bool) Verdict

// Verdict is what a Judge says.
type Verdict uint8

// The verdicts.
const (
	More    Verdict = iota // the next digit is waited for
	Taken                  // these are what was asked for
	Refused                // nothing that begins so is
)

// GatherOptions say what digits are waited for, and how long.
type GatherOptions struct {
	Judge        Judge
	Terminators  string        // digits that end the input and are none of it
	Timeout      time.Duration // for the first digit, from the end of the prompt
	DigitTimeout time.Duration // for each other one
	Tries        int           // how often the prompt is played at most
	BargeIn      bool          // a digit ends the prompt
}

// Gathered is how a Gather has ended.
type Gathered struct {
	Digits     string
	Terminator string // what has ended them, "" for none
	By         string // one of the words below
}

// The words of Gathered.By.
const (
	ByDigits  = "digits"  // the Judge has taken them
	ByInvalid = "invalid" // it has refused those of the last try
	ByTimeout = "timeout" // nothing was pressed in the last try
)

// Stage is where a Gather takes place: a call, as far as it is concerned.
type Stage interface {
	// Prompt plays what the caller is asked by, and tells done when it is over, also where that is at once. stop ends it,
	// and done is told nothing then.
	Prompt(done func()) (stop func())
	// Complain plays what a refused input is answered by; otherwise as Prompt.
	Complain(done func()) (stop func())
	// After calls fn in d unless stopped first.
	After(d time.Duration, fn func()) (stop func())
}

// gathering is where a Gather stands.
//
//	state        event                    → state        actions
//	             Start                      asking         the prompt begins
//	asking       digit, with barge-in       entering       the prompt stops
//	asking       digit, without             asking         kept for its end
//	asking       the prompt's end           waiting        Timeout runs
//	waiting      digit                      entering
//	waiting      Timeout                    next try       the prompt begins; after the last: timeout
//	entering     digit, More                entering       DigitTimeout runs anew
//	entering     digit, Taken               over           digits
//	entering     terminator, DigitTimeout   over           digits, where the Judge takes them
//	entering     Refused                    complaining    the complaint begins
//	complaining  digit                      entering       the complaint stops; after the last try it is no matter
//	complaining  the complaint's end        next try       the prompt begins; after the last: invalid
type gathering uint8

const (
	asking gathering = iota
	waiting
	entering
	complaining
	over
)

// Gather waits for digits of a caller, asking as often as it takes. It belongs to one goroutine, that of its Stage.
type Gather struct {
	stage   Stage
	options GatherOptions
	done    func(Gathered)

	state   gathering
	try     int
	digits  []byte
	kept    []byte // typed during a prompt that nothing interrupts, until its end
	refused string
	disarm  func() // of what this state waits for
}

// NewGather begins with Start and tells done once.
func NewGather(stage Stage, o GatherOptions, done func(Gathered)) *Gather {
	return &Gather{stage: stage, options: o, done: done}
}

// Start asks for the first time. Digits that were typed ahead are given to Digit before.
func (g *Gather) Start() {
	if g.state != over && g.try == 0 {
		g.ask()
	}
}

// Over reports whether it has ended; digits are for somebody else then.
func (g *Gather) Over() bool { return g.state == over }

// Stop ends it without telling anybody.
func (g *Gather) Stop() {
	g.done = nil
	g.to(over)
}

// Digit takes a digit, and reports whether it had a use for it: else it is for whoever comes next.
func (g *Gather) Digit(digit byte) bool {
	switch g.state {
	case asking:
		if g.disarm != nil && !g.options.BargeIn {
			g.kept = append(g.kept, digit)
			return true
		}
		g.try = max(g.try, 1) // typed ahead, it needs no prompt
	case complaining:
		if g.try >= g.options.Tries {
			return false
		}
		g.try++
		g.digits = g.digits[:0]
	case over:
		return false
	}
	g.enter(digit)
	return true
}

// Rest are digits that it has kept and had no use for.
func (g *Gather) Rest() string { return string(g.kept) }

// to is the only writer of the state, and ends what the state before has waited for.
func (g *Gather) to(next gathering) {
	g.state = next
	if disarm := g.disarm; disarm != nil {
		g.disarm = nil
		disarm()
	}
}

func (g *Gather) ask() {
	g.to(asking)
	g.try++
	g.digits = g.digits[:0]
	g.wait(g.stage.Prompt, asking, g.asked)
}

// wait starts what has an end of its own. It may be over at once.
func (g *Gather) wait(start func(done func()) (stop func()), in gathering, then func()) {
	ended := false
	stop := start(func() {
		ended = true
		if g.state == in {
			g.disarm = nil
			then()
		}
	})
	if !ended && g.state == in {
		g.disarm = stop
	}
}

func (g *Gather) asked() {
	if len(g.kept) == 0 {
		g.to(waiting)
		g.disarm = g.stage.After(g.options.Timeout, g.silent)
		return
	}
	for len(g.kept) > 0 {
		digit := g.kept[0]
		g.kept = g.kept[1:] // before it is used: that may be the end, behind which the rest is handed on
		if !g.Digit(digit) {
			g.kept = append([]byte{digit}, g.kept...)
			return
		}
	}
}

// silent is told that nothing was pressed.
func (g *Gather) silent() {
	if g.try < g.options.Tries {
		g.ask()
		return
	}
	g.end(ByTimeout, "")
}

func (g *Gather) enter(digit byte) {
	g.to(entering)
	if strings.IndexByte(g.options.Terminators, digit) >= 0 {
		g.finish(string(digit))
		return
	}
	g.digits = append(g.digits, digit)
	switch g.options.Judge(string(g.digits), false) {
	case Taken:
		g.end(ByDigits, "")
	case Refused:
		g.refuse("")
	case More:
		g.disarm = g.stage.After(g.options.DigitTimeout, func() { g.finish("") })
	}
}

func (g *Gather) finish(terminator string) {
	if g.options.Judge(string(g.digits), true) == Taken {
		g.end(ByDigits, terminator)
		return
	}
	g.refuse(terminator)
}

func (g *Gather) refuse(terminator string) {
	g.to(complaining)
	g.refused = terminator
	g.wait(g.stage.Complain, complaining, g.complained)
}

func (g *Gather) complained() {
	if g.try < g.options.Tries {
		g.ask()
		return
	}
	g.end(ByInvalid, g.refused)
}

func (g *Gather) end(by, terminator string) {
	g.to(over)
	if done := g.done; done != nil {
		g.done = nil
		done(Gathered{Digits: string(g.digits), Terminator: terminator, By: by})
	}
}
