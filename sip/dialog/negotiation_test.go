package dialog

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/sipscript/sipscript/sip"
)

// A script is a list of steps and what each of them comes to: "> INVITE + = offer". It is told from one side: > is sent, < received.
// The message is a method, or a status and a method; 183r is a reliable provisional response; + is a session description. Wanted is a part, the
// status of a refusal, or the name of an error.
type script []string

// play feeds a script to a negotiation.
func (s script) play(t *testing.T, n *Negotiation) {
	t.Helper()
	for i, line := range s {
		text, want, _ := strings.Cut(line, " = ")
		got := feed(n, text)
		if got != want {
			t.Fatalf("step %d: %q comes to %q in %+v", i+1, line, got, *n)
		}
	}
}

// feed does one step and says what came of it.
func feed(n *Negotiation, text string) string {
	words := strings.Fields(text)
	step := Step{Method: words[len(words)-1], Description: words[len(words)-1] == "+"}
	if step.Description {
		step.Method = words[len(words)-2]
	}
	if status, ok := strings.CutSuffix(words[1], "r"); ok || words[1] != step.Method {
		step.Status, _ = strconv.Atoi(status)
		step.Reliable = ok
	}
	if words[0] == "<" {
		part, refused := n.Receive(step)
		if refused.Status != 0 {
			if refused.RetryAfter != (refused.Status == 500) {
				return fmt.Sprintf("%+v", refused)
			}
			return strconv.Itoa(refused.Status)
		}
		return part.String()
	}
	part, err := n.Send(step)
	if due := errors.Is(err, ErrDescriptionDue); due && !n.Due(step) || err == nil && !step.Description && n.Due(step) {
		return "wrongly due"
	}
	for name, known := range map[string]error{
		"open": ErrOpen, "no offer": ErrOffer, "due": ErrDescriptionDue, "unacknowledged": ErrUnacknowledged, "committed": ErrCommitted,
	} {
		if errors.Is(err, known) {
			return name
		}
	}
	return part.String()
}

// session is a script's beginning: a session that we, or the peer, have set up.
var (
	weCalled   = script{"> INVITE + = offer", "< 200 INVITE + = answer", "> ACK = nothing"}
	peerCalled = script{"< INVITE + = offer", "> 200 INVITE + = answer", "< ACK = nothing"}
)

// mirror is the same script seen from the other side. Refusals and errors are not the same there, so it is for scripts without any.
func (s script) mirror() script {
	out := make(script, len(s))
	for i, line := range s {
		if line[0] == '>' {
			out[i] = "<" + line[1:]
		} else {
			out[i] = ">" + line[1:]
		}
	}
	return out
}

