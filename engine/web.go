package engine

import (
	"cmp"
	"net/http"

	"github.com/sipscript/sipscript/engine/ivr/stream"
	"github.com/sipscript/sipscript/engine/shard"
	"github.com/sipscript/sipscript/engine/web"
)

// noAccount is what agents are told where no account was configured: something that looks like one.
const noAccount = "AC00000000000000000000000000000000"

// openWeb makes what reaches other servers by HTTP and WebSocket.
func (e *Engine) openWeb() {
	e.http = shard.NewPool(64, 4096)
	transport := e.seams.Web
	if transport == nil {
		transport = http.DefaultTransport
	}
	e.Web = web.NewClient(transport, e.http)
	dialer := e.seams.Agents
	if dialer == nil {
		dialer = stream.Dial(transport)
	}
	e.Agents = stream.New(dialer, cmp.Or(e.cfg.API.Account, noAccount))
}
