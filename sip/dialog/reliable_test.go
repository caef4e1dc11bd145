package dialog

import (
	"errors"
	"math"
	"testing"
	"time"

	"github.com/sipscript/sipscript/sip"
)

func TestReliableResponses(t *testing.T) {
	t.Parallel()
	rows := []struct {
		line   string
		fields []string
		want   bool
	}{
		{progress, []string{"Require: 100rel", "RSeq: 988789"}, true},
		{"SIP/2.0 199 Early", []string{"Require: x, 100REL", "RSeq: 4294967295"}, true},
		{progress, []string{"Require: 100rel"}, false},
		{progress, []string{"RSeq: 1"}, false},
		{progress, []string{"Supported: 100rel", "RSeq: 1"}, false},
		{progress, []string{"Require: 100rel", "RSeq: 0"}, false},
		{progress, []string{"Require: 100rel", "RSeq: 4294967296"}, false},
		{progress, []string{"Require: 100rel", "RSeq: one"}, false},
		{progress, []string{"Require: 100rel", "RSeq: 1", "CSeq: 1 UPDATE"}, false},
		{"SIP/2.0 100 Trying", []string{"Require: 100rel", "RSeq: 1"}, false},
		{ok, []string{"Require: 100rel", "RSeq: 1"}, false},
	}
	for _, row := range rows {
		if got := Reliable(read(t, row.line, row.fields...)); got != row.want {
			t.Errorf("%s %q: %v", row.line, row.fields, got)
		}
	}
	for field, want := range map[string]Reliability{"Supported: timer, 100rel": Possible, "Require: 100rel": Required, "Supported: timer": Unreliable} {
		if got := ReliabilityOf(read(t, inviteLine, field)); got != want {
			t.Errorf("%s: %v", field, got)
		}
	}
}

// prack returns a received PRACK with this RAck.
func prack(t *testing.T, rack string) *sip.Message {
	t.Helper()
	return read(t, "PRACK sip:us@192.0.2.5 SIP/2.0", "CSeq: 2 PRACK", "RAck: "+rack)
}

func TestB100PrackNamesTheResponseOrGets481(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name, rack string
		want       int
	}{
		{"right", "776656 1 INVITE", 200},
		{"other RSeq", "776655 1 INVITE", 481},
		{"other CSeq", "776656 2 INVITE", 481},
		{"other method", "776656 1 UPDATE", 481},
		{"no number", "x 1 INVITE", 400},
		{"nothing", "", 400},
	}
	for _, row := range rows {
		p := NewProvisionals(1, 776655)
		response := read(t, progress)
		if err := p.Number(response); err != nil {
			t.Fatal(err)
		}
		if rseq, _, err := response.RSeq(); err != nil || rseq != 776656 || !Reliable(response) {
			t.Fatalf("RSeq %d, %v in\n%s", rseq, err, response)
		}
		if got := p.Matches(prack(t, row.rack)); got != row.want || !p.Pending() {
			t.Errorf("%s: matches with %d", row.name, got)
		}
		if got := p.Acknowledge(prack(t, row.rack)); got != row.want || p.Pending() != (row.want != 200) {
			t.Errorf("%s: %d, pending %v", row.name, got, p.Pending())
		}
		if got := p.Acknowledge(prack(t, "776656 1 INVITE")); row.want == 200 && got != 481 {
			t.Errorf("%s: a second PRACK is answered with %d", row.name, got)
		}
	}
}

func TestB153ReliableResponsesAreNumberedOneByOne(t *testing.T) {
	t.Parallel()
	p := NewProvisionals(1, 0)
	for want := uint32(1); want <= 3; want++ {
		response := read(t, progress)
		if err := p.Number(response); err != nil {
			t.Fatal(err)
		}
		if rseq, _, _ := response.RSeq(); rseq != want {
			t.Errorf("RSeq %d, want %d", rseq, want)
		}
		second := read(t, ringing)
		if err := p.Number(second); !errors.Is(err, ErrUnacknowledged) || second.Has(sip.RSeq) {
			t.Errorf("a second one before the PRACK: %v", err)
		}
		rack := sip.RAckValue{Response: want, CSeq: sip.CSeqValue{Number: 1, Method: sip.INVITE}}
		if got := p.Acknowledge(prack(t, rack.String())); got != 200 {
			t.Errorf("PRACK %v: %d", rack, got)
		}
	}
}

func TestFirstRSeqIsBelow2To31(t *testing.T) {
	t.Parallel()
	for _, random := range []uint64{0, 1, 1<<31 - 2, 1<<31 - 1, 1 << 31, math.MaxUint32, math.MaxUint64} {
		p := NewProvisionals(1, random)
		response := read(t, progress)
		if err := p.Number(response); err != nil {
			t.Fatal(err)
		}
		if rseq, ok, err := response.RSeq(); !ok || err != nil || rseq < 1 || rseq > math.MaxInt32 {
			t.Errorf("RSeq %d of %d, %v", rseq, random, err)
		}
	}
}

