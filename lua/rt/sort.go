package rt

import (
	"sort"

	lua "github.com/yuin/gopher-lua"
)

// tableSort is table.sort. It sorts a copy and writes it back, so that a comparator that waits, and lets others see
// the table meanwhile, shows them the old order. An inconsistent comparator gives some order.
func tableSort(L *lua.LState) int {
	t := checkWritable(L, 1)
	var compare *lua.LFunction
	if L.Get(2) != lua.LNil {
		compare = CheckFunction(L, 2)
	}
	n := t.Len()
	Charge(L, n/4)
	values := make([]lua.LValue, n)
	for i := range values {
		values[i] = t.RawGetInt(i + 1)
	}
	sort.Sort(&sorter{L, VMOf(L).meter, compare, values})
	for i, v := range values {
		t.RawSetInt(i+1, v)
	}
	return 0
}

type sorter struct {
	L       *lua.LState
	meter   *meter
	compare *lua.LFunction
	values  []lua.LValue
}

func (s *sorter) Len() int      { return len(s.values) }
func (s *sorter) Swap(i, j int) { s.values[i], s.values[j] = s.values[j], s.values[i] }

func (s *sorter) Less(i, j int) bool {
	L := s.L
	s.meter.charge(L, 1)
	a, b := s.values[i], s.values[j]
	if s.compare == nil {
		return L.LessThan(a, b)
	}
	L.Push(s.compare)
	L.Push(a)
	L.Push(b)
	L.Call(2, 1)
	less := lua.LVAsBool(L.Get(-1))
	L.Pop(1)
	return less
}
