package description

import (
	"strconv"

	"github.com/pion/sdp/v3"
)

// ours are the codecs this server can play and record, in the order it would have them, with what goes with them.
var ours = [...]Format{
	{Token: "8", Payload: 8, Name: "PCMA", Clock: 8000, Channels: 1},
	{Token: "0", Payload: 0, Name: "PCMU", Clock: 8000, Channels: 1},
	{Token: "9", Payload: 9, Name: "G722", Clock: 8000, Channels: 1},
	{Token: "101", Payload: 101, Name: "telephone-event", Clock: 8000, Channels: 1, Parameters: "0-16"},
}

// Offer yields an offer by this server itself, of audio in the codecs it can play, as far as Options.Audio leaves them.
func (s *Side) Offer(open Open) ([]byte, error) {
	self, err := ourselves(ours[:], []string{Audio}, 0)
	if err != nil {
		return nil, err
	}
	return s.Write(self, Offer, open)
}

// Answer yields an answer by this server itself to the offer received last: audio in the codecs it can play, in the offerer's order unless
// Options.Audio has one, and all else refused.
func (s *Side) Answer(open Open) ([]byte, error) {
	if s.received == nil {
		return nil, refuse(ErrMismatch, "no offer to answer")
	}
	kinds := make([]string, len(s.Lines))
	audio := -1
	var u usability
	for i := range s.Lines {
		m := &s.Lines[i].Remote
		kinds[i] = m.Kind
		switch {
		case m.Port == 0 || audio >= 0:
		case m.Kind != Audio:
			u.add(refuse(ErrNoMedia, "%s, and this server can only speak", m.Kind))
		default:
			err := s.acceptable(&s.Lines[i], m)
			if err == nil && len(playable(m.Formats)) == 0 {
				err = refuse(ErrNoCodec, "no audio codec that this server can play")
			}
			if err == nil {
				audio = i
			}
			u.add(err)
		}
	}
	if err := u.err(); err != nil {
		return nil, err
	}
	var formats []Format
	if audio >= 0 {
		formats = playable(s.Lines[audio].Remote.Formats)
	}
	self, err := ourselves(formats, kinds, audio)
	if err != nil {
		return nil, err
	}
	return s.Write(self, Answer, open)
}

// playable returns those formats of an offer that are ours, with our parameters.
func playable(offered []Format) []Format {
	var formats []Format
	for i := range offered {
		if j := find(ours[:], &offered[i], &payloads{}); j >= 0 {
			f := ours[j]
			f.Token, f.Payload = offered[i].Token, offered[i].Payload
			formats = append(formats, f)
		}
	}
	return formats
}

// ourselves is this server as the other side of a peer: it has described one audio stream, at place audio among m-lines of these kinds, and nothing
// else. Ports are those that Open will give.
func ourselves(formats []Format, kinds []string, audio int) (*Side, error) {
	d := sdp.SessionDescription{
		Origin:           sdp.Origin{Username: "-", NetworkType: "IN", AddressType: "IP4", UnicastAddress: "0.0.0.0"},
		SessionName:      "-",
		TimeDescriptions: []sdp.TimeDescription{{}},
	}
	for i, kind := range kinds {
		m := &sdp.MediaDescription{MediaName: sdp.MediaName{Media: kind, Protos: []string{"RTP", "AVP"}, Formats: []string{"0"}}}
		if i == audio && len(formats) > 0 {
			m.MediaName.Port.Value, m.MediaName.Formats = 9, nil
			for i := range formats {
				f := &formats[i]
				m.WithCodec(f.Payload, f.Name, uint32(f.Clock), 0, f.Parameters)
			}
			m.WithValueAttribute("ptime", strconv.Itoa(20))
		}
		d.MediaDescriptions = append(d.MediaDescriptions, m)
	}
	text, err := d.Marshal()
	if err != nil {
		return nil, err
	}
	parsed, err := Parse(text)
	if err != nil {
		return nil, err
	}
	self := &Side{received: parsed, Lines: make([]Line, len(parsed.Media))}
	for i := range self.Lines {
		self.Lines[i] = Line{Remote: parsed.Media[i], Peer: i}
	}
	return self, nil
}

// Reoffer yields an offer of what stands on this side already, in the directions that Options.Limit leaves: to hold, to take up again, to
// refresh. Having been held by the peer does not count: it says itself when that ends (RFC 6337 §5.3).
func (s *Side) Reoffer(open Open) ([]byte, error) {
	if s.sent == nil {
		return s.Offer(open)
	}
	parsed, err := Parse(s.sent)
	if err != nil {
		return nil, err
	}
	self := &Side{received: parsed, Lines: make([]Line, len(parsed.Media)), session: s.session}
	for i := range self.Lines {
		m := parsed.Media[i]
		m.Direction = SendRecv
		self.Lines[i] = Line{Remote: m, Peer: i}
	}
	partner, lines := s.partner, s.Lines
	s.partner = s.session // each line in its own place
	text, err := s.Write(self, Offer, open)
	s.partner = partner
	if err != nil {
		return nil, err
	}
	for i := range s.Lines {
		s.Lines[i].Peer = lines[i].Peer // what it is relayed to stays
	}
	return text, nil
}