func TestAcknowledgementsKeepOrder(t *testing.T) {
	t.Parallel()
	rows := []struct {
		line   string
		fields []string
		want   Order
	}{
		{ringing, nil, Unnumbered},
		{progress, []string{"Require: 100rel", "RSeq: 500"}, Next},
		{progress, []string{"Require: 100rel", "RSeq: 500"}, Repeated},
		{progress, []string{"Require: 100rel", "RSeq: 502"}, Gap},
		{ringing, nil, Unnumbered},
		{progress, []string{"Require: 100rel", "RSeq: 501"}, Next},
		{progress, []string{"Require: 100rel", "RSeq: 502"}, Next},
		{progress, []string{"Require: 100rel", "RSeq: 499"}, Repeated},
		{ok, nil, Unnumbered},
		{progress, []string{"Require: 100rel", "RSeq: 3", "CSeq: 9 INVITE"}, Next}, // a re-INVITE numbers anew
		{progress, []string{"Require: 100rel", "RSeq: 4294967295", "CSeq: 10 INVITE"}, Next},
		{progress, []string{"Require: 100rel", "RSeq: 1", "CSeq: 10 INVITE"}, Repeated}, // RSeq must not wrap around
	}
	var a Acknowledgements
	for i, row := range rows {
		if got := a.Receive(read(t, row.line, row.fields...)); got != row.want {
			t.Errorf("row %d: %v, want %v", i, got, row.want)
		}
	}
}

func TestB100PrackIsARequestOfTheDialog(t *testing.T) {
	t.Parallel()
	d := caller(t, progress, bob, "Require: 100rel", "RSeq: 776656", "Record-Route: <sip:p1;lr>")
	const want = `PRACK sip:bob@192.0.2.2 SIP/2.0
Route: <sip:p1;lr>
Max-Forwards: 70
From: "Alice" <sip:alice@a.example>;tag=A
To: <sip:bob@b.example>;tag=B
Call-ID: call@a.example
CSeq: 8 PRACK
RAck: 776656 7 INVITE
Content-Length: 0`
	if got := head(d.Prack(read(t, progress, "CSeq: 7 INVITE", "Require: 100rel", "RSeq: 776656"))); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestB100B104Resends(t *testing.T) {
	t.Parallel()
	const t1, t2 = 500 * time.Millisecond, 4 * time.Second
	ms := func(all ...int) (out []time.Duration) {
		for _, n := range all {
			out = append(out, time.Duration(n)*time.Millisecond)
		}
		return out
	}
	rows := []struct {
		name    string
		resends Resends
		want    []time.Duration
	}{
		{"2xx: T1 doubling to T2", Resends2xx(t1, t2), ms(500, 1000, 2000, 4000, 4000, 4000, 4000, 4000, 4000, 4000, 500)},
		{"reliable 1xx: T1 doubling", Resends1xx(t1), ms(500, 1000, 2000, 4000, 8000, 16000, 500)},
	}
	for _, row := range rows {
		var sum time.Duration
		for i, want := range row.want {
			wait, again := row.resends.Next()
			if wait != want || again != (i < len(row.want)-1) {
				t.Errorf("%s, wait %d: %v, %v", row.name, i, wait, again)
			}
			sum += wait
		}
		if sum != 64*t1 {
			t.Errorf("%s: given up after %v", row.name, sum)
		}
	}
}

func TestB101B102WaitsAfterGlare(t *testing.T) {
	t.Parallel()
	seen := map[bool][2]time.Duration{true: {time.Hour, 0}, false: {time.Hour, 0}}
	for random := range uint64(5000) {
		for owner, bounds := range seen {
			wait := GlareWait(owner, random)
			if wait%(10*time.Millisecond) != 0 {
				t.Fatalf("%v is no multiple of 10 ms", wait)
			}
			seen[owner] = [2]time.Duration{min(bounds[0], wait), max(bounds[1], wait)}
		}
		if seconds := RetryAfter(random); seconds < 0 || seconds > 10 {
			t.Fatalf("Retry-After %d", seconds)
		}
	}
	if want := [2]time.Duration{2100 * time.Millisecond, 4 * time.Second}; seen[true] != want {
		t.Errorf("owner of the Call-ID: %v", seen[true])
	}
	if want := [2]time.Duration{0, 2 * time.Second}; seen[false] != want {
		t.Errorf("the other: %v", seen[false])
	}
	if RetryAfter(math.MaxUint64) > 10 || GlareWait(true, math.MaxUint64) > 4*time.Second {
		t.Error("large random numbers")
	}
}
