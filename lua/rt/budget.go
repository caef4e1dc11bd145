package rt

import (
	"context"
	"errors"
	"time"

	lua "github.com/yuin/gopher-lua"
)

// Budgets of instructions, used where VMConfig leaves them zero. A slice of DefaultBudget takes about 13 ms. The main
// chunk has more, because it runs off the shards and may fill tables.
const (
	DefaultBudget     = 500_000
	DefaultInitBudget = 100 * DefaultBudget
)

var errBudget = errors.New("instruction budget spent")

// meter is the context of every Lua thread of a VM. gopher-lua asks the context of its thread for Done before each
// instruction, so counting the questions gives a deterministic instruction budget at a few percent, where a context
// that can really be canceled costs half of the speed. Only one run executes at a time, so one meter serves all.
//
// Some instructions take longer than others: t[1e6] = x fills an array. So a slice also has two seconds of real time,
// looked at rarely; in simulated time it does not exist.
type meter struct {
	vm    *VM
	left  int
	spent <-chan struct{} // always closed
	began time.Time       // of the slice, or soon after; zero until it is looked at first
	limit time.Duration   // 0: none
}

const (
	sliceTime  = 2 * time.Second
	lookAtTime = 64 // instructions
)

// begin gives the account a new budget.
func (m *meter) begin(instructions int, limit time.Duration) {
	m.left, m.limit, m.began = instructions, limit, time.Time{}
}

func newMeter(vm *VM) *meter {
	closed := make(chan struct{})
	close(closed)
	return &meter{vm: vm, spent: closed}
}

// Done returns nil, a channel never ready, while something is left, and a closed one for ever after.
func (m *meter) Done() <-chan struct{} {
	m.left--
	if m.left >= 0 && (m.left%lookAtTime != 0 || m.inTime()) {
		return nil
	}
	return m.spent
}

// inTime reports whether the slice has taken no longer than it may, and spends the budget when it has.
func (m *meter) inTime() bool {
	switch {
	case m.limit == 0:
	case m.began.IsZero():
		m.began = time.Now()
	case time.Since(m.began) > m.limit:
		m.spend()
		return false
	}
	return true
}

func (m *meter) Err() error {
	if m.left >= 0 {
		return nil
	}
	return errBudget
}

func (m *meter) Deadline() (time.Time, bool) { return time.Time{}, false }
func (m *meter) Value(any) any               { return nil }

// spend empties the account.
func (m *meter) spend() { m.left = -1 }

// Charge takes n instructions from the budget of the running slice and raises when it is spent. Go code whose work
// grows with its input charges about one for every 25 ns, before it does the work.
func Charge(L *lua.LState, n int) {
	VMOf(L).meter.charge(L, n)
}

// What some operations cost beside the instruction that calls them, in instructions of about 25 ns.
const (
	costCall      = 8   // a protected call
	costError     = 500 // an error that is caught: its traceback is written whether anyone reads it or not
	costCoroutine = 800 // a coroutine, from its start to its end
	costPattern   = 20  // a pattern match, besides its steps
	costLine      = 100 // a line in the log
)

// take is charge without raising, for code that must not: the next instruction does.
func (m *meter) take(n int) {
	if m.left -= n; m.left < 0 {
		m.spend()
	}
}

func (m *meter) charge(L *lua.LState, n int) {
	if n > m.left {
		m.spend()
		L.RaiseError("%s", errBudget.Error())
	}
	m.left -= n
}

var _ context.Context = (*meter)(nil)