// The six patterns of RFC 6337 table 1, in an initial INVITE, a re-INVITE and an early dialog, seen from both sides, and figures 1 and 2.
func TestPatternsOfOfferAndAnswer(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name   string
		before script
		script script
	}{
		{"1 initial", nil, weCalled},
		{"1 re-INVITE", weCalled, weCalled},
		{"1 re-INVITE of the callee", peerCalled, weCalled},
		{"2 initial", nil, script{"> INVITE = nothing", "< 180 INVITE = nothing", "< 200 INVITE + = offer", "> ACK + = answer"}},
		{"2 re-INVITE", weCalled, script{"> INVITE = nothing", "< 200 INVITE + = offer", "> ACK + = answer"}},
		{"3 initial", nil, script{"> INVITE + = offer", "< 183r INVITE + = answer", "> PRACK = nothing", "< 200 PRACK = nothing", "< 200 INVITE = nothing", "> ACK = nothing"}},
		{"3 re-INVITE", peerCalled, script{"> INVITE + = offer", "< 183r INVITE + = answer", "> PRACK = nothing", "< 200 PRACK = nothing", "< 200 INVITE = nothing", "> ACK = nothing"}},
		{"4 initial", nil, script{"> INVITE = nothing", "< 183r INVITE + = offer", "> PRACK + = answer", "< 200 PRACK = nothing", "< 200 INVITE = nothing", "> ACK = nothing"}},
		{"4 re-INVITE", weCalled, script{"> INVITE = nothing", "< 183r INVITE + = offer", "> PRACK + = answer", "< 200 PRACK = nothing", "< 200 INVITE = nothing", "> ACK = nothing"}},
		{"5", nil, script{
			"> INVITE + = offer", "< 183r INVITE + = answer", "> PRACK + = offer", "< 200 PRACK + = answer", "< 200 INVITE = nothing", "> ACK = nothing",
		}},
		{"6 early, caller", nil, script{
			"> INVITE + = offer", "< 183r INVITE + = answer", "> PRACK = nothing", "< 200 PRACK = nothing",
			"> UPDATE + = offer", "< 200 UPDATE + = answer", "< 200 INVITE = nothing", "> ACK = nothing",
		}},
		{"6 early, callee", nil, script{
			"> INVITE = nothing", "< 183r INVITE + = offer", "> PRACK + = answer", "< 200 PRACK = nothing",
			"< UPDATE + = offer", "> 200 UPDATE + = answer", "< 180 INVITE = nothing", "< 200 INVITE = nothing", "> ACK = nothing",
		}},
		{"6 confirmed", weCalled, script{"> UPDATE + = offer", "< 200 UPDATE + = answer"}},
		{"6 without offer", weCalled, script{"> UPDATE = nothing", "< 200 UPDATE = nothing"}},
		{"UPDATE without offer beside an INVITE", nil, script{"> INVITE + = offer", "> UPDATE = nothing", "< 200 UPDATE = nothing", "< 200 INVITE + = answer", "> ACK = nothing"}},
		{"figure 1", nil, script{
			"> INVITE + = offer", "< 183 INVITE + = preview", "< 183r INVITE = nothing", "> PRACK = nothing", "< 200 PRACK = nothing",
			"< 183r INVITE + = answer", "> PRACK = nothing", "< 200 PRACK = nothing", "< 183r INVITE = nothing", "> PRACK = nothing", "< 200 PRACK = nothing",
			"< 200 INVITE = nothing", "> ACK = nothing",
		}},
		{"figure 2", nil, script{
			"> INVITE = nothing", "< 180 INVITE = nothing", "< 183r INVITE + = offer", "> PRACK + = answer", "< 200 PRACK = nothing",
			"< 183r INVITE = nothing", "> PRACK = nothing", "< 200 PRACK = nothing", "< 200 INVITE = nothing", "> ACK = nothing",
		}},
		{"preview, then the same in the 200", nil, script{
			"> INVITE + = offer", "< 183 INVITE + = preview", "< 180 INVITE = nothing", "< 183 INVITE + = preview", "< 200 INVITE + = answer", "> ACK = nothing",
		}},
	}
	for _, row := range rows {
		for name, scripts := range map[string][2]script{"sender": {row.before, row.script}, "receiver": {row.before.mirror(), row.script.mirror()}} {
			t.Run(row.name+" "+name, func(t *testing.T) {
				t.Parallel()
				var n Negotiation
				scripts[0].play(t, &n)
				scripts[1].play(t, &n)
				if open, _ := n.Unanswered(); open || n.Busy() || !n.MayUpdate() || !n.Session() {
					t.Errorf("at the end %+v", n)
				}
			})
		}
	}
}

func TestB098LateOffer(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name   string
		script script
	}{
		{"offer in the 200, answer in the ACK", script{"< INVITE = nothing", "> 180 INVITE = nothing", "> 200 INVITE = due", "> 200 INVITE + = offer", "< ACK + = answer"}},
		{"no answer in the ACK", script{"< INVITE = nothing", "> 200 INVITE + = offer", "< ACK = missing"}},
		{"an ACK without the answer is not sent", script{"> INVITE = nothing", "< 200 INVITE + = offer", "> ACK = due", "> ACK + = answer"}},
		{"offer in the first reliable 18x, answer in its PRACK", script{
			"< INVITE = nothing", "> 180r INVITE = due", "> 180r INVITE + = offer", "> 200 INVITE = unacknowledged", "< PRACK + = answer", "> 200 PRACK = nothing",
			"> 200 INVITE = nothing", "< ACK = nothing",
		}},
		{"no answer in the PRACK", script{"< INVITE = nothing", "> 180r INVITE + = offer", "< PRACK = missing"}},
		{"a PRACK without the answer is not sent", script{"> INVITE = nothing", "< 183r INVITE + = offer", "> PRACK = due", "> PRACK + = answer"}},
		{"no offer in an unreliable 183", script{"< INVITE = nothing", "> 183 INVITE + = no offer", "> 183 INVITE = nothing", "> 200 INVITE + = offer"}},
		{"one from the peer there is ignored", script{"> INVITE = nothing", "< 183 INVITE + = ignored", "< 200 INVITE + = offer", "> ACK + = answer"}},
		{"no offer at all", script{"> INVITE = nothing", "< 200 INVITE = missing", "> ACK = nothing"}},
		{"a PRACK that was challenged comes again", script{
			"> INVITE = nothing", "< 183r INVITE + = offer", "> PRACK + = answer", "< 407 PRACK = nothing", "> PRACK + = offer", "< 200 PRACK + = answer",
		}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			row.script.play(t, new(Negotiation))
		})
	}
}

