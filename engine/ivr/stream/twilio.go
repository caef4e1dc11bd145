package stream

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strconv"

	"github.com/sipscript/sipscript/engine/audio/g711"
)

// twilio is the format of Twilio's Media Streams: μ-law of 8 kHz in base64, within messages of JSON whose numbers are
// strings.
type twilio struct{}

func (twilio) rate() int  { return 8000 }
func (twilio) width() int { return 1 }

func (twilio) encode(dst []byte, pcm []int16) []byte {
	n := len(dst)
	dst = slices.Grow(dst, len(pcm))[:n+len(pcm)]
	g711.EncodeMu(dst[n:], pcm)
	return dst
}

func (twilio) decode(dst []int16, samples []byte) { g711.DecodeMu(dst, samples[:len(dst)]) }

func (twilio) greetings(s *Names) [][]byte {
	type mediaFormat struct {
		Encoding   string `json:"encoding"`
		SampleRate int    `json:"sampleRate"`
		Channels   int    `json:"channels"`
	}
	type start struct {
		Account    string            `json:"accountSid"`
		Stream     string            `json:"streamSid"`
		Call       string            `json:"callSid"`
		Tracks     []string          `json:"tracks"`
		Format     mediaFormat       `json:"mediaFormat"`
		Parameters map[string]string `json:"customParameters"`
	}
	params := s.Params
	if params == nil {
		params = map[string]string{}
	}
	return [][]byte{
		[]byte(`{"event":"connected","protocol":"Call","version":"1.0.0"}`),
		marshal(struct {
			Event    string `json:"event"`
			Sequence string `json:"sequenceNumber"`
			Start    start  `json:"start"`
			Stream   string `json:"streamSid"`
		}{"start", "1", start{s.Account, s.Stream, s.Call, []string{"inbound"}, mediaFormat{"audio/x-mulaw", 8000, 1}, params}, s.Stream}),
	}
}

// marshal is json.Marshal of what cannot fail.
func marshal(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

func (twilio) write(b []byte, s *Names, n numbers, m item, samples []byte) ([]byte, bool) {
	event := func(name string) {
		b = append(b, `{"event":"`...)
		b = append(b, name...)
		b = append(b, `","sequenceNumber":"`...)
		b = strconv.AppendUint(b, n.sequence, 10)
		b = append(b, `","streamSid":"`...)
		b = append(b, s.Stream...)
		b = append(b, `","`...)
		b = append(b, name...)
		b = append(b, `":{`...)
	}
	switch m.kind {
	case itemMedia:
		event("media")
		b = append(b, `"track":"inbound","chunk":"`...)
		b = strconv.AppendUint(b, n.chunk, 10)
		b = append(b, `","timestamp":"`...)
		b = strconv.AppendUint(b, m.frame*20, 10)
		b = append(b, `","payload":"`...)
		b = base64.StdEncoding.AppendEncode(b, samples)
		b = append(b, '"')
	case itemMark:
		event("mark")
		b = append(b, `"name":`...)
		b = append(b, marshal(m.text)...)
	case itemDigit:
		event("dtmf")
		b = append(b, `"track":"inbound_track","digit":"`...)
		b = append(b, m.text...)
		b = append(b, '"')
	case itemStop:
		event("stop")
		b = append(b, `"accountSid":`...)
		b = append(b, marshal(s.Account)...)
		b = append(b, `,"callSid":`...)
		b = append(b, marshal(s.Call)...)
	}
	return append(b, `}}`...), false
}

func (twilio) read(binary bool, message []byte) (order, bool) {
	if binary {
		return order{}, false
	}
	var m struct {
		Event string `json:"event"`
		Media *struct {
			Payload []byte `json:"payload"` // base64, as Go reads it
		} `json:"media"`
		Mark *struct {
			Name string `json:"name"`
		} `json:"mark"`
	}
	if err := json.Unmarshal(message, &m); err != nil {
		return order{}, false
	}
	switch {
	case m.Event == "media" && m.Media != nil:
		return order{kind: orderMedia, samples: m.Media.Payload}, true
	case m.Event == "mark" && m.Mark != nil:
		return order{kind: orderMark, text: m.Mark.Name}, true
	case m.Event == "clear":
		return order{kind: orderClear}, true
	case m.Event == "stop":
		return order{kind: orderStop}, true
	case m.Event == "" || m.Event == "media" || m.Event == "mark":
		return order{}, false
	}
	return order{kind: orderOther, text: string(message)}, true
}
