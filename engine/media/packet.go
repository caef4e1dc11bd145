package media

import "encoding/binary"

// content is what a datagram holds, as far as a relay cares.
type content uint8

const (
	unknown content = iota
	rtpPacket
	rtcpPacket
	datagram // of media that is not RTP (T.38 over UDPTL): passed as it is
)

// classify tells STUN, DTLS and the rest from RTP and RTCP by the first byte (RFC 7983 §7), and these two from each other by the second one, whose
// values 192 to 223 are kept free of RTP's marker and payload type where they share a port (RFC 5761 §4).
func classify(b []byte) content {
	if len(b) < 8 || b[0]>>6 != 2 {
		return unknown
	}
	if b[1] >= 192 && b[1] <= 223 {
		return rtcpPacket
	}
	return rtpPacket
}

// rtpHeader is what of an RTP header the relay reads (RFC 3550 §5.1). It is read by hand: that is all that the path of a plain packet needs.
type rtpHeader struct {
	payload   uint8
	marker    bool
	sequence  uint16
	timestamp uint32
	ssrc      uint32
	length    int // of the header, with CSRCs and extension
}

// rtpFixed is the length of an RTP header without CSRCs and extension.
const rtpFixed = 12

// readRTP reads the header of b; ok is false when its lengths do not fit. Padding is looked at only in the clear: it is encrypted with the payload.
func readRTP(b []byte) (h rtpHeader, ok bool) {
	if len(b) < rtpFixed {
		return h, false
	}
	h.payload, h.marker = b[1]&0x7f, b[1]&0x80 != 0
	h.sequence = binary.BigEndian.Uint16(b[2:])
	h.timestamp = binary.BigEndian.Uint32(b[4:])
	h.ssrc = binary.BigEndian.Uint32(b[8:])
	h.length = rtpFixed + 4*int(b[0]&0x0f)
	if b[0]&0x10 != 0 { // extension (RFC 3550 §5.3.1)
		if len(b) < h.length+4 {
			return h, false
		}
		h.length += 4 + 4*int(binary.BigEndian.Uint16(b[h.length+2:]))
	}
	return h, len(b) >= h.length
}

// body is the payload of a packet in the clear, without padding (RFC 3550 §5.1); nil when the padding does not fit.
func (h *rtpHeader) body(b []byte) []byte {
	end := len(b)
	if b[0]&0x20 != 0 {
		if end == h.length {
			return nil
		}
		end -= int(b[end-1])
	}
	if end < h.length {
		return nil
	}
	return b[h.length:end]
}
