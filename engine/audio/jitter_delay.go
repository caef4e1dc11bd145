package audio

import "time"

const (
	// grain is the width of a bin of lateness.
	grain = 5 * time.Millisecond
	bins  = 41
	// remembers is over how many packets lateness is remembered, 8 s of them where they have 20 ms. One late packet alone is forgiven.
	remembers = 400
	// missed is the share of packets that may come too late.
	missed = 0.01
	// settled is after how many packets lateness is known well enough to delay less than in the beginning.
	settled = 50
	// window is the length of the two spans over which the earliest arrival is looked for. It follows a drift of the clocks, 0.4 ms in this time where
	// they differ by 100 ppm, and a route that has become longer.
	window = 4 * time.Second
)

// delayEstimate knows how late packets come behind the earliest one.
type delayEstimate struct {
	packets  int
	base     int64 // the shortest transit time of the last two windows, in ns from an arbitrary point
	earliest [2]int64
	began    int64 // the window
	shares   [bins]float32
}

func (e *delayEstimate) restart() { *e = delayEstimate{} }

// note takes the transit time of a packet: when it arrived less what its timestamp stands for.
func (e *delayEstimate) note(transit, arrived int64) {
	switch {
	case e.packets == 0:
		e.earliest = [2]int64{transit, transit}
		e.began = arrived
	case arrived-e.began >= int64(window):
		e.earliest = [2]int64{transit, e.earliest[0]}
		e.began = arrived
	}
	e.earliest[0] = min(e.earliest[0], transit)
	e.base = min(e.earliest[0], e.earliest[1])
	e.packets++
	weight := 1 / float32(min(e.packets, remembers))
	for i := range e.shares {
		e.shares[i] *= 1 - weight
	}
	e.shares[min((transit-e.base)/int64(grain), bins-1)] += weight
}

// quantile returns the lateness, in ns, that all packets but the missed share stay under.
func (e *delayEstimate) quantile() int64 {
	late := float32(0)
	for i := bins - 1; i >= 0; i-- {
		if late += e.shares[i]; late >= missed {
			return int64(i+1) * int64(grain)
		}
	}
	return 0
}
