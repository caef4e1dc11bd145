package engine

import (
	"context"
	"runtime/debug"
	"time"

	"github.com/sipscript/sipscript/engine/shard"
)

const (
	tidyEvery = 2 * time.Second
	tidyFrom  = 10_000 // transactions; what fewer of them leave behind is not worth a collection
	tidyAt    = 20     // part of the peak that may still stand
)

// tidy gives memory back to the system when a load is over. The garbage collector runs when memory is asked for: a
// server that has handled 100,000 registrations and then falls silent would hold what their transactions took for as
// long as nothing happens. When nearly all of the transactions of a load are gone it collects once; not earlier, since
// memory that is needed again in the next moment costs more to get back than to keep.
type tidy struct {
	engine  *Engine
	peak    int64
	running bool
}

// look is called on shard 0 every two seconds.
func (t *tidy) look() {
	loop := &t.engine.shards[0].Loop
	loop.After(tidyEvery, t.look)
	var standing int64
	for _, c := range t.engine.cores {
		standing += c.standing.Load()
	}
	t.peak = max(t.peak, standing)
	if t.running || t.peak < tidyFrom || standing > t.peak/tidyAt {
		return
	}
	t.peak, t.running = standing, true
	err := loop.Go(shard.NewScope(nil), t.engine.chores, func(context.Context) shard.Outcome {
		debug.FreeOSMemory()
		return shard.Outcome{Deliver: func() { t.running = false }}
	})
	t.running = err == nil
}
