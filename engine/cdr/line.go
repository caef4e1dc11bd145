package cdr

import (
	"encoding/json"
	"math"
	"time"
)

// line is a record as JSON has it: times as RFC 3339 says, durations in seconds.
type line struct {
	ID       string         `json:"id"`
	CallID   string         `json:"call_id"`
	CallIDs  []string       `json:"call_ids"`
	From     string         `json:"from"`
	To       string         `json:"to"`
	URI      string         `json:"uri"`
	User     string         `json:"user,omitempty"`
	Source   string         `json:"source"`
	Target   string         `json:"target,omitempty"`
	Started  string         `json:"started"`
	Answered string         `json:"answered,omitempty"`
	Ended    string         `json:"ended"`
	Duration float64        `json:"duration"`
	Code     int            `json:"code"`
	Cause    string         `json:"cause"`
	Q850     int            `json:"q850,omitempty"`
	EndedBy  string         `json:"ended_by,omitempty"`
	Media    []mediaLine    `json:"media,omitempty"`
	Vars     map[string]any `json:"vars,omitempty"`
}

type mediaLine struct {
	Leg      string     `json:"leg"`
	Received streamLine `json:"received"`
	Sent     streamLine `json:"sent"`
	RTT      float64    `json:"rtt,omitempty"`
	MOS      float64    `json:"mos,omitempty"`
}

type streamLine struct {
	Packets uint64  `json:"packets"`
	Bytes   uint64  `json:"bytes"`
	Lost    uint64  `json:"lost"`
	Jitter  float64 `json:"jitter"`
}

// Line is the record as one line of JSON, with its line end.
func (r *Record) Line() []byte {
	l := line{
		ID: r.ID, CallIDs: r.CallIDs, From: r.From, To: r.To, URI: r.URI, User: r.User, Source: r.Source, Target: r.Target,
		Started: stamp(r.Started), Answered: stamp(r.Answered), Ended: stamp(r.Ended), Duration: seconds(r.Duration()),
		Code: r.Code, Cause: r.Cause, Q850: r.Q850, EndedBy: r.EndedBy, Vars: r.vars,
	}
	if len(r.CallIDs) > 0 {
		l.CallID = r.CallIDs[0]
	}
	for i := range r.Media {
		m := &r.Media[i]
		l.Media = append(l.Media, mediaLine{
			Leg: m.Leg, Received: m.Received.line(), Sent: m.Sent.line(), RTT: seconds(m.RTT), MOS: math.Round(m.MOS*100) / 100,
		})
	}
	b, err := json.Marshal(l)
	if err != nil {
		// Of the fields there is none that JSON cannot say; what a script has put into vars must not cost the rest.
		l.Vars = map[string]any{"error": err.Error()}
		b, _ = json.Marshal(l)
	}
	return append(b, '\n')
}

func (s *Stream) line() streamLine {
	return streamLine{Packets: s.Packets, Bytes: s.Bytes, Lost: s.Lost, Jitter: seconds(s.Jitter)}
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z07:00")
}

// seconds to the millisecond.
func seconds(d time.Duration) float64 {
	return float64(d.Round(time.Millisecond)) / float64(time.Second)
}
