package audio

import (
	"math"
	"time"
)

const (
	// fadeFrom and fadeTo are from when to when what is made up becomes silence (ITU-T G.711 appendix I §I.2.7): a voice that goes on for longer sounds
	// like a machine.
	fadeFrom = 10 * time.Millisecond
	fadeTo   = 60 * time.Millisecond
	// shortestPeriod and longestPeriod are those of the voices looked for, 200 Hz to 66 Hz (§I.2.2). A higher one is found by a multiple of its period.
	shortestPeriod = 5 * time.Millisecond
	longestPeriod  = 15 * time.Millisecond
	// compared is how much of two periods is compared with each other.
	compared = 20 * time.Millisecond
	// seam is over how long what was made up passes over into what is real.
	seam = 4 * time.Millisecond
)

// concealer makes up what was lost: the last pitch period of what was heard before, again and again and ever fainter, in the manner of ITU-T G.711
// appendix I, but without its delay. It is told everything that is heard, in order.
type concealer struct {
	rate    int
	heard   []int16 // the last of what was heard, oldest first
	period  []int16 // what is repeated
	next    int     // of period
	lost    int     // samples that were made up in a row
	jump    float64 // between the last sample heard and what is repeated, before it is smoothed
	passing []int16 // what the next samples pass over from
	room    []int16 // of passing
}

func (c *concealer) samples(d time.Duration) int { return int(d * time.Duration(c.rate) / time.Second) }

func (c *concealer) init(rate int) {
	c.rate = rate
	all := make([]int16, c.samples(compared+longestPeriod)+c.samples(longestPeriod)+c.samples(seam))
	n := c.samples(compared + longestPeriod)
	c.heard, all = all[:n:n], all[n:]
	n = c.samples(longestPeriod)
	c.period, c.room = all[:0:n], all[n:]
}

// hear takes real samples. Behind made up ones it changes the first of them, so that no seam is heard.
func (c *concealer) hear(pcm []int16) {
	if c.lost > 0 {
		c.make(c.room)
		c.passing = c.room
		c.lost = 0
	}
	if len(c.passing) > 0 {
		n := min(len(pcm), len(c.passing))
		done := len(c.room) - len(c.passing)
		for i := range n {
			w := rise(done+i, len(c.room))
			pcm[i] = sample(float64(c.passing[i])*(1-w) + float64(pcm[i])*w)
		}
		c.passing = c.passing[n:]
	}
	c.remember(pcm)
}

// skip is told of the samples that are left out before those that are heard next.
func (c *concealer) skip(pcm []int16) {
	if c.lost == 0 && len(pcm) >= len(c.room) {
		copy(c.room, pcm)
		c.passing = c.room
	}
}

// fill makes up samples.
func (c *concealer) fill(pcm []int16) {
	if c.lost == 0 {
		c.passing = nil
		c.begin()
	}
	c.make(pcm)
	c.remember(pcm)
}

func (c *concealer) remember(pcm []int16) {
	if len(pcm) >= len(c.heard) {
		copy(c.heard, pcm[len(pcm)-len(c.heard):])
		return
	}
	copy(c.heard, c.heard[len(pcm):])
	copy(c.heard[len(c.heard)-len(pcm):], pcm)
}

// begin takes the last pitch period of what was heard, and makes its end pass over into its begin.
func (c *concealer) begin() {
	n := c.pitch()
	end := len(c.heard)
	c.period, c.next = c.period[:n], 0
	copy(c.period, c.heard[end-n:])
	quarter := n / 4
	for i := range quarter {
		w := rise(i, quarter)
		at := n - quarter + i
		c.period[at] = sample(float64(c.period[at])*(1-w) + float64(c.heard[end-n-quarter+i])*w)
	}
	c.jump = float64(c.heard[end-1]) - float64(c.heard[end-n-1])
}

// make writes the next repeated samples.
func (c *concealer) make(pcm []int16) {
	from, to, smooth := c.samples(fadeFrom), c.samples(fadeTo), c.samples(seam)
	for i := range pcm {
		if c.lost >= to {
			clear(pcm[i:])
			return
		}
		v := float64(c.period[c.next])
		if c.lost < smooth {
			v += c.jump * (1 - float64(c.lost)/float64(smooth))
		}
		if c.lost > from {
			v *= float64(to-c.lost) / float64(to-from)
		}
		pcm[i] = sample(v)
		c.lost++
		if c.next++; c.next == len(c.period) {
			c.next = 0
		}
	}
}

// pitch returns the period, in samples, at which the end of what was heard resembles itself most (§I.2.2): roughly by a sample in 0.25 ms, then by each.
func (c *concealer) pitch() int {
	shortest, longest := c.samples(shortestPeriod), c.samples(longestPeriod)
	rough := c.closest(shortest, longest, max(1, c.rate/4000))
	return c.closest(max(shortest, rough-1), min(longest, rough+1), 1)
}

func (c *concealer) closest(from, to, step int) int {
	best, most := from, math.Inf(-1)
	for lag := from; lag <= to; lag++ {
		if r := c.resemblance(lag, step); r > most {
			best, most = lag, r
		}
	}
	return best
}

// resemblance returns the normalized correlation of the end of what was heard with what stood a lag before it.
func (c *concealer) resemblance(lag, step int) float64 {
	n := c.samples(compared)
	late := c.heard[len(c.heard)-n:]
	early := c.heard[len(c.heard)-n-lag:][:n]
	var product, energy int64
	for i := 0; i < n; i += step {
		product += int64(late[i]) * int64(early[i])
		energy += int64(early[i]) * int64(early[i])
	}
	if energy == 0 {
		return 0
	}
	return float64(product) / math.Sqrt(float64(energy))
}