// RFC 6337 table 2.
func TestRejectedOffers(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name   string
		script script
	}{
		{"1 and 3: 488 to the INVITE", script{"> INVITE + = offer", "< 488 INVITE = withdrawn"}},
		{"1 and 3 seen by the callee", script{"< INVITE + = offer", "> 488 INVITE = withdrawn"}},
		{"488 with a description of what would do", script{"> INVITE + = offer", "< 488 INVITE + = withdrawn"}},
		{"5: 488 to the PRACK, then one without offer", script{
			"> INVITE + = offer", "< 183r INVITE + = answer", "> PRACK + = offer", "< 488 PRACK = withdrawn", "> PRACK = nothing", "< 200 PRACK = nothing", "< 200 INVITE = nothing",
		}},
		{"5 seen by the callee", script{
			"< INVITE + = offer", "> 183r INVITE + = answer", "< PRACK + = offer", "> 200 INVITE = unacknowledged", "> 488 PRACK = withdrawn", "< PRACK = nothing",
			"> 200 PRACK = nothing", "> 200 INVITE = nothing",
		}},
		{"6: 488 to the UPDATE", append(weCalled[:3:3], "> UPDATE + = offer", "< 488 UPDATE = withdrawn", "> UPDATE + = offer")},
		{"6 seen by the other", append(weCalled[:3:3], "< UPDATE + = offer", "> 504 UPDATE = withdrawn", "< UPDATE + = offer")},
		{"an UPDATE without offer fails", append(weCalled[:3:3], "> UPDATE = nothing", "< 408 UPDATE = nothing", "> UPDATE = nothing")},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			row.script.play(t, new(Negotiation))
		})
	}
}

