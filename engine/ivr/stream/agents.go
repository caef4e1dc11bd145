package stream

import (
	"context"
	"sync"
)

// Agents are where streams lead to. Close ends all of them.
type Agents struct {
	dialer  Dialer
	account string
	ctx     context.Context //nolint:containedctx // of all connections, until Close
	cancel  context.CancelFunc
	running sync.WaitGroup
}

// New has streams use a dialer; account is what their agents are told as that of Twilio.
func New(d Dialer, account string) *Agents {
	a := &Agents{dialer: d, account: account}
	a.ctx, a.cancel = context.WithCancel(context.Background())
	return a
}

// Close ends all connections and returns when no goroutine of any is left. No stream begins later.
func (a *Agents) Close() {
	a.cancel()
	a.running.Wait()
}
