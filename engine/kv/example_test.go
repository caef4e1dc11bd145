package kv_test

import (
	"fmt"
	"time"

	"github.com/sipscript/sipscript/engine/kv"
)

// No user makes more than two calls a minute.
func ExampleStore_Incr() {
	store := kv.New(kv.Config{})
	defer store.Close()
	for range 3 {
		calls, err := store.Incr("calls:alice", 1, time.Minute)
		fmt.Println(calls <= 2, err)
	}
	// Output:
	// true <nil>
	// true <nil>
	// false <nil>
}

// The first of several shards to claim a job does it.
func ExampleStore_CAS() {
	store := kv.New(kv.Config{})
	defer store.Close()
	for shard := range 2 {
		mine, err := store.CAS("job", kv.Value{}, kv.NewNumber(float64(shard)), 10*time.Second)
		fmt.Println(shard, mine, err)
	}
	// Output:
	// 0 true <nil>
	// 1 false <nil>
}
