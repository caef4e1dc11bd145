package media

import "time"

const (
	// longestRest is how far apart at most. It is what the relay adds to the delay of a call.
	longestRest = 350 * time.Microsecond
	// idleRate is how many packets a millisecond a thread relays each for itself; busyRate how many make it rest for longestRest.
	idleRate, busyRate = 2, 8
)

// pace decides how far apart the beginnings of two rounds are at least. Waking up costs as much as a packet does, so with many packets it pays to let some gather; with
// few there is nothing to gather, and each is relayed when it comes.
type pace struct {
	last int64 // when the last round was
	rate int64 // packets a second, smoothed
}

// next is told how many packets the round that began at now has had.
func (p *pace) next(now int64, packets int) time.Duration {
	gap := max(now-p.last, 1)
	p.last = now
	if packets == maxEvents {
		return 0 // behind
	}
	p.rate += (int64(packets)*int64(time.Second)/gap - p.rate) / 8
	const low, high = idleRate * 1000, busyRate * 1000
	if p.rate <= low {
		return 0
	}
	return time.Duration(min(p.rate-low, high-low)) * longestRest / (high - low)
}
