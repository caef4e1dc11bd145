package media

import (
	"math"
	"strings"
	"time"
)

// impairment is how a codec takes loss in the E-model: ie without any, and how robust it is (ITU-T G.113 Appendix I).
type impairment struct{ ie, robustness float64 }

// impaired is the impairment of a codec by its encoding name. What the table does not know is taken as good as G.711 with concealment.
func impaired(name string) impairment {
	switch strings.ToUpper(name) {
	case "G729":
		return impairment{11, 19}
	case "G723":
		return impairment{15, 16.1}
	case "GSM":
		return impairment{20, 43}
	}
	return impairment{0, 25.1}
}

// mos estimates how good speech is to listen to, 1 to 4.5: the E-model of ITU-T G.107, simplified to what a relay can know, that is loss (0 to 1), the
// way there and back, and jitter, which a receiver holds off with a buffer of twice its size.
func mos(c impairment, loss float64, rtt, jitter time.Duration) float64 {
	const unimpaired = 93.2 // R of an ideal line
	delay := float64(rtt/2+2*jitter)/float64(time.Millisecond) + 20
	id := 0.024 * delay
	if delay > 177.3 {
		id += 0.11 * (delay - 177.3)
	}
	percent := 100 * loss
	effective := c.ie + (95-c.ie)*percent/(percent+c.robustness)
	r := math.Min(math.Max(unimpaired-id-effective, 0), 100)
	return math.Max(1, 1+0.035*r+r*(r-60)*(100-r)*7e-6)
}
