package transport

import (
	"runtime"
	"testing"
	"time"
)

// TestEachSweepIsNoticed is not parallel: it collects garbage.
func TestEachSweepIsNoticed(t *testing.T) {
	transport := &Transport{stopping: make(chan struct{})}
	defer close(transport.stopping)
	noticed := make(chan struct{}, 100)
	transport.onSweep(func() { noticed <- struct{}{} })
	for i := range 5 {
		runtime.GC()
		select {
		case <-noticed:
		case <-time.After(20 * time.Second):
			t.Fatalf("sweep %d went by", i)
		}
	}
}
