package engine

import (
	"maps"
	"slices"
	"sync/atomic"

	"github.com/sipscript/sipscript/engine/proxy"
)

// reloadable is what a reload of the config replaces, beside the defaults of registrations. What a pointer leads to never changes.
type reloadable struct {
	credentials atomic.Pointer[map[string]proxy.Credentials]
	emergency   atomic.Pointer[map[string]struct{}] // numbers
}

// Credentials are those that the config knows by this name. Any goroutine.
func (e *Engine) Credentials(name string) (proxy.Credentials, bool) {
	c, ok := (*e.credentials.Load())[name]
	return c, ok
}

// CredentialNames are the names that Credentials knows, in order. Any goroutine.
func (e *Engine) CredentialNames() []string {
	return slices.Sorted(maps.Keys(*e.credentials.Load()))
}

// SetCredentials replaces all that Credentials knows while the server runs. Calls that have begun go on with what they have.
func (e *Engine) SetCredentials(all map[string]proxy.Credentials) {
	all = maps.Clone(all)
	e.credentials.Store(&all)
}
