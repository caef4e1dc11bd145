//go:build linux

package load

import "time"

// Result is what a run brought. Times are those of the calling side.
type Result struct {
	Mode       Mode             `json:"mode"`
	Started    int64            `json:"started"`
	Succeeded  int64            `json:"succeeded"`
	Codes      map[int]int64    `json:"codes,omitempty"`     // failure responses by status
	TimedOut   int64            `json:"timed_out"`           // operations given up
	Resent     int64            `json:"resent"`              // retransmissions of both sides
	Duplicates int64            `json:"duplicates"`          // messages that had been seen before
	Stray      int64            `json:"stray"`               // messages of no operation known here
	Anomalies  map[string]int64 `json:"anomalies,omitempty"` // messages that were not as they must be, by what was wrong
	Example    string           `json:"example,omitempty"`   // the first of them
	Elapsed    time.Duration    `json:"elapsed_ns"`          // first request to last end
	PerSecond  float64          `json:"per_second"`          // succeeded a second
	Answer     Latency          `json:"answer"`              // request to final response; of calls, INVITE to 200
	Bye        Latency          `json:"bye"`                 // BYE to its 200
	Late       Latency          `json:"late"`                // how late requests were sent in an open loop
	Sent       uint64           `json:"sent"`                // datagrams
	Received   uint64           `json:"received"`
	Lost       uint64           `json:"lost"` // datagrams that could not be sent, or came back as unreachable
}

// Failed counts the operations that brought no success.
func (r *Result) Failed() int64 { return r.Started - r.Succeeded }

// Clean says that every operation succeeded and no message was wrong.
func (r *Result) Clean() bool { return r.Failed() == 0 && len(r.Anomalies) == 0 }