func TestDescriptionsWhereNoneMayBe(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name   string
		script script
	}{
		{"after the answer", script{
			"> INVITE + = offer", "< 183r INVITE + = answer", "> PRACK = nothing", "< 200 PRACK + = ignored", "< 183r INVITE + = ignored", "< 180 INVITE + = ignored",
			"< 200 INVITE + = ignored", "> ACK + = no offer", "> ACK = nothing",
		}},
		{"the repeated answer may be sent", script{"< INVITE + = offer", "> 183r INVITE + = answer", "< PRACK = nothing", "> 200 PRACK + = no offer", "> 200 PRACK = nothing", "> 200 INVITE + = ignored"}},
		{"in the ACK", script{"< INVITE + = offer", "> 200 INVITE + = answer", "< ACK + = ignored", "< ACK + = nothing"}},
		{"in the answer to an UPDATE without offer", append(weCalled[:3:3], "> UPDATE = nothing", "< 200 UPDATE + = ignored", "< UPDATE = nothing", "> 200 UPDATE + = no offer", "> 200 UPDATE = nothing")},
		{"in a second 2xx", script{"> INVITE + = offer", "< 200 INVITE + = answer", "< 200 INVITE + = ignored", "< 200 INVITE = nothing", "> ACK = nothing"}},
		{"in a PRACK after the INVITE has ended", script{"< INVITE + = offer", "> 486 INVITE = withdrawn", "< PRACK + = ignored", "< PRACK = nothing", "> 200 PRACK = nothing"}},
		{"in what has nothing to do with it", append(weCalled[:3:3], "< INFO + = nothing", "> 200 INFO + = nothing", "< 200 BYE + = nothing", "> MESSAGE + = nothing")},
		{"an answer that is missing in the 200", script{"> INVITE + = offer", "< 200 INVITE = missing", "> ACK = nothing"}},
		{"an answer that was only previewed stands", script{"> INVITE + = offer", "< 183 INVITE + = preview", "< 200 INVITE = nothing", "> ACK = nothing", "> UPDATE + = offer"}},
		{"but we repeat it", script{"< INVITE + = offer", "> 183 INVITE + = preview", "> 200 INVITE = due", "> 200 INVITE + = answer"}},
		{"and send one", script{"< INVITE + = offer", "> 180 INVITE = nothing", "> 200 INVITE = due", "> 200 INVITE + = answer"}},
		{"an answer that is missing in the 200 to an UPDATE", append(weCalled[:3:3], "> UPDATE + = offer", "< 200 UPDATE = missing", "< UPDATE + = offer", "> 200 UPDATE = due", "> 200 UPDATE + = answer")},
		{"an answer that is missing in the 200 to a PRACK", script{"> INVITE + = offer", "< 183r INVITE + = answer", "> PRACK + = offer", "< 200 PRACK = missing"}},
		{"we send that one", script{"< INVITE + = offer", "> 183r INVITE + = answer", "< PRACK + = offer", "> 200 PRACK = due", "> 200 PRACK + = answer"}},
		{"a PRACK makes no offer where the response held no answer", script{"> INVITE + = offer", "< 183r INVITE = nothing", "> PRACK + = no offer", "> PRACK = nothing"}},
		{"a PRACK with an offer for nothing", script{"< INVITE = nothing", "< PRACK + = 500"}},
		{"an offer in the PRACK while ours is unanswered", script{"< INVITE + = offer", "> 183r INVITE = nothing", "< PRACK + = 500"}},
		{"the 2xx is before its PRACK, against the rules", script{"> INVITE = nothing", "< 183r INVITE + = offer", "< 200 INVITE = nothing", "> ACK = nothing"}},
		{"answers without a question", script{"< 200 INVITE + = ignored", "< 183r INVITE + = ignored", "< 200 UPDATE + = nothing", "< 200 PRACK + = ignored", "< 486 INVITE = nothing"}},
		{"100", script{"> INVITE + = offer", "< 100 INVITE = nothing", "< 100 UPDATE = nothing", "< 183r PRACK = nothing"}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			row.script.play(t, new(Negotiation))
		})
	}
}

