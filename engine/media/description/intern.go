package description

import "strconv"

// intern returns a word that does not keep the text alive that it stands in, if it is one of those that nearly all descriptions are made of: what was
// agreed is kept as long as a call, the text need not be.
func intern(s string) string {
	switch s {
	case Audio:
		return Audio
	case Video:
		return Video
	case Image:
		return Image
	case "RTP/AVP":
		return "RTP/AVP"
	case "RTP/AVPF":
		return "RTP/AVPF"
	case "RTP/SAVP":
		return "RTP/SAVP"
	case "RTP/SAVPF":
		return "RTP/SAVPF"
	case "udptl":
		return "udptl"
	case "t38":
		return "t38"
	case "telephone-event":
		return "telephone-event"
	case "0-15":
		return "0-15"
	case "0-16":
		return "0-16"
	case "opus":
		return "opus"
	case "annexb=no":
		return "annexb=no"
	}
	for i := range assigned {
		if assigned[i].name == s {
			return assigned[i].name
		}
	}
	return s
}

// plain is the decimal n, which token says: of its own as far as it is written in the usual way.
func plain(token string, n int) string {
	if own := strconv.Itoa(n); own == token {
		return own
	}
	return token
}
