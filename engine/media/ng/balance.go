package ng

// balance spreads new calls over nodes by weight, evenly and without chance: each time every node gains its weight, and the richest one pays all of
// it for the call.
type balance struct {
	nodes  []*node
	credit []int
}

func newBalance(nodes []*node) balance { return balance{nodes, make([]int, len(nodes))} }

// next returns the node for a new call, out of those that are up and were not tried; nil if there is none.
func (b *balance) next(tried []*node) *node {
	best, total := -1, 0
next:
	for i, n := range b.nodes {
		if n.down {
			continue
		}
		for _, t := range tried {
			if t == n {
				continue next
			}
		}
		b.credit[i] += n.weight
		total += n.weight
		if best < 0 || b.credit[i] > b.credit[best] {
			best = i
		}
	}
	if best < 0 {
		return nil
	}
	b.credit[best] -= total
	return b.nodes[best]
}

// pick returns the node for a new call; nil if none is left that is up.
func (c *client) pick(tried []*node) *node {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.balance.next(tried)
}
