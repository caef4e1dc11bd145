package kv

import (
	"cmp"
	"iter"
	"slices"
	"strings"
)

// Kind says what a Value holds.
type Kind uint8

// The kinds of a Value. The zero Value is Nil and stands for "no such key".
const (
	Nil Kind = iota
	String
	Number
	Bool
	Table
)

// Value is one stored value: nothing, a string, a number, a boolean or a table of such values.
//
// A Value never changes once it is made. That is what "copied in and out" costs here: two shards hold the
// same tree without a lock and without a copy, and neither can see the other's table being written.
type Value struct {
	text  string
	table *table
	num   float64
	kind  Kind
}

// Pair is one entry of a table: a string or number key and its value.
type Pair struct {
	Key, Value Value
}

type table struct {
	pairs []Pair // sorted by compareKeys, so that equal tables are equal slices
	size  int
}

// The accounting weights behind Size: what a value or an entry costs beside its text.
const (
	valueOverhead = 16
	tableOverhead = 48
)

// NewString returns a string value. It is a copy: s may be a piece of a message, which it would keep in memory.
func NewString(s string) Value { return Value{kind: String, text: strings.Clone(s)} }

// NewNumber returns a number value.
func NewNumber(n float64) Value { return Value{kind: Number, num: n} }

// NewBool returns a boolean value.
func NewBool(b bool) Value {
	v := Value{kind: Bool}
	if b {
		v.num = 1
	}
	return v
}

// NewTable returns a table of pairs in any order. Of two pairs with the same key the later one counts, and a pair
// whose value is Nil is left out, as an assignment of nil is in Lua. It returns ErrKey for a key of another kind
// than String or Number and for NaN. The slice is copied.
func NewTable(pairs []Pair) (Value, error) {
	for _, p := range pairs {
		if p.Key.kind != String && p.Key.kind != Number || p.Key.num != p.Key.num {
			return Value{}, ErrKey
		}
	}
	sorted := slices.Clone(pairs)
	slices.SortStableFunc(sorted, func(a, b Pair) int { return compareKeys(a.Key, b.Key) })
	t := &table{size: tableOverhead}
	for i, p := range sorted {
		shadowed := i+1 < len(sorted) && compareKeys(p.Key, sorted[i+1].Key) == 0
		if shadowed || p.Value.kind == Nil {
			continue
		}
		t.pairs = append(t.pairs, p)
		t.size += p.Key.Size() + p.Value.Size()
	}
	return Value{kind: Table, table: t}, nil
}

// compareKeys orders numbers before strings, so that the list part of a table comes out in its own order.
func compareKeys(a, b Value) int {
	if a.kind != b.kind {
		return cmp.Compare(b.kind, a.kind)
	}
	if a.kind == Number {
		return cmp.Compare(a.num, b.num)
	}
	return cmp.Compare(a.text, b.text)
}

// Kind returns what v holds.
func (v Value) Kind() Kind { return v.kind }

// IsNil reports whether v is the zero Value, "no such key".
func (v Value) IsNil() bool { return v.kind == Nil }

// Text returns the string of a String value, and "" for any other.
func (v Value) Text() string { return v.text }

// Number returns the number of a Number value, and 0 for any other.
func (v Value) Number() float64 {
	if v.kind != Number {
		return 0
	}
	return v.num
}

// Bool returns the boolean of a Bool value, and false for any other.
func (v Value) Bool() bool { return v.kind == Bool && v.num != 0 }

// Len returns the number of entries of a Table value, and 0 for any other.
func (v Value) Len() int {
	if v.table == nil {
		return 0
	}
	return len(v.table.pairs)
}

// Pairs yields the entries of a Table value: numbers ascending, then strings in byte order. Any other value has none.
func (v Value) Pairs() iter.Seq2[Value, Value] {
	return func(yield func(Value, Value) bool) {
		if v.table == nil {
			return
		}
		for _, p := range v.table.pairs {
			if !yield(p.Key, p.Value) {
				return
			}
		}
	}
}

// Size returns what v counts for against Config.Size, in bytes: its text and a small overhead for each value in it.
func (v Value) Size() int {
	if v.table != nil {
		return v.table.size
	}
	return valueOverhead + len(v.text)
}

// Equal reports whether v and w hold the same. Tables are equal when they have equal entries; NaN equals nothing.
func (v Value) Equal(w Value) bool {
	if v.kind != w.kind {
		return false
	}
	if v.kind != Table {
		return v.text == w.text && v.num == w.num
	}
	return v.table == w.table || v.table.size == w.table.size && slices.EqualFunc(v.table.pairs, w.table.pairs,
		func(a, b Pair) bool { return a.Key.Equal(b.Key) && a.Value.Equal(b.Value) })
}
