package description

import "strings"

// assigned are the payload types that need no a=rtpmap (RFC 3551 §6, tables 4 and 5).
var assigned = [...]struct {
	name     string
	clock    int
	channels int
}{
	0: {"PCMU", 8000, 1}, 3: {"GSM", 8000, 1}, 4: {"G723", 8000, 1}, 5: {"DVI4", 8000, 1}, 6: {"DVI4", 16000, 1}, 7: {"LPC", 8000, 1},
	8: {"PCMA", 8000, 1}, 9: {"G722", 8000, 1}, 10: {"L16", 44100, 2}, 11: {"L16", 44100, 1}, 12: {"QCELP", 8000, 1}, 13: {"CN", 8000, 1},
	14: {"MPA", 90000, 1}, 15: {"G728", 8000, 1}, 16: {"DVI4", 11025, 1}, 17: {"DVI4", 22050, 1}, 18: {"G729", 8000, 1},
	25: {"CelB", 90000, 1}, 26: {"JPEG", 90000, 1}, 28: {"nv", 90000, 1}, 31: {"H261", 90000, 1}, 32: {"MPV", 90000, 1},
	33: {"MP2T", 90000, 1}, 34: {"H263", 90000, 1},
}

// firstDynamic is the lowest payload type whose meaning is a session's own (RFC 3551 §6).
const firstDynamic = 96

// static makes f the payload type n, with the meaning that it has without a=rtpmap.
func (f *Format) static(n uint8) {
	f.Payload = n
	if int(n) < len(assigned) && assigned[n].name != "" {
		f.Name, f.Clock, f.Channels = assigned[n].name, assigned[n].clock, assigned[n].channels
	}
}

// Is says whether the format has an encoding name; case does not count (RFC 8866 §6.6).
func (f *Format) Is(name string) bool { return strings.EqualFold(f.Name, name) }

// codec says whether the format is media itself, not an addition to that of others.
func (f *Format) codec() bool {
	return !f.Is("telephone-event") && !f.Is("CN") && !f.Is("rtx") && !f.Is("red") && !f.Is("ulpfec") && !f.Is("flexfec-03")
}

// same says whether two formats are the same codec: what a=rtpmap says of them is equal.
func (f *Format) same(g *Format) bool {
	if f.Payload == NoPayload || f.Name == "" {
		return f.Token == g.Token && f.Name == g.Name
	}
	return f.Clock == g.Clock && f.Channels == g.Channels && f.Is(g.Name) &&
		(!f.Is("rtx") || f.parameter("apt") == g.parameter("apt"))
}

// payloads is a set of payload types.
type payloads [2]uint64

func (p *payloads) has(n uint8) bool { return n < 128 && p[n>>6]&(1<<(n&63)) != 0 }

// take puts n into the set. It reports whether it is new.
func (p *payloads) take(n uint8) bool {
	if p.has(n) {
		return false
	}
	p[n>>6&1] |= 1 << (n & 63)
	return true
}

// find returns the index of the format of list that is nearest to f and not taken, or -1. Where a codec stands in a list several times, its
// parameters tell which is meant; where those differ too, as they may between offer and answer, the number.
func find(list []Format, f *Format, taken *payloads) int {
	best, most := -1, -1
	for i := range list {
		g := &list[i]
		if !f.same(g) || taken.has(g.Payload) {
			continue
		}
		likeness := 0
		if f.Parameters == g.Parameters {
			likeness += 4
		} else if f.alike(g) {
			likeness += 2
		}
		if f.Payload == g.Payload {
			likeness++
		}
		if likeness > most {
			best, most = i, likeness
		}
	}
	return best
}

// alike says whether the parameters of two formats of one codec tell the same stream: those of H.264 that must be equal in offer and answer
// (RFC 6184 §8.2.2), of VP9 and AMR likewise.
func (f *Format) alike(g *Format) bool {
	for _, name := range [...]string{"packetization-mode", "profile-level-id", "profile-id", "octet-align"} {
		a, b := f.parameter(name), g.parameter(name)
		if name == "profile-level-id" && len(a) == 6 && len(b) == 6 {
			a, b = a[:4], b[:4] // the level may differ
		}
		if !strings.EqualFold(a, b) {
			return false
		}
	}
	return true
}

// parameter returns the value of one parameter of a=fmtp.
func (f *Format) parameter(name string) string {
	for rest := f.Parameters; rest != ""; {
		var p string
		p, rest, _ = strings.Cut(rest, ";")
		if key, value, ok := strings.Cut(strings.TrimSpace(p), "="); ok && strings.EqualFold(key, name) {
			return value
		}
	}
	return ""
}
