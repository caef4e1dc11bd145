package kv

import "errors"

var (
	// ErrTooLarge is returned when a key and its value together exceed Config.Size.
	ErrTooLarge = errors.New("kv: key and value are too large")
	// ErrKey is returned by NewTable for a key that is neither a string nor a number, or is NaN.
	ErrKey = errors.New("kv: a table key must be a string or a number")
	// ErrNotNumber is returned by Incr when the key holds something that is not a number.
	ErrNotNumber = errors.New("kv: value is not a number")
)
