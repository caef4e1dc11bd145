package dialog

import "time"

// Refused is how a request is refused that the state of the negotiation does not allow: with 491 when what stands against it is ours, so
// that both sides try again at different times, with 500 and Retry-After when it is the peer's own.
type Refused struct {
	Status     int  // 0: not refused
	RetryAfter bool // add a Retry-After of RetryAfter seconds
}

// The two refusals of RFC 6337 §4.3.
func pending() Refused { return Refused{Status: 491} }

func unfinished() Refused { return Refused{Status: 500, RetryAfter: true} }

// RetryAfter returns the seconds of the Retry-After in a 500 to a request that came too early: 0 to 10, of a random number (RFC 3261 §14.2,
// RFC 3311 §5.2).
func RetryAfter(random uint64) int { return int(random % 11) }

// GlareWait returns how long to wait after a 491 until the request may be tried once more: 2.1 to 4 seconds for the owner of the Call-ID,
// 0 to 2 for the other, in steps of 10 ms, of a random number (RFC 3261 §14.1, RFC 3311 §5.3). The ranges do not meet, so that the two
// never collide again.
func GlareWait(owner bool, random uint64) time.Duration {
	const step = 10 * time.Millisecond
	if owner {
		return 2100*time.Millisecond + time.Duration(random%191)*step
	}
	return time.Duration(random%201) * step
}
