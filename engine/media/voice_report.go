package media

import (
	"encoding/base64"
	"encoding/binary"
	"time"
)

// reports are what a voice sends and hears by RTCP (RFC 3550 §6), where there is no terminal connected whose reports are relayed: by them the peer knows how
// its own media arrives, and ties timestamps to time.
type reports struct {
	name [16]byte // the CNAME: it tells nothing of the host (RFC 7022 §4.2)
	next int64    // when the next one is due; 0: not known yet
	seed uint32   // of the moments at which they are sent

	sent              uint32 // packets of this server's own before the last one
	expected, arrived uint32 // packets of the peer, likewise
}

// heardReport is the last sender report of the peer; it is guarded by voice.mu.
type heardReport struct {
	middle uint32 // of its NTP timestamp
	at     int64
}

// reportInterval is how far apart reports are on average (RFC 3550 §6.2).
const reportInterval = 5 * time.Second

// begin draws the name from 12 random bytes, and the moments.
func (r *reports) begin(random []byte) {
	base64.RawURLEncoding.Encode(r.name[:], random[:12])
	r.seed = binary.BigEndian.Uint32(random)
}

// due reports whether a report is due. The intervals are spread, as reports of many at once would be a burst (RFC 3550 §6.3.1).
func (r *reports) due(now int64) bool {
	is := r.next != 0 && now >= r.next
	if r.next == 0 || is {
		r.seed = r.seed*1664525 + 1013904223
		spread := int64(reportInterval) * int64(r.seed>>16) >> 16 // 0 to 1 times
		r.next = now + int64(reportInterval)/2 + spread
	}
	return is
}

// noteReport takes RTCP of the peer, which is valid. Any relay thread may call it.
func (v *voice) noteReport(now int64, b []byte) {
	packets(b, func(kind byte, p []byte) {
		if kind == senderReport && len(p) >= 28 {
			v.mu.Lock()
			v.heard = heardReport{binary.BigEndian.Uint32(p[10:]), now}
			v.mu.Unlock()
		}
	})
}

// reportTo sends a report if one is due: a sender report where something was sent since the last one, else a receiver report.
func (v *voice) reportTo(p *pacer, due int64, l *line) {
	if l == nil || !v.reports.due(due) || !l.stream.ready() {
		return
	}
	v.mu.Lock()
	bridged, last := v.passing.speaks(due), v.heard
	v.mu.Unlock()
	s, r := &v.speech, &v.reports
	sends := s.packets != r.sent
	r.sent = s.packets
	in := &l.stream.in
	in.mu.Lock()
	block := in.reception
	in.mu.Unlock()
	if bridged || !sends && !block.started {
		return
	}
	b := p.out.buffer()[:0]
	b = append(b, 0x80, receiverReport, 0, 0)
	b = binary.BigEndian.AppendUint32(b, s.ssrc)
	if sends {
		b[1] = senderReport
		b = appendNTP(b, v.terminal.relay.start.Add(time.Duration(due)))
		b = binary.BigEndian.AppendUint32(b, s.timestamp)
		b = binary.BigEndian.AppendUint32(b, s.packets)
		b = binary.BigEndian.AppendUint32(b, s.octets)
	}
	if block.started {
		b[0] |= 1
		b = r.appendBlock(b, &block, due, last)
	}
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)/4-1))
	b = r.appendName(b, s.ssrc)
	if out, err := l.stream.pass(due, rtcpPacket, b); err == nil {
		p.out.add(out)
	}
}

// appendNTP writes a time as RFC 3550 §4 has it: seconds since 1900, and the fraction.
func appendNTP(b []byte, t time.Time) []byte {
	const since1900 = 2_208_988_800
	b = binary.BigEndian.AppendUint32(b, uint32(t.Unix()+since1900))
	return binary.BigEndian.AppendUint32(b, uint32(uint64(t.Nanosecond())<<32/uint64(time.Second)))
}

// appendBlock writes how the media of the peer has come (RFC 3550 §6.4.1).
func (r *reports) appendBlock(b []byte, of *reception, now int64, last heardReport) []byte {
	expected := of.highest - of.base + 1
	lost := int64(expected) - int64(of.received)
	missing := int64(expected-r.expected) - int64(of.received-r.arrived)
	fraction := uint32(0)
	if n := int64(expected - r.expected); n > 0 && missing > 0 {
		fraction = uint32(min(missing*256/n, 255))
	}
	r.expected, r.arrived = expected, of.received
	b = binary.BigEndian.AppendUint32(b, of.ssrc)
	b = binary.BigEndian.AppendUint32(b, fraction<<24|uint32(max(min(lost, 0x7fffff), -0x800000))&0xffffff)
	b = binary.BigEndian.AppendUint32(b, of.highest)
	b = binary.BigEndian.AppendUint32(b, of.jitter>>4)
	if last.at == 0 {
		return append(b, 0, 0, 0, 0, 0, 0, 0, 0)
	}
	b = binary.BigEndian.AppendUint32(b, last.middle)
	return binary.BigEndian.AppendUint32(b, uint32((now-last.at)<<16/int64(time.Second)))
}

// appendName writes the CNAME (RFC 3550 §6.5): the chunk ends with at least one zero, at a multiple of four.
func (r *reports) appendName(b []byte, ssrc uint32) []byte {
	const sourceDescription, canonicalName = 202, 1
	b = append(b, 0x81, sourceDescription, 0, byte((8+2+len(r.name)+2)/4-1))
	b = binary.BigEndian.AppendUint32(b, ssrc)
	b = append(b, canonicalName, byte(len(r.name)))
	b = append(b, r.name[:]...)
	return append(b, 0, 0)
}
