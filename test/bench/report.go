//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/sipscript/sipscript/test/load"
)

// report is everything that was measured.
type report struct {
	Notes      []string                           `json:"notes,omitempty"`
	AtRate     map[string][]*sample               `json:"call_at_1000_per_second,omitempty"` // by server
	Saturated  map[load.Mode]map[string][]*sample `json:"saturated,omitempty"`               // closed loop, by mode and server
	AtSixty    []*sample                          `json:"call_at_60_percent,omitempty"`      // ours alone
	B2BUA      map[string]map[string][]*sample    `json:"b2bua,omitempty"`                   // by load and server: a call that is proxied, and one that ends here and is made anew
	PerContact []memory                           `json:"memory_per_contact,omitempty"`
	PerCall    []memory                           `json:"memory_per_call_in_set_up,omitempty"`
	Relays     map[string]map[string][]*relayed   `json:"relays,omitempty"` // by part and server
	IVR        map[string][]*staged               `json:"ivr,omitempty"`    // by scene
	PerIVR     memory                             `json:"memory_per_ivr_call,omitzero"`
}

func (r *report) writeJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}

// median is the middle value, the lower one of two.
func median(samples []*sample, of func(*sample) float64) float64 {
	if len(samples) == 0 {
		return 0
	}
	values := make([]float64, len(samples))
	for i, s := range samples {
		values[i] = of(s)
	}
	slices.Sort(values)
	return values[(len(values)-1)/2]
}

func perOperation(s *sample) float64 { return s.PerOperation }
func withCleanUp(s *sample) float64  { return s.PerOperation + s.CleanUp }
func perSecond(s *sample) float64    { return s.PerSecond }
func p99(s *sample) float64          { return s.Answer.P99 }

// sound says that in no run more than one operation of a thousand failed, or any message was wrong: a stray retransmission on a busy machine
// changes no figure.
func (r *report) sound() bool {
	all := slices.Concat(r.AtRate[ours], r.AtSixty)
	for _, servers := range r.Saturated {
		all = append(all, servers[ours]...)
	}
	for _, servers := range r.B2BUA {
		all = append(all, servers[twoLegs]...)
	}
	return relaysSound(r.Relays) && ivrSound(r.IVR) && !slices.ContainsFunc(all, func(s *sample) bool { return s.Failed()*1000 > s.Started || len(s.Anomalies) > 0 })
}

// writeTable prints the medians, and against the peer's the ratio that counts: below 1 is less than the peer's.
func (r *report) writeTable(w io.Writer) {
	for _, note := range r.Notes {
		fmt.Fprintf(w, "NOTE: %s\n", note)
	}
	if len(r.AtRate)+len(r.Saturated) > 0 {
		fmt.Fprintf(w, "\nCPU of the server, µs an operation: median (lowest to highest)\n\n%-24s %24s %24s %7s %12s\n", "", ours, theirs, "ratio", "+ clean-up")
	}
	if r.AtRate != nil {
		r.writeCPU(w, "call at 1,000/s", r.AtRate)
	}
	for _, mode := range compared {
		if servers, ok := r.Saturated[mode]; ok {
			r.writeCPU(w, string(mode)+" saturated", servers)
		}
	}
	if len(r.Saturated) > 0 {
		fmt.Fprintf(w, "\nOperations a second on one core, closed loop of %d\n\n", window)
	}
	for _, mode := range compared {
		if servers, ok := r.Saturated[mode]; ok {
			a, b := median(servers[ours], perSecond), median(servers[theirs], perSecond)
			fmt.Fprintf(w, "%-24s %24.0f %24s %7s\n", mode, a, value("%.0f", b), ratio(a, b))
		}
	}
	if len(r.AtSixty) > 0 {
		fmt.Fprintf(w, "\nINVITE to 200 at 60 %% of the saturated rate (%.0f calls/s): p50 %.2f ms, p99 %.2f ms\n", r.AtSixty[0].Offered,
			median(r.AtSixty, func(s *sample) float64 { return s.Answer.P50 })/1e3, median(r.AtSixty, p99)/1e3)
	}
	r.writeB2BUA(w)
	if len(r.PerContact)+len(r.PerCall) > 0 {
		fmt.Fprint(w, "\nMemory (PSS), bytes each\n\n")
		writeMemory(w, "registered contact", r.PerContact)
		writeMemory(w, "call in set-up", r.PerCall)
	}
	for _, part := range slices.Sorted(maps.Keys(r.Relays)) {
		writeRelays(w, part, r.Relays[part])
	}
	writeIVR(w, r.IVR, r.PerIVR)
	r.writeComplaints(w)
}

func (r *report) writeCPU(w io.Writer, what string, servers map[string][]*sample) {
	a, b := median(servers[ours], perOperation), median(servers[theirs], perOperation)
	fmt.Fprintf(w, "%-24s %24s %24s %7s %12s\n", what, spread(servers[ours]), spread(servers[theirs]), ratio(a, b),
		ratio(median(servers[ours], withCleanUp), median(servers[theirs], withCleanUp)))
}

func spread(samples []*sample) string {
	if len(samples) == 0 {
		return "-"
	}
	byCost := func(a, b *sample) int {
		return int((a.PerOperation - b.PerOperation) * 1e3)
	}
	return fmt.Sprintf("%.1f (%.1f to %.1f)", median(samples, perOperation), slices.MinFunc(samples, byCost).PerOperation, slices.MaxFunc(samples, byCost).PerOperation)
}

func value(format string, v float64) string {
	if v == 0 {
		return "-"
	}
	return fmt.Sprintf(format, v)
}

func ratio(a, b float64) string {
	if a == 0 || b == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", a/b)
}

func writeMemory(w io.Writer, what string, all []memory) {
	if len(all) == 0 {
		return
	}
	per := map[string]float64{}
	for _, m := range all {
		per[m.Server] = float64(m.Per)
	}
	fmt.Fprintf(w, "%-24s %24.0f %24s %7s\n", what, per[ours], value("%.0f", per[theirs]), ratio(per[ours], per[theirs]))
}

// writeComplaints lists the runs that were not clean: their figures mean nothing.
func (r *report) writeComplaints(w io.Writer) {
	var lines []string
	add := func(samples []*sample) {
		for _, s := range samples {
			if c := s.complaint(); c != "" {
				lines = append(lines, fmt.Sprintf("%s %s%s %s", s.Server, s.Mode, c, s.Example))
			}
		}
	}
	for _, name := range []string{ours, theirs} {
		add(r.AtRate[name])
		for _, mode := range load.Modes {
			add(r.Saturated[mode][name])
		}
	}
	add(r.AtSixty)
	if len(lines) > 0 {
		fmt.Fprintf(w, "\n%s\n", strings.Join(lines, "\n"))
	}
}
