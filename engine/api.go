package engine

import (
	"context"

	"github.com/sipscript/sipscript/engine/call"
	"github.com/sipscript/sipscript/engine/rest"
)

// openAPI serves what voice agents ask for, where that is configured.
func (e *Engine) openAPI() (err error) {
	if e.cfg.API.Listen == "" {
		return nil
	}
	e.api, err = rest.Open(e.cfg.API, apiCalls{e}, func(err error) {
		e.cfg.Log.Error("api is not served any more", "err", err)
	})
	return err
}

// API is where voice agents ask, with its real port; "" where nothing is served.
func (e *Engine) API() string {
	if e.api == nil {
		return ""
	}
	return e.api.Addr().String()
}

// apiCalls are the calls of an engine for whoever asks by HTTP.
type apiCalls struct{ *Engine }

// End implements rest.Calls.
func (e apiCalls) End(ctx context.Context, id string) bool {
	ended := make(chan bool, 1)
	loop := &e.shards[0].Loop
	e.LookupCall(loop, id, func(s Standing, found bool) {
		if !found {
			ended <- false
			return
		}
		e.HangUp(loop, &s, call.Cause{By: call.ByServer}, func(err error) { ended <- err == nil })
	})
	select {
	case found := <-ended:
		return found
	case <-ctx.Done():
		return false
	}
}
