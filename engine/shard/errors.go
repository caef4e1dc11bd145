package shard

import "errors"

var (
	// ErrOverload says that a pool has as much work as it may hold.
	ErrOverload = errors.New("shard: pool is full")
	// ErrClosed says that the scope the work was to belong to has ended, or the pool has.
	ErrClosed = errors.New("shard: scope or pool is closed")
)
