package wheel_test

import (
	"fmt"
	"time"

	"github.com/sipscript/sipscript/sip/wheel"
)

func ExampleWheel() {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	w := wheel.New(now)

	var ring, giveUp wheel.Timer
	w.Arm(&giveUp, 32*time.Second, func() { fmt.Println("given up") })
	w.Arm(&ring, 3*time.Second, func() {
		fmt.Println("answered")
		giveUp.Stop()
	})

	for next, ok := w.Next(); ok; next, ok = w.Next() {
		w.Advance(next) // a shard sleeps until next instead
	}
	fmt.Println(w.Len(), "armed")
	// Output:
	// answered
	// 0 armed
}
