package g722

// The first scale factors of the sub-bands (§3.5, DETL and DETH after a reset).
const (
	detLow  = 32
	detHigh = 8
)

// band is the adaptive differential PCM of one sub-band: the scale factor of its quantizer, and a predictor of two poles and six zeros.
type band struct {
	nb  int // logarithm of the scale factor (NBL, NBH)
	det int // scale factor (DETL, DETH)

	s  int    // what is predicted: the sum of both sections (SL, SH)
	sz int    // the part of the zeros (SZL, SZH)
	a  [2]int // coefficients of the poles (AL, AH)
	r  [2]int // what was reconstructed, the latest first (RLT, RH)
	p  [2]int // what was reconstructed without the poles (PLT, PH)
	b  [6]int // coefficients of the zeros (BL, BH)
	d  [6]int // quantized differences (DLT, DH)
}

// encodeLow is QUANTL, and then what the decoder does as well. It returns 6 bits.
func (b *band) encodeLow(x int) int {
	e := saturate(x - b.s)
	codes := &positiveLow
	if e < 0 {
		e, codes = ^e, &negativeLow
	}
	// The first level above the difference. The levels rise, so half of them can be left out at each step.
	lo, hi := 0, len(levelsLow)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if e < levelsLow[mid]*b.det>>12 {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	code := codes[lo]
	b.adaptLow(code)
	return code
}

// decodeLow is INVQBL and the decoder's LIMIT: it returns what 6 bits stand for.
func (b *band) decodeLow(code int) int {
	y := b.s + b.det*outputLow6[code]>>15
	b.adaptLow(code)
	return limit(y)
}

// adaptLow is what both sides do with a code: INVQAL, LOGSCL, SCALEL and the predictor. It looks at the upper 4 bits only, as the lower two may be used
// for data on the way (modes 2 and 3).
func (b *band) adaptLow(code int) {
	code >>= 2
	d := b.det * outputLow4[code] >> 15
	b.nb = min(max(b.nb*127>>7+weightsLow[code], 0), 18432)
	b.scale(8)
	b.predict(d)
}

// encodeHigh is QUANTH, and then what the decoder does as well. It returns 2 bits.
func (b *band) encodeHigh(x int) int {
	e := saturate(x - b.s)
	code := 3
	if e < 0 {
		e, code = ^e, 1
	}
	if e >= 564*b.det>>12 {
		code--
	}
	b.adaptHigh(code)
	return code
}

// decodeHigh is INVQAH and the decoder's LIMIT: it returns what 2 bits stand for.
func (b *band) decodeHigh(code int) int {
	y := b.s + b.det*outputHigh[code]>>15
	b.adaptHigh(code)
	return limit(y)
}

// adaptHigh is what both sides do with a code: INVQAH, LOGSCH, SCALEH and the predictor.
func (b *band) adaptHigh(code int) {
	d := b.det * outputHigh[code] >> 15
	b.nb = min(max(b.nb*127>>7+weightsHigh[code], 0), 22528)
	b.scale(10)
	b.predict(d)
}

// scale is SCALEL and SCALEH: the scale factor from its logarithm.
func (b *band) scale(exponent int) {
	mantissa := exponentials[b.nb>>6&31]
	if shift := exponent - b.nb>>11; shift >= 0 {
		b.det = mantissa >> shift << 2
	} else {
		b.det = mantissa << -shift << 2
	}
}

// predict is block 4 of either sub-band: it adapts the predictor to the quantized difference d, and predicts the next sample.
func (b *band) predict(d int) {
	r := saturate(b.s + d)  // RECONS
	p := saturate(b.sz + d) // PARREC

	// UPPOL2, UPPOL1: the poles follow the signs, and stay where the predictor is stable.
	near, far := p>>15 == b.p[0]>>15, p>>15 == b.p[1]>>15
	turn := saturate(b.a[0] << 2)
	if near {
		turn = min(-turn, 32767)
	}
	a2 := turn>>7 + b.a[1]*32512>>15
	if far {
		a2 += 128
	} else {
		a2 -= 128
	}
	a2 = min(max(a2, -12288), 12288)
	a1 := b.a[0] * 32640 >> 15
	if near {
		a1 += 192
	} else {
		a1 -= 192
	}
	bound := 15360 - a2
	a1 = min(max(a1, -bound), bound)

	// UPZERO, DELAYA and FILTEZ: the zeros.
	step := 128
	if d == 0 {
		step = 0
	}
	sz, latest := 0, d
	for i := range b.b {
		older := b.d[i]
		c := b.b[i] * 32640 >> 15
		if d>>15 == older>>15 {
			c += step
		} else {
			c -= step
		}
		b.b[i] = saturate(c)
		b.d[i] = latest
		sz += b.b[i] * saturate(2*latest) >> 15
		latest = older
	}

	b.a = [2]int{a1, a2}
	b.r = [2]int{r, b.r[0]}
	b.p = [2]int{p, b.p[0]}
	b.sz = saturate(sz)
	// FILTEP and PREDIC: the poles, and both together.
	sp := saturate(a1*saturate(2*b.r[0])>>15 + a2*saturate(2*b.r[1])>>15)
	b.s = saturate(sp + b.sz)
}

// limit is LIMIT: a decoded sample of a sub-band has 15 bits.
func limit(x int) int { return min(max(x, -16384), 16383) }
