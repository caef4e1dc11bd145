package call_test

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
)

// heard is what of a scene has come to the server, and what it has said to that.
type heard struct {
	calls    []string            // Call-IDs of the INVITEs that begin one, as they came
	dialled  []string            // Call-IDs of the INVITEs that the server has sent to begin one
	requests []string            // all but ACK, by sender, branch and method
	finals   map[string][]string // different ones, by request
}

func listen(trace siptest.Trace, server netip.AddrPort) *heard {
	h := &heard{finals: map[string][]string{}}
	for _, e := range trace {
		if e.Kind != siptest.Datagram || e.Fate != siptest.Delivered && e.Src != server {
			continue
		}
		m, err := sip.ReadDatagram(slices.Clone(e.Bytes), sip.Limits{})
		if err != nil {
			continue
		}
		via, err := m.Via()
		if err != nil || m.Method() == sip.ACK {
			continue
		}
		if m.IsRequest() && e.Src == server && m.Method() == sip.INVITE && m.ToTag() == "" {
			h.dialled = append(h.dialled, strings.Clone(m.CallID()))
		}
		switch key := fmt.Sprint(m.Method(), " ", via.Branch, " of "); {
		case m.IsRequest() && e.Dst == server:
			key += e.Src.String()
			if slices.Contains(h.requests, key) {
				continue
			}
			h.requests = append(h.requests, key)
			if m.Method() == sip.INVITE && m.ToTag() == "" {
				h.calls = append(h.calls, strings.Clone(m.CallID()))
			}
		case !m.IsRequest() && e.Src == server && m.Status() >= 200:
			key += e.Dst.String()
			if final := fmt.Sprint(m.Status(), " ", m.ToTag()); !slices.Contains(h.finals[key], final) {
				h.finals[key] = append(h.finals[key], final)
			}
		}
	}
	return h
}

// unanswered are the requests that the server has not given exactly one final response.
func (h *heard) unanswered() (list []string) {
	for _, r := range h.requests {
		if f := h.finals[r]; len(f) != 1 {
			list = append(list, fmt.Sprintf("%s has the final responses %q", r, f))
		}
	}
	return list
}

// unrecorded are the calls that do not have exactly one record, and the records of no call. Two that a caller has left alone
// have one besides, by the Call-ID of a leg that the server has dialled.
func (h *heard) unrecorded(lines string) (list []string) {
	recorded := map[string]int{}
	for line := range strings.Lines(lines) {
		var r struct {
			CallID string `json:"call_id"`
			Ended  string `json:"ended"`
		}
		if err := json.Unmarshal([]byte(line), &r); err != nil || r.Ended == "" || !slices.Contains(h.calls, r.CallID) && !slices.Contains(h.dialled, r.CallID) {
			list = append(list, "record of no call that has ended: "+line)
		}
		if recorded[r.CallID]++; recorded[r.CallID] == 2 && !slices.Contains(h.calls, r.CallID) {
			list = append(list, "second record of one pair: "+line)
		}
	}
	for _, id := range h.calls {
		if n := recorded[id]; n != 1 {
			list = append(list, fmt.Sprintf("%d records of %s", n, id))
		}
	}
	return list
}
