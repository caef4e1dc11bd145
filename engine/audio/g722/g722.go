// Package g722 is ITU-T G.722 at 64 kbit/s (mode 1): 7 kHz of sound at 16 kHz, where one octet is two samples.
//
// A quadrature mirror filter parts the signal into two sub-bands of 8 kHz (§3.1). Each is coded by adaptive differential PCM, the lower one with 6 bits,
// the higher one with 2. Names and block numbers are those of the Recommendation, whose arithmetic of 16 bits is kept to the bit.
//
// An Encoder or a Decoder is one stream in one direction and belongs to one goroutine at a time. It allocates nothing.
package g722

// Encoder turns samples into octets.
type Encoder struct {
	low, high band
	history   [24]int // the last samples, the latest two at the end
}

// NewEncoder returns an encoder of a new stream.
func NewEncoder() *Encoder {
	return &Encoder{low: band{det: detLow}, high: band{det: detHigh}}
}

// Encode writes to dst the octets for as many pairs of samples as fit, and returns how many octets that is. The last of an odd number of samples is
// left out.
func (e *Encoder) Encode(dst []byte, pcm []int16) int {
	n := min(len(dst), len(pcm)/2)
	for i := range n {
		low, high := e.split(int(pcm[2*i]), int(pcm[2*i+1]))
		dst[i] = byte(e.high.encodeHigh(high)<<6 | e.low.encodeLow(low))
	}
	return n
}

// Decoder turns octets into samples.
type Decoder struct {
	low, high band
	history   [24]int // sums and differences of the sub-bands, the latest at the end
}

// NewDecoder returns a decoder of a new stream.
func NewDecoder() *Decoder {
	return &Decoder{low: band{det: detLow}, high: band{det: detHigh}}
}

// Decode writes to dst the samples of as many octets as fit, two for each, and returns how many samples that is.
func (d *Decoder) Decode(dst []int16, octets []byte) int {
	n := min(len(dst)/2, len(octets))
	for i, octet := range octets[:n] {
		low := d.low.decodeLow(int(octet & 0x3F))
		high := d.high.decodeHigh(int(octet >> 6))
		dst[2*i], dst[2*i+1] = d.join(low, high)
	}
	return 2 * n
}

// mirror is every second coefficient of the quadrature mirror filter (table 11). The filter is symmetric, so the others are the same from the end.
var mirror = [12]int{3, -11, 12, 32, -210, 951, 3876, -805, 362, -156, 53, -11}

// split is the transmit quadrature mirror filter (§3.1): two samples become one of each sub-band.
func (e *Encoder) split(first, second int) (low, high int) {
	h := &e.history
	copy(h[:22], h[2:])
	h[22], h[23] = first, second
	var odd, even int
	for i := range mirror {
		odd += h[2*i] * mirror[i]
		even += h[2*i+1] * mirror[11-i]
	}
	// 12 bits are the gain of the filter, one is the sum of its halves, and one makes room: the algorithm works on 15 bits.
	return saturate((even + odd) >> 14), saturate((even - odd) >> 14)
}

// join is the receive quadrature mirror filter (§4.4): one sample of each sub-band become two.
func (d *Decoder) join(low, high int) (first, second int16) {
	h := &d.history
	copy(h[:22], h[2:])
	h[22], h[23] = low+high, low-high
	var odd, even int
	for i := range mirror {
		odd += h[2*i] * mirror[i]
		even += h[2*i+1] * mirror[11-i]
	}
	return int16(saturate(even >> 11)), int16(saturate(odd >> 11))
}

// saturate is what the Recommendation's additions do at the ends of 16 bits.
func saturate(x int) int { return min(max(x, -32768), 32767) }
