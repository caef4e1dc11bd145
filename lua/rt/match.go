package rt

import (
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// stepsPerInstruction is how many steps of the matcher cost as much as an instruction.
const stepsPerInstruction = 8

// matcher matches one pattern against one string, as the C implementation of Lua 5.1 does, and counts its steps: a
// pattern like (.-)(.-)(.-)x takes time with the fourth power of the length of its subject.
type matcher struct {
	s     string
	p     *pattern
	steps int // left; negative: spent
	caps  [maxCaptures]span
}

// span is a capture. A position capture has the length isPosition.
type span struct{ start, len int }

const isPosition = -1

// newMatcher gives the matcher what is left of the budget.
func (vm *VM) newMatcher(s string, p *pattern) *matcher {
	vm.meter.take(costPattern)
	return &matcher{s: s, p: p, steps: vm.meter.left * stepsPerInstruction}
}

// settle charges what the matcher has used, and raises when it was everything.
func (m *matcher) settle(L *lua.LState, meter *meter) {
	if m.steps < 0 {
		meter.charge(L, meter.left+1)
	}
	meter.left = m.steps / stepsPerInstruction
}

// search finds the first match that starts at init or later.
func (m *matcher) search(init int) (start, stop int, ok bool) {
	for start = init; start <= len(m.s); start++ {
		if m.p.literal && !m.p.anchored {
			n := strings.IndexByte(m.s[start:], m.p.first)
			if n < 0 {
				m.steps -= (len(m.s) - start) / 16
				return 0, 0, false
			}
			m.steps -= n / 16
			start += n
		}
		if stop = m.match(start, 0); stop >= 0 {
			return start, stop, true
		}
		if m.p.anchored || m.steps < 0 {
			break
		}
	}
	return 0, 0, false
}

// match matches the items from i on at s[at:] and returns where the match ends, or -1.
func (m *matcher) match(at, i int) int {
	for ; i < len(m.p.items); i++ {
		if m.steps--; m.steps < 0 {
			return -1
		}
		it := &m.p.items[i]
		switch it.kind {
		case open:
			old := m.caps[it.n]
			m.caps[it.n] = span{at, 0}
			stop := m.match(at, i+1)
			if stop < 0 {
				m.caps[it.n] = old
			}
			return stop
		case position:
			m.caps[it.n] = span{at, isPosition}
		case closing:
			old := m.caps[it.n].len
			m.caps[it.n].len = at - m.caps[it.n].start
			stop := m.match(at, i+1)
			if stop < 0 {
				m.caps[it.n].len = old
			}
			return stop
		case single:
			switch it.repeat {
			case 0:
				if at >= len(m.s) || !it.matches(m.s[at]) {
					return -1
				}
				at++
			case '?':
				if at < len(m.s) && it.matches(m.s[at]) {
					if stop := m.match(at+1, i+1); stop >= 0 || m.steps < 0 {
						return stop
					}
				}
			case '-':
				return m.matchFew(at, i)
			default:
				return m.matchMany(at, i)
			}
		default:
			if at = m.matchOther(at, it); at < 0 {
				return -1
			}
		}
	}
	return at
}

// matchOther matches an item that does not depend on what follows.
func (m *matcher) matchOther(at int, it *item) int {
	matches := false
	switch it.kind {
	case backref:
		return m.matchBackref(at, m.caps[it.n])
	case balance:
		return m.matchBalance(at, it.c, it.c2)
	case frontier:
		before, after := byte(0), byte(0)
		if at > 0 {
			before = m.s[at-1]
		}
		if at < len(m.s) {
			after = m.s[at]
		}
		matches = !it.set.has(before) && it.set.has(after)
	case atEnd:
		matches = at == len(m.s)
	}
	if !matches {
		return -1
	}
	return at
}

func (it *item) matches(c byte) bool {
	if it.set != nil {
		return it.set.has(c)
	}
	return it.c == c
}

// matchMany is * and +: as many as possible, then fewer.
func (m *matcher) matchMany(at, i int) int {
	it := &m.p.items[i]
	most := at
	for most < len(m.s) && it.matches(m.s[most]) {
		most++
	}
	m.steps -= (most - at) / 2
	least := at
	if it.repeat == '+' {
		least++
	}
	if i+1 == len(m.p.items) {
		// Nothing follows, so the longest is the match.
		if most < least {
			return -1
		}
		return most
	}
	for ; most >= least; most-- {
		if stop := m.match(most, i+1); stop >= 0 || m.steps < 0 {
			return stop
		}
	}
	return -1
}

// matchFew is -: as few as possible, then more.
func (m *matcher) matchFew(at, i int) int {
	it := &m.p.items[i]
	for {
		if stop := m.match(at, i+1); stop >= 0 || m.steps < 0 {
			return stop
		}
		if at >= len(m.s) || !it.matches(m.s[at]) {
			return -1
		}
		at++
		m.steps--
	}
}

func (m *matcher) matchBackref(at int, c span) int {
	if c.len < 0 || c.len > len(m.s)-at || m.s[c.start:c.start+c.len] != m.s[at:at+c.len] {
		return -1
	}
	m.steps -= c.len / 16
	return at + c.len
}

func (m *matcher) matchBalance(at int, opening, closing byte) int {
	if at >= len(m.s) || m.s[at] != opening {
		return -1
	}
	depth := 1
	for i := at + 1; i < len(m.s); i++ {
		switch m.s[i] {
		case closing:
			if depth--; depth == 0 {
				m.steps -= i - at
				return i + 1
			}
		case opening:
			depth++
		}
	}
	m.steps -= len(m.s) - at
	return -1
}

// capture returns the value of capture n.
func (m *matcher) capture(n int) lua.LValue {
	c := m.caps[n]
	if c.len == isPosition {
		return lua.LNumber(c.start + 1)
	}
	return lua.LString(m.s[c.start : c.start+c.len])
}

// pushCaptures pushes all captures, or the whole match when there are none and whole is set.
func (m *matcher) pushCaptures(L *lua.LState, start, stop int, whole bool) int {
	if m.p.captures == 0 && whole {
		L.Push(lua.LString(m.s[start:stop]))
		return 1
	}
	for n := range m.p.captures {
		L.Push(m.capture(n))
	}
	return m.p.captures
}