// RFC 6337 §4.1 to §4.3, by figure, row of tables 3 and 4, and rule. We are the side that has to refuse, or must not send.
func TestB101B102Glare(t *testing.T) {
	t.Parallel()
	early3 := script{"> INVITE + = offer", "< 183r INVITE + = answer"}
	rows := []struct {
		name   string
		before script
		script script
	}{
		{"figure 4: re-INVITE without offer after an UPDATE", weCalled, script{"< UPDATE + = offer", "< INVITE = 500"}},
		{"figure 5: UPDATE after a re-INVITE without offer", weCalled, script{"< INVITE = nothing", "< UPDATE + = 500", "> 200 INVITE + = offer", "< UPDATE + = 500", "< INVITE = 500", "< ACK + = answer", "< UPDATE + = offer"}},
		{"figure 6: UPDATE before the PRACK", weCalled, script{
			"< INVITE = nothing", "> 183r INVITE + = offer", "< UPDATE + = 500", "< PRACK + = answer", "< UPDATE + = 500", "> 200 PRACK = nothing", "< UPDATE + = offer",
		}},
		{"figure 7: UPDATE before the reliable answer", weCalled, script{"> INVITE + = offer", "< UPDATE + = 491", "< 183r INVITE + = answer", "< UPDATE + = 491", "> PRACK = nothing", "< UPDATE + = 491", "< 200 PRACK = nothing", "< UPDATE + = offer"}},
		{"figure 8: UPDATE before the 2xx", weCalled, script{"> INVITE + = offer", "< UPDATE + = 491", "< 200 INVITE + = answer", "> ACK = nothing", "< UPDATE + = offer"}},
		{"figure 9: UPDATE crosses a PRACK with offer", append(weCalled[:3:3], early3...), script{"> PRACK + = offer", "< UPDATE + = 491", "< 200 PRACK + = answer", "< UPDATE + = offer"}},
		{"figure 11: both", append(peerCalled[:3:3], early3.mirror()...), script{"> UPDATE + = no offer", "< PRACK + = offer", "> UPDATE + = no offer", "> 200 PRACK + = answer", "> UPDATE + = offer"}},
		{"figure 12: UPDATE crosses the offer of a response", weCalled, script{"< INVITE = nothing", "> 183r INVITE + = offer", "< UPDATE + = 500"}},
		{"figure 13: the UPDATE is late", weCalled, script{"< INVITE = nothing", "> 200 INVITE + = offer", "< UPDATE + = 500"}},
		{"figure 14, UcU", weCalled, script{"> UPDATE + = offer", "< UPDATE + = 491", "> UPDATE + = open", "> UPDATE = open", "< 200 UPDATE + = answer"}},
		{"figure 15, UsU", weCalled, script{"< UPDATE + = offer", "< UPDATE + = 500", "< UPDATE = 500", "> UPDATE + = no offer", "> 200 UPDATE + = answer"}},
		{"UsU without offers", weCalled, script{"< UPDATE = nothing", "< UPDATE = 500", "> 200 UPDATE = nothing", "< UPDATE + = offer"}},
		{"figure 16, UcI and UI", weCalled, script{"> UPDATE + = offer", "< INVITE = 491", "< INVITE + = 491", "> INVITE + = open", "< 491 UPDATE = withdrawn", "> INVITE + = offer"}},
		{"figure 17, UsI", weCalled, script{"< UPDATE + = offer", "< INVITE = 500", "< INVITE + = 500", "> INVITE = open"}},
		{"figure 18, IcU", weCalled, script{"> INVITE = nothing", "< UPDATE + = 491", "< 183r INVITE + = offer", "< UPDATE + = 491", "> UPDATE + = no offer", "> PRACK + = answer", "< UPDATE + = 491", "< 200 PRACK = nothing", "< UPDATE + = offer"}},
		{"figure 19, IsU", weCalled, script{"< INVITE = nothing", "> 183r INVITE + = offer", "< UPDATE + = 500"}},
		{"IcI", weCalled, script{"> INVITE + = offer", "< INVITE + = 491", "< INVITE = 491", "> INVITE + = open", "< 200 INVITE + = answer", "> INVITE + = open", "> ACK = nothing", "> INVITE + = offer"}},
		{"IsI", weCalled, script{"< INVITE + = offer", "< INVITE + = 500", "> INVITE + = open", "> 200 INVITE + = answer", "> INVITE + = open", "< ACK = nothing", "> INVITE + = offer"}},
		{"a re-INVITE overtakes the ACK of the answer", weCalled, script{"< INVITE + = offer", "> 200 INVITE + = answer", "< INVITE + = offer", "> 200 INVITE + = answer", "< ACK = nothing"}},
		{"no UPDATE with offer before the ACK", weCalled, script{"< INVITE + = offer", "> 200 INVITE + = answer", "> UPDATE + = no offer", "> UPDATE = nothing", "< UPDATE + = offer"}},
		{"UPDATEs without offer may cross", weCalled, script{"> UPDATE = nothing", "< UPDATE = nothing", "< 200 UPDATE = nothing", "> 200 UPDATE = nothing"}},
		{"an offer beside one without", weCalled, script{"< UPDATE = nothing", "> UPDATE + = offer", "> 200 UPDATE = nothing", "< 200 UPDATE + = answer"}},
		{"one with and one without", weCalled, script{"> UPDATE = nothing", "< UPDATE + = offer", "< 200 UPDATE = nothing", "> 200 UPDATE + = answer"}},
		{"RFC 3311 §5.1: no offer before there is a session", nil, script{"> INVITE + = offer", "> UPDATE + = no offer", "< 183 INVITE + = preview", "> UPDATE + = no offer", "< UPDATE + = 491", "< UPDATE = nothing"}},
		{"RFC 3311 §5.1, the callee", nil, script{"< INVITE + = offer", "> UPDATE + = no offer", "< UPDATE + = 500", "> 183r INVITE + = answer", "> UPDATE + = no offer", "< PRACK = nothing", "> 200 PRACK = nothing", "> UPDATE + = offer"}},
		{"RFC 3261 §14.1: no re-INVITE while one is open", nil, script{"> INVITE + = offer", "> INVITE + = open", "< INVITE + = 491", "< 180 INVITE = nothing", "> INVITE + = open"}},
		{"no offer from nowhere", nil, script{"> UPDATE + = no offer", "> PRACK + = no offer", "> ACK + = no offer"}},
		{"a 2xx overtakes the answer to a PRACK", nil, script{
			"> INVITE + = offer", "< 183r INVITE + = answer", "> PRACK + = offer", "< 200 INVITE = nothing", "> ACK = nothing", "> INVITE + = open", "> UPDATE + = no offer",
			"< UPDATE + = 491", "< 200 PRACK + = answer", "> UPDATE + = offer",
		}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			var n Negotiation
			row.before.play(t, &n)
			row.script.play(t, &n)
		})
	}
}

