package ng

import (
	"slices"
	"strconv"

	"github.com/sipscript/sipscript/engine/media/description"
)

// suitesOfNG are those that rtpengine knows and package description does not.
var suitesOfNG = [...]string{
	"F8_128_HMAC_SHA1_80", "F8_128_HMAC_SHA1_32", "NULL_HMAC_SHA1_80", "NULL_HMAC_SHA1_32",
	"AES_192_CM_HMAC_SHA1_80", "AES_192_CM_HMAC_SHA1_32", "AES_256_CM_HMAC_SHA1_80", "AES_256_CM_HMAC_SHA1_32",
}

// exchange begins an offer or answer.
func (c *call) exchange(name, from, to, sdp string) dict {
	d := c.command(name, from)
	d["to-tag"] = to
	d["sdp"] = sdp
	d["ICE"] = "remove"
	d["DTLS"] = "off"
	// Ports stay over re-INVITEs, and only whom the description or the first packet names is heard.
	d["flags"] = []any{"port-latching", "strict-source"}
	return d
}

// offer is the command that takes an offer of one terminal to another, by the options of the other.
func (c *call) offer(from, to *terminal, sdp string) dict {
	d := c.exchange("offer", from.tag, to.tag, sdp)
	to.shape(d, from.side.Received(), &from.side.Options)
	return d
}

// answer is the command that takes the answer of a terminal to whom has offered.
func (c *call) answer(offerer string, answerer *terminal, sdp string) dict {
	return c.exchange("answer", offerer, answerer.tag, sdp)
}

// shape says how an offer is to be for this terminal; by are the options of the offerer's side, whose codecs hold too.
func (t *terminal) shape(d dict, offer *description.Description, by *description.Options) {
	o := &t.side.Options
	d["SDES"] = suites(o.Suites)
	switch o.Mux {
	case description.MuxOff:
		d["rtcp-mux"] = []any{"demux"}
	case description.MuxOffer:
		d["rtcp-mux"] = []any{"offer"}
	}
	if t.remote.IsValid() {
		d["address-family"] = "IP6"
		if t.remote.Is4() {
			d["address-family"] = "IP4"
		}
	}
	if proto := t.profile(offer); proto != "" {
		d["transport-protocol"] = proto
	}
	if len(o.Audio)+len(o.Video)+len(by.Audio)+len(by.Video) > 0 && offer != nil {
		d["codec"] = dict{"strip": []any{"all"}, "offer": codecs(offer, by, o)}
	}
}

// profile is the transport of RTP that is offered to this terminal, "" for the one that comes. What it has agreed on it keeps.
func (t *terminal) profile(offer *description.Description) string {
	for i := 0; offer != nil && i < len(offer.Media); i++ {
		m := &offer.Media[i]
		if !m.RTP() || m.Port == 0 {
			continue
		}
		encrypted := m.Encrypted()
		switch o := &t.side.Options; {
		case t.agreed && i < len(t.side.Lines) && t.side.Lines[i].Local.RTP():
			encrypted = t.side.Lines[i].Local.Encrypted()
		case o.SRTP == description.SRTPRequired:
			encrypted = true
		case o.SRTP == description.SRTPOff:
			encrypted = false
		}
		if proto := description.Profile(m.Proto, encrypted); proto != m.Proto {
			return proto
		}
		return ""
	}
	return ""
}

// suites says which crypto suites are not to be offered.
func suites(wanted []description.Suite) []any {
	var flags []any
	for _, name := range suitesOfNG {
		flags = append(flags, "no-"+name)
	}
	for s := description.AES128SHA80; s <= description.AES256GCM; s++ {
		if len(wanted) > 0 && !slices.Contains(wanted, s) {
			flags = append(flags, "no-"+s.String())
		}
	}
	return flags
}

// codecs names the codecs that the options of both sides leave of an offer, in the order of those of the second.
func codecs(offer *description.Description, from, to *description.Options) []any {
	names := []any{}
	for i := range offer.Media {
		formats, err := chosen(offer.Media[i], from, to)
		if err != nil {
			continue // refused, and there is another (choosable)
		}
		for j := range formats {
			if name := codec(&formats[j]); name != "" && !slices.Contains(names, any(name)) {
				names = append(names, name)
			}
		}
	}
	return names
}

func chosen(m description.Media, from, to *description.Options) (formats []description.Format, err error) {
	if m.Formats, err = from.Choose(&m); err != nil {
		return nil, err
	}
	return to.Choose(&m)
}

func codec(f *description.Format) string {
	if f.Name == "" || f.Payload == description.NoPayload {
		return ""
	}
	name := f.Name + "/" + strconv.Itoa(f.Clock)
	if f.Channels > 1 {
		name += "/" + strconv.Itoa(f.Channels)
	}
	return name
}

// choosable says what is wrong if the options of both sides leave no codec on any m-line of an offer.
func choosable(offer *description.Description, from, to *description.Options) error {
	var first error
	for i := range offer.Media {
		if offer.Media[i].Port == 0 {
			continue
		}
		_, err := chosen(offer.Media[i], from, to)
		if err == nil {
			return nil
		}
		if first == nil {
			first = err
		}
	}
	return first
}
