package description

import "strings"

// RTP says whether the m-line is RTP, with whatever profile.
func (m *Media) RTP() bool {
	return strings.HasPrefix(m.Proto, "RTP/") || strings.Contains(m.Proto, "/RTP/")
}

// Encrypted says whether the m-line is SRTP keyed by a=crypto (RFC 4568), by its profile.
func (m *Media) Encrypted() bool { return m.Proto == "RTP/SAVP" || m.Proto == "RTP/SAVPF" }

// Datagrams says whether the m-line is one whose packets pass through unread: fax by UDPTL (RFC 3362).
func (m *Media) Datagrams() bool { return strings.EqualFold(m.Proto, "udptl") }

// Relayable says whether this server can relay the m-line: RTP, or SRTP keyed by a=crypto, over UDP, or fax by UDPTL.
func (m *Media) Relayable() bool {
	switch m.Proto {
	case "RTP/AVP", "RTP/AVPF", "RTP/SAVP", "RTP/SAVPF":
		return true
	}
	return m.Datagrams()
}

// Profile is the transport of an m-line made encrypted or plain; with feedback (RFC 4585) or without it stays. Others than RTP stay as they are.
func Profile(proto string, encrypted bool) string {
	switch proto {
	case "RTP/AVP", "RTP/SAVP":
		if encrypted {
			return "RTP/SAVP"
		}
		return "RTP/AVP"
	case "RTP/AVPF", "RTP/SAVPF":
		if encrypted {
			return "RTP/SAVPF"
		}
		return "RTP/AVPF"
	}
	return proto
}
