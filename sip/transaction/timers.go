package transaction

import "time"

const (
	// invite100 is how long an INVITE may wait for its user's first response before the 100 (RFC 3261 §17.2.1).
	invite100 = 200 * time.Millisecond
	// minTimerD is absolute: the client does not know which T1 the server counts its Timer H with (RFC 6026 §8.4).
	minTimerD = 32 * time.Second
)

// Timers are the base values of RFC 3261 §17.1.1.1 and §17.1.2.2, from which all timers A to M follow. Zero fields take
// the RFC's defaults.
type Timers struct {
	T1 time.Duration // round-trip time estimate, 500 ms
	T2 time.Duration // longest retransmission interval of non-INVITE requests and of INVITE responses, 4 s
	T4 time.Duration // how long a message can stay in the network, 5 s
}

func (t Timers) withDefaults() Timers {
	if t.T1 <= 0 {
		t.T1 = 500 * time.Millisecond
	}
	if t.T2 <= 0 {
		t.T2 = 4 * time.Second
	}
	if t.T4 <= 0 {
		t.T4 = 5 * time.Second
	}
	return t
}

// timeout is the value of Timers B, F, H, J, L and M.
func (t Timers) timeout() time.Duration { return 64 * t.T1 }

// timerD is how long retransmitted 300-699 are answered with an ACK over an unreliable transport.
func (t Timers) timerD() time.Duration { return max(minTimerD, t.timeout()) }

// doubled is the next value of Timers E and G after interval.
func (t Timers) doubled(interval time.Duration) time.Duration { return min(2*interval, t.T2) }

// nonInvite100 is "the amount of time it takes a client transaction's Timer E to be reset to T2" (RFC 4320 §4.1): with
// the default values E fires after 0.5, 1.5 and 3.5 s and is then set to 4 s.
func (t Timers) nonInvite100() time.Duration {
	var total time.Duration
	for interval := t.T1; interval < t.T2; interval *= 2 {
		total += interval
	}
	return total
}

// grid is the rhythm in which finished transactions are forgotten. Thousands end each second, and which of them goes a
// moment late matters to nobody, while waking up for each would cost more than the call. A coarser grid would make calls
// wait for the hundreds that are forgotten at once.
const grid = 20 * time.Millisecond

// onGrid lengthens d so that it ends on the grid; elapsed is the time now.
func onGrid(elapsed, d time.Duration) time.Duration {
	if rest := (elapsed + d) % grid; rest != 0 && d >= time.Second {
		return d + grid - rest
	}
	return d
}
