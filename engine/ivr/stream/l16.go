package stream

import (
	"encoding/binary"
	"encoding/json"
)

// l16 is a format of our own: samples of 16 bits, little-endian, in binary messages; all else in JSON.
type l16 struct{ hertz int }

func (f l16) rate() int { return f.hertz }
func (l16) width() int  { return 2 }

func (l16) encode(dst []byte, pcm []int16) []byte {
	for _, v := range pcm {
		dst = binary.LittleEndian.AppendUint16(dst, uint16(v))
	}
	return dst
}

func (l16) decode(dst []int16, samples []byte) {
	for i := range dst {
		dst[i] = int16(binary.LittleEndian.Uint16(samples[2*i:]))
	}
}

func (f l16) greetings(s *Names) [][]byte {
	return [][]byte{marshal(struct {
		Event  string            `json:"event"`
		Stream string            `json:"stream"`
		Call   string            `json:"call"`
		Rate   int               `json:"rate"`
		Params map[string]string `json:"params,omitempty"`
	}{"start", s.Stream, s.Call, f.hertz, s.Params})}
}

func (l16) write(b []byte, _ *Names, _ numbers, m item, samples []byte) ([]byte, bool) {
	switch m.kind {
	case itemMedia:
		return append(b, samples...), true
	case itemMark:
		b = append(b, `{"event":"mark","name":`...)
		b = append(b, marshal(m.text)...)
	case itemDigit:
		b = append(b, `{"event":"dtmf","digit":"`...)
		b = append(b, m.text...)
		b = append(b, '"')
	case itemStop:
		b = append(b, `{"event":"stop"`...)
	}
	return append(b, '}'), false
}

func (l16) read(binary bool, message []byte) (order, bool) {
	if binary {
		return order{kind: orderMedia, samples: message}, len(message)%2 == 0
	}
	var m struct {
		Event string  `json:"event"`
		Name  *string `json:"name"`
	}
	if err := json.Unmarshal(message, &m); err != nil {
		return order{}, false
	}
	switch {
	case m.Event == "mark" && m.Name != nil:
		return order{kind: orderMark, text: *m.Name}, true
	case m.Event == "clear":
		return order{kind: orderClear}, true
	case m.Event == "stop":
		return order{kind: orderStop}, true
	case m.Event == "" || m.Event == "mark":
		return order{}, false
	}
	return order{kind: orderOther, text: string(message)}, true
}
