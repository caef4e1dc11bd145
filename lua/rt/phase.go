package rt

import (
	"math/bits"
	"strings"
)

// Phase says in what kind of call a script function is running. A set of phases is their union.
type Phase uint16

// The phases.
const (
	Init    Phase = 1 << iota // the main chunk of the script and of its modules
	Handler                   // a handler of a request or of a call
	Timer                     // on_start, every, after
	Event                     // on_end, registrar.on and the like
	Task                      // what a handler started beside itself
	Branch                    // on_branch
	Reply                     // on_reply
	Ack                       // the handler of an ACK, which nobody waits for
	Late                      // the main chunk of a module that is first required after loading
)

// Anywhere is every phase.
const Anywhere Phase = ^Phase(0)

// MayWait are the phases in which a function may wait.
const MayWait = Handler | Timer | Event | Task

var phaseNames = [...]string{
	"the main chunk", "a handler", "a timer", "an event handler", "a task", "on_branch", "on_reply", "the handler of an ACK",
	"a module required late",
}

// String names the phases of the set, as in "a handler or a timer".
func (p Phase) String() string {
	if p == Anywhere {
		return "anywhere"
	}
	var names []string
	for p != 0 {
		i := bits.TrailingZeros16(uint16(p))
		p &^= 1 << i
		if i < len(phaseNames) {
			names = append(names, phaseNames[i])
		}
	}
	return strings.Join(names, " or ")
}
