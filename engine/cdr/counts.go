package cdr

import "sync"

// Counts counts calls by key over all shards. Any goroutine; its lock is a leaf.
type Counts struct {
	mu sync.Mutex
	up map[string]int
}

// NewCounts returns counts of nothing.
func NewCounts() *Counts { return &Counts{up: make(map[string]int)} }

// Up is how many calls count under key now.
func (c *Counts) Up(key string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.up[key]
}

// take adds a call unless most are up.
func (c *Counts) take(key string, most int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.up[key] >= most {
		return false
	}
	c.up[key]++
	return true
}

// give removes a call. A key without calls takes no memory.
func (c *Counts) give(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.up[key]--; c.up[key] <= 0 {
		delete(c.up, key)
	}
}