func TestB103FailedReinviteLeavesTheSession(t *testing.T) {
	t.Parallel()
	inside := script{"> INVITE + = offer", "< 183r INVITE + = answer", "> PRACK = nothing", "< 200 PRACK = nothing"}
	rows := []struct {
		name   string
		before script
		script script
	}{
		{"refused", weCalled, script{"> INVITE + = offer", "< 488 INVITE = withdrawn"}},
		{"refused after a preview", weCalled, script{"> INVITE + = offer", "< 183 INVITE + = preview", "< 488 INVITE = withdrawn"}},
		{"refused without an offer", weCalled, script{"> INVITE = nothing", "< 500 INVITE = nothing"}},
		{"timed out", weCalled, script{"> INVITE + = offer", "< 408 INVITE = withdrawn"}},
		{"refused by us", weCalled, script{"< INVITE + = offer", "> 180 INVITE = nothing", "> 488 INVITE = withdrawn"}},
		{"offer of a reliable response", weCalled, script{"> INVITE = nothing", "< 183r INVITE + = offer", "< 500 INVITE = withdrawn"}},
		{"refused after a reliable answer", weCalled, append(inside[:4:4], "< 500 INVITE = resync")},
		{"refused after an UPDATE within", weCalled, append(inside[:4:4], "> UPDATE + = offer", "< 200 UPDATE + = answer", "< 500 INVITE = resync")},
		{"refused during an UPDATE within", weCalled, append(inside[:4:4], "> UPDATE + = offer", "< 500 INVITE = resync", "< 488 UPDATE = withdrawn")},
		{"refused during a PRACK with offer", weCalled, append(inside[:2:2], "> PRACK + = offer", "< 500 INVITE = resync", "< 481 PRACK = nothing")},
		{"we must not refuse what has changed", weCalled, append(inside.mirror(), "> 500 INVITE = committed", "> 200 INVITE = nothing", "< ACK = nothing")},
		{"challenged and sent again", weCalled, script{"> INVITE + = offer", "< 401 INVITE = withdrawn", "> INVITE + = offer", "< 200 INVITE + = answer", "> ACK = nothing"}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			var n Negotiation
			row.before.play(t, &n)
			row.script.play(t, &n)
			if open, _ := n.Unanswered(); open || n.Busy() || !n.Session() {
				t.Errorf("at the end %+v", n)
			}
			script{"> UPDATE + = offer", "< 200 UPDATE + = answer"}.play(t, &n) // the new offer that brings both together
		})
	}
}

func TestFailedInviteLeavesNoSession(t *testing.T) {
	t.Parallel()
	for _, s := range []script{
		{"> INVITE + = offer", "< 486 INVITE = withdrawn"},
		{"> INVITE + = offer", "< 183r INVITE + = answer", "> PRACK = nothing", "< 200 PRACK = nothing", "< 486 INVITE = nothing"},
		{"< INVITE + = offer", "> 183r INVITE + = answer", "< PRACK = nothing", "> 200 PRACK = nothing", "> 486 INVITE = nothing"},
	} {
		var n Negotiation
		s.play(t, &n)
		if n.Session() || n.Busy() {
			t.Errorf("%q: %+v", s, n)
		}
	}
}

func TestB153FinalResponseWaitsForThePrackOfADescription(t *testing.T) {
	t.Parallel()
	for _, s := range []script{
		{"< INVITE + = offer", "> 183r INVITE + = answer", "> 200 INVITE = unacknowledged", "< PRACK = nothing", "> 200 INVITE = unacknowledged", "> 200 PRACK = nothing", "> 200 INVITE = nothing"},
		{"< INVITE + = offer", "> 183r INVITE + = answer", "> 183r INVITE + = unacknowledged", "> 486 INVITE = nothing"},
		{"< INVITE + = offer", "> 180r INVITE = nothing", "> 200 INVITE + = answer"}, // without a description it need not wait
	} {
		s.play(t, new(Negotiation))
	}
}

