package cdr

import "errors"

// ErrOverload says that the file cannot take lines as fast as calls end.
var ErrOverload = errors.New("too many records wait for the disk")
