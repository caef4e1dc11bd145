package siptest

// loss is an order to lose certain datagrams.
type loss struct {
	from, to *Host
	match    func([]byte) bool
	left     int
}

// Lose loses the next count datagrams from one host to another that match, and no other. A nil host means any. match
// gets the datagram's bytes; it must only look at them and not call the network.
//
// Of two different datagrams that match and are sent in one instant by two goroutines, which one counts first is
// chance: let match be narrow enough.
func (n *Network) Lose(count int, from, to *Host, match func(datagram []byte) bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.losses = append(n.losses, &loss{from: from, to: to, match: match, left: count})
}

func (n *Network) lose(e *Entry) bool {
	for _, l := range n.losses {
		if l.left > 0 && (l.from == nil || l.from == n.byAddr[e.Src.Addr()]) &&
			(l.to == nil || l.to == n.byAddr[e.Dst.Addr()]) && l.match(e.Bytes) {
			l.left--
			return true
		}
	}
	return false
}