func TestUnansweredOffersHaveAnOwner(t *testing.T) {
	t.Parallel()
	rows := []struct {
		script    script
		open, our bool
	}{
		{weCalled, false, false},
		{script{"> INVITE + = offer"}, true, true},
		{script{"< INVITE + = offer", "> 183 INVITE + = preview"}, true, false},
		{script{"> INVITE = nothing"}, false, false},
		{script{"> INVITE = nothing", "< 200 INVITE + = offer"}, true, false},
		{script{"< INVITE = nothing", "> 183r INVITE + = offer"}, true, true},
		{append(weCalled[:3:3], "> UPDATE + = offer"), true, true},
		{append(weCalled[:3:3], "< UPDATE + = offer"), true, false},
		{script{"< INVITE + = offer", "> 183r INVITE + = answer", "< PRACK + = offer"}, true, false},
	}
	for _, row := range rows {
		var n Negotiation
		row.script.play(t, &n)
		if open, our := n.Unanswered(); open != row.open || our != row.our {
			t.Errorf("%q: open %v, our %v", row.script, open, our)
		}
	}
}

func TestForkedInviteNegotiatesInEachDialog(t *testing.T) {
	t.Parallel()
	var invite Negotiation
	script{"> INVITE + = offer"}.play(t, &invite)
	one, two := invite, invite
	script{"< 183 INVITE + = preview", "< 487 INVITE = withdrawn"}.play(t, &one)
	script{"< 183r INVITE + = answer", "> PRACK = nothing", "< 200 PRACK = nothing", "< 200 INVITE = nothing", "> ACK = nothing"}.play(t, &two)
	if one.Session() || !two.Session() {
		t.Errorf("%+v, %+v", one, two)
	}
}

func TestLateAnswerToAnEarlierPrackIsNotTakenForTheNext(t *testing.T) {
	t.Parallel()
	var n Negotiation
	script{"> INVITE + = offer", "< 183r INVITE = nothing"}.play(t, &n)
	for i, row := range []struct {
		send bool
		step Step
		want Part
	}{
		{true, Step{Method: sip.PRACK, CSeq: 2}, Nothing},
		{false, Step{Method: sip.INVITE, Status: 183, Reliable: true, Description: true}, Answer},
		{true, Step{Method: sip.PRACK, CSeq: 3, Description: true}, Offer},
		{false, Step{Method: sip.PRACK, Status: 200, CSeq: 2}, Nothing},
		{false, Step{Method: sip.PRACK, Status: 200, CSeq: 3, Description: true}, Answer},
	} {
		var part Part
		var err error
		if row.send {
			part, err = n.Send(row.step)
		} else {
			part, _ = n.Receive(row.step)
		}
		if part != row.want || err != nil {
			t.Fatalf("step %d: %v, %v in %+v", i, part, err, n)
		}
	}
}

func TestStepOfTellsMessagesApart(t *testing.T) {
	t.Parallel()
	rows := []struct {
		m    *sip.Message
		want Step
	}{
		{read(t, inviteLine), Step{Method: sip.INVITE, CSeq: 1}},
		{read(t, ok, "CSeq: 5 UPDATE"), Step{Method: sip.UPDATE, Status: 200, CSeq: 5}},
		{read(t, progress, reliable1), Step{Method: sip.INVITE, Status: 183, Reliable: true, CSeq: 1}},
		{read(t, progress, "Require: 100rel"), Step{Method: sip.INVITE, Status: 183, CSeq: 1}},
		{read(t, "SIP/2.0 100 Trying", reliable1), Step{Method: sip.INVITE, Status: 100, CSeq: 1}},
	}
	for _, row := range rows {
		if got := StepOf(row.m, false); got != row.want {
			t.Errorf("%+v, want %+v", got, row.want)
		}
		row.want.Description = true
		if got := StepOf(row.m, true); got != row.want {
			t.Errorf("%+v, want %+v", got, row.want)
		}
	}
}
