package kv

import (
	"errors"
	"math"
	"slices"
	"testing"
)

func TestTableIsSortedAndLastPairCounts(t *testing.T) {
	t.Parallel()
	v, err := NewTable([]Pair{
		{NewString("b"), NewNumber(1)},
		{NewNumber(2), NewString("two")},
		{NewString("a"), NewBool(true)},
		{NewNumber(1), NewString("one")},
		{NewString("b"), NewNumber(2)},
		{NewString("gone"), NewNumber(1)},
		{NewString("gone"), Value{}},
		{NewNumber(-0.5), NewString("half")},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []Pair{
		{NewNumber(-0.5), NewString("half")},
		{NewNumber(1), NewString("one")},
		{NewNumber(2), NewString("two")},
		{NewString("a"), NewBool(true)},
		{NewString("b"), NewNumber(2)},
	}
	var got []Pair
	for k, val := range v.Pairs() {
		got = append(got, Pair{k, val})
	}
	if !slices.Equal(got, want) || v.Len() != len(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestTableIsACopy(t *testing.T) {
	t.Parallel()
	pairs := []Pair{{NewString("k"), NewNumber(1)}}
	v, err := NewTable(pairs)
	if err != nil {
		t.Fatal(err)
	}
	pairs[0].Value = NewNumber(2)
	for _, got := range v.Pairs() {
		if got.Number() != 1 {
			t.Errorf("got %v, want 1: the table follows the slice it was made from", got.Number())
		}
	}
}

func TestTableKeysAreStringsOrNumbers(t *testing.T) {
	t.Parallel()
	for name, key := range map[string]Value{"nil": {}, "bool": NewBool(true), "NaN": NewNumber(math.NaN()), "table": {kind: Table, table: &table{}}} {
		if _, err := NewTable([]Pair{{key, NewNumber(1)}}); !errors.Is(err, ErrKey) {
			t.Errorf("%s: err = %v, want ErrKey", name, err)
		}
	}
}

func TestAccessorsOfAnotherKindAreZero(t *testing.T) {
	t.Parallel()
	if NewBool(true).Number() != 0 || NewNumber(1).Bool() || NewNumber(1).Text() != "" || NewString("x").Len() != 0 {
		t.Error("an accessor of another kind returned something")
	}
	for range NewString("x").Pairs() {
		t.Error("a string has pairs")
	}
}
