package dialog

import "time"

// Resends tells when to send again what nobody acknowledges. There are two of the kind: the 2xx to an INVITE until its ACK, at T1, doubling
// to T2 (RFC 3261 §13.3.1.4), and a reliable provisional response until its PRACK, at T1, doubling without bound (RFC 3262 §3). Both are
// given up after 64·T1.
type Resends struct{ wait, limit, left time.Duration }

// Resends2xx returns the waits for a 2xx to an INVITE, over whichever transport it goes.
func Resends2xx(t1, t2 time.Duration) Resends { return Resends{wait: t1, limit: t2, left: 64 * t1} }

// Resends1xx returns the waits for a reliable provisional response.
func Resends1xx(t1 time.Duration) Resends { return Resends{wait: t1, limit: 64 * t1, left: 64 * t1} }

// Next returns how long to wait before the next time. When that is over: again true, send and ask Next once more; again false, give up.
func (r *Resends) Next() (wait time.Duration, again bool) {
	wait = r.wait
	if wait >= r.left {
		wait, r.left = r.left, 0
		return wait, false
	}
	r.left -= wait
	r.wait = min(2*wait, r.limit)
	return wait, true
}
