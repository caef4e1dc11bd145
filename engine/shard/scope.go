package shard

import "context"

// Scope is the lifetime of an owner: a script run, a branch, a leg. Work started under a scope that has ended
// meanwhile hands its result to Discard, so that a late result never finds a dead owner. Its shard's goroutine only.
type Scope struct {
	ctx      context.Context //nolint:containedctx // a scope is what a context is made of, on first need
	cancel   context.CancelFunc
	parent   *Scope
	children map[*Scope]struct{}
	closed   bool
}

// NewScope opens a scope that ends with parent at the latest; parent may be nil.
func NewScope(parent *Scope) *Scope {
	s := &Scope{parent: parent}
	if parent == nil {
		return s
	}
	if parent.closed {
		s.closed = true
		return s
	}
	if parent.children == nil {
		parent.children = make(map[*Scope]struct{})
	}
	parent.children[s] = struct{}{}
	return s
}

// Close ends the scope and all below it: their contexts are cancelled. Closing twice is allowed.
func (s *Scope) Close() {
	if s.closed {
		return
	}
	s.closed = true
	for c := range s.children {
		c.parent = nil
		c.Close()
	}
	s.children = nil
	if s.cancel != nil {
		s.cancel()
	}
	if s.parent != nil {
		delete(s.parent.children, s)
		s.parent = nil
	}
}

// Closed reports whether the scope has ended.
func (s *Scope) Closed() bool { return s.closed }

// context is made on first need: most scopes end without having left their shard.
func (s *Scope) context() context.Context {
	if s.ctx == nil {
		s.ctx, s.cancel = context.WithCancel(context.Background())
	}
	return s.ctx
}
