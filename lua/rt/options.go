package rt

import (
	"fmt"
	"math"
	"slices"
	"time"

	lua "github.com/yuin/gopher-lua"
)

// Kind is what an option takes.
type Kind uint8

// What an option may take.
const (
	Any      Kind = iota // any value; the binding checks
	Bool                 // true or false
	String               // a string; a number is taken as one
	Number               // a number
	Integer              // a whole number
	Seconds              // a number of seconds, 0 or more
	Code                 // a SIP status code, as a number or a string
	Table                // a table
	Func                 // a function
	Callable             // a function, or a table
)

func (k Kind) String() string {
	return [...]string{"any", "boolean", "string", "number", "integer", "seconds", "status code", "table", "function", "function or table"}[k]
}

// Option is one key of an option table.
type Option struct {
	Name    string
	Kind    Kind
	Type    string   // as in Function.Signature, where the Kind does not say enough
	Choices []string // of a String: the only values
	Default string   // as a script would write it, "" when leaving it out is something else than any value
	Must    bool     // it has to be given
	Doc     string
}

// OptionSet describes an option table.
type OptionSet struct {
	List []Option
}

// NewOptionSet describes an option table by its keys.
func NewOptionSet(list ...Option) *OptionSet { return &OptionSet{List: list} }

// Options are the values of an option table that has been checked.
type Options struct {
	set   *OptionSet
	table *lua.LTable // nil: none was given
}

// CheckOptions checks argument n, a table with keys of the set only, or nil. It raises with the name of the key, and
// a suggestion where the key is unknown.
func CheckOptions(L *lua.LState, n int, set *OptionSet) Options {
	v := L.Get(n)
	if v == lua.LNil && !set.must() {
		return Options{set: set}
	}
	t, ok := Plain(v).(*lua.LTable)
	if !ok {
		ArgError(L, n, "table of options expected, got %s", typeName(L, n))
	}
	o := Options{set, t}
	if message := o.check(); message != "" {
		ArgError(L, n, "%s", message)
	}
	return o
}

// ReadOptions checks a table that is part of an argument. It returns what is wrong with it, "" when nothing is.
func ReadOptions(t *lua.LTable, set *OptionSet) (Options, string) {
	o := Options{set, t}
	return o, o.check()
}

// check returns what is wrong, always the same thing for the same table.
func (o Options) check() string {
	var unknown []string
	o.table.ForEach(func(k, _ lua.LValue) {
		name, ok := k.(lua.LString)
		if !ok {
			unknown = append(unknown, k.String())
			return
		}
		if o.set.find(string(name)) == nil {
			unknown = append(unknown, string(name))
		}
	})
	if len(unknown) > 0 {
		return Unknown("option", slices.Min(unknown), o.set.names())
	}
	for i := range o.set.List {
		opt := &o.set.List[i]
		switch v := o.table.RawGetString(opt.Name); {
		case v == lua.LNil && opt.Must:
			return fmt.Sprintf("option '%s' is missing", opt.Name)
		case v != lua.LNil:
			if message := opt.check(v); message != "" {
				return fmt.Sprintf("option '%s': %s", opt.Name, message)
			}
		}
	}
	return ""
}

func (opt *Option) check(v lua.LValue) string {
	ok := true
	switch opt.Kind {
	case Bool:
		_, ok = v.(lua.LBool)
	case String:
		var s string
		if s, ok = text(v); ok && opt.Choices != nil && !slices.Contains(opt.Choices, s) {
			return Unknown("value", s, opt.Choices)
		}
	case Number:
		_, ok = number(v)
	case Integer:
		var f float64
		f, ok = number(v)
		ok = ok && f == math.Trunc(f)
	case Seconds:
		var f float64
		if f, ok = number(v); ok {
			_, ok = seconds(f)
		}
	case Code:
		var f float64
		f, ok = number(v)
		ok = ok && f == math.Trunc(f) && f >= 100 && f <= 699
	case Table:
		_, ok = v.(*lua.LTable)
	case Func:
		_, ok = v.(*lua.LFunction)
	case Callable:
		_, isTable := v.(*lua.LTable)
		_, ok = v.(*lua.LFunction)
		ok = ok || isTable
	}
	if !ok {
		return fmt.Sprintf("%s expected, got %s", opt.Kind, v.Type())
	}
	return ""
}

// must reports whether the table cannot be left out.
func (s *OptionSet) must() bool {
	return slices.ContainsFunc(s.List, func(o Option) bool { return o.Must })
}

func (s *OptionSet) find(name string) *Option {
	for i := range s.List {
		if s.List[i].Name == name {
			return &s.List[i]
		}
	}
	return nil
}

func (s *OptionSet) names() []string {
	names := make([]string, len(s.List))
	for i := range s.List {
		names[i] = s.List[i].Name
	}
	return names
}

// Value returns the value of an option, LNil when it was not given. The set must have the option.
func (o Options) Value(name string) lua.LValue {
	if o.set.find(name) == nil {
		panic("rt: option " + name + " is not in the set")
	}
	if o.table == nil {
		return lua.LNil
	}
	return o.table.RawGetString(name)
}

// Has reports whether an option was given.
func (o Options) Has(name string) bool { return o.Value(name) != lua.LNil }

// Bool returns a boolean option.
func (o Options) Bool(name string, otherwise bool) bool {
	if v, ok := o.Value(name).(lua.LBool); ok {
		return bool(v)
	}
	return otherwise
}

// String returns a string option.
func (o Options) String(name, otherwise string) string {
	if s, ok := text(o.Value(name)); ok {
		return s
	}
	return otherwise
}

// Number returns a number option.
func (o Options) Number(name string, otherwise float64) float64 {
	if f, ok := number(o.Value(name)); ok {
		return f
	}
	return otherwise
}

// Int returns an integer or a status code option.
func (o Options) Int(name string, otherwise int) int {
	if f, ok := number(o.Value(name)); ok {
		return toInt(f)
	}
	return otherwise
}

// Seconds returns an option that is a duration.
func (o Options) Seconds(name string, otherwise time.Duration) time.Duration {
	if f, ok := number(o.Value(name)); ok {
		d, _ := seconds(f)
		return d
	}
	return otherwise
}

// Table returns a table option, nil when it was not given.
func (o Options) Table(name string) *lua.LTable {
	t, _ := Plain(o.Value(name)).(*lua.LTable)
	return t
}

// Func returns a function option, nil when it was not given.
func (o Options) Func(name string) *lua.LFunction {
	fn, _ := o.Value(name).(*lua.LFunction)
	return fn
}

// Raw returns the whole table, nil when none was given.
func (o Options) Raw() *lua.LTable { return o.table }
