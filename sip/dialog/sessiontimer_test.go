package dialog

import (
	"strings"
	"testing"
	"time"

	"github.com/sipscript/sipscript/sip"
)

// value returns a header field's value, "-" when there is none.
func value(m *sip.Message, n sip.Name) string {
	if v, ok := m.Value(n); ok {
		return v
	}
	return "-"
}

// RFC 4028 §9, table 2, and the intervals of that section.
func TestB106AnswerToASessionTimer(t *testing.T) {
	t.Parallel()
	half := SessionPolicy{Interval: 30 * time.Minute}
	rows := []struct {
		name    string
		request []string
		policy  SessionPolicy
		expires string // Session-Expires of the 2xx
		require string
		ours    bool
	}{
		{"N none: uas", []string{"Session-Expires: 1800"}, half, "1800;refresher=uas", "-", true},
		{"Y none: the callee chooses, here the caller", []string{"Session-Expires: 1800", "Supported: timer"}, half, "1800;refresher=uac", "timer", false},
		{"Y none: the callee chooses, here itself", []string{"Session-Expires: 1800", "Supported: timer"}, SessionPolicy{Prefer: Ourselves}, "1800;refresher=uas", "timer", true},
		{"Y uac: uac", []string{"Session-Expires: 1800;refresher=uac", "Supported: timer"}, SessionPolicy{Prefer: Ourselves}, "1800;refresher=uac", "timer", false},
		{"Y uas: uas", []string{"x: 1800;refresher=UAS", "k: timer"}, SessionPolicy{Prefer: ThePeer}, "1800;refresher=uas", "timer", true},
		{"shortened", []string{"Session-Expires: 7200", "Supported: timer"}, half, "1800;refresher=uac", "timer", false},
		{"not below Min-SE", []string{"Session-Expires: 7200", "Min-SE: 3600", "Supported: timer"}, half, "3600;refresher=uac", "timer", false},
		{"not below our minimum", []string{"Session-Expires: 7200", "Supported: timer"}, SessionPolicy{Interval: time.Minute, Min: 5 * time.Minute}, "300;refresher=uac", "timer", false},
		{"never lengthened", []string{"Session-Expires: 600", "Supported: timer"}, half, "600;refresher=uac", "timer", false},
		{"without an interval of our own", []string{"Session-Expires: 600", "Supported: timer"}, SessionPolicy{}, "600;refresher=uac", "timer", false},
		{"below 90 s by a proxy", []string{"Session-Expires: 60"}, SessionPolicy{}, "90;refresher=uas", "-", true},
		{"asked by the callee alone", []string{"Supported: timer"}, half, "1800;refresher=uac", "timer", false},
		{"and not below Min-SE", []string{"Supported: timer", "Min-SE: 3600"}, half, "3600;refresher=uac", "timer", false},
		{"by the callee of a caller without timers", nil, half, "1800;refresher=uas", "-", true},
		{"asked by nobody", []string{"Supported: timer"}, SessionPolicy{}, "-", "-", false},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			request, response := read(t, inviteLine, row.request...), read(t, ok)
			var timer SessionTimer
			if status := timer.Check(request, row.policy); status != 0 {
				t.Fatalf("refused with %d", status)
			}
			timer.Answer(request, response, row.policy)
			if got := value(response, sip.SessionExpires); got != row.expires || value(response, sip.Require) != row.require || timer.Ours() != row.ours {
				t.Errorf("Session-Expires %q, Require %q, ours %v", got, value(response, sip.Require), timer.Ours())
			}
			want, _ := sip.ParseSessionExpires(strings.Replace(row.expires, "-", "0", 1))
			if timer.Interval() != time.Duration(want.Seconds)*time.Second {
				t.Errorf("interval %v", timer.Interval())
			}
		})
	}
}

func TestB106TooSmallAnIntervalIsRefused(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name   string
		fields []string
		min    time.Duration
		want   int
	}{
		{"below 90 s", []string{"Session-Expires: 89", "Supported: timer"}, 0, 422},
		{"90 s", []string{"Session-Expires: 90", "Supported: timer"}, 0, 0},
		{"below ours", []string{"Session-Expires: 299", "Supported: timer"}, 5 * time.Minute, 422},
		{"ours", []string{"Session-Expires: 300", "Supported: timer"}, 5 * time.Minute, 0},
		{"a proxy's, for a caller that cannot read a 422", []string{"Session-Expires: 60"}, 5 * time.Minute, 0},
		{"none", []string{"Supported: timer"}, 5 * time.Minute, 0},
		{"no number", []string{"Session-Expires: soon", "Supported: timer"}, 0, 400},
		{"nobody's refresher", []string{"Session-Expires: 1800;refresher=proxy", "Supported: timer"}, 0, 400},
		{"Min-SE is no number", []string{"Min-SE: -1"}, 0, 400},
	}
	for _, row := range rows {
		var timer SessionTimer
		if got := timer.Check(read(t, inviteLine, row.fields...), SessionPolicy{Min: row.min}); got != row.want || timer.Interval() != 0 {
			t.Errorf("%s: %d, interval %v", row.name, got, timer.Interval())
		}
	}
	if got := (SessionPolicy{Min: time.Minute}).MinSE(); got != "90" {
		t.Errorf("Min-SE %s", got)
	}
	if got := (SessionPolicy{Min: 5 * time.Minute}).MinSE(); got != "300" {
		t.Errorf("Min-SE %s", got)
	}
}

func TestB106Ask(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name    string
		timer   SessionTimer
		policy  SessionPolicy
		expires string
		minSE   string
	}{
		{"only takes part", SessionTimer{}, SessionPolicy{}, "-", "-"},
		{"wants one", SessionTimer{}, SessionPolicy{Interval: 30 * time.Minute}, "1800", "-"},
		{"wants to refresh", SessionTimer{}, SessionPolicy{Interval: 30 * time.Minute, Prefer: Ourselves}, "1800;refresher=uac", "-"},
		{"with a minimum", SessionTimer{}, SessionPolicy{Interval: 30 * time.Minute, Min: 5 * time.Minute}, "1800", "300"},
		{"which is above", SessionTimer{}, SessionPolicy{Interval: time.Minute, Min: 5 * time.Minute}, "300", "300"},
		{"after a 422", SessionTimer{least: time.Hour}, SessionPolicy{Interval: 30 * time.Minute}, "3600", "3600"},
		{"we refresh", SessionTimer{interval: 20 * time.Minute, ours: true}, SessionPolicy{Interval: 30 * time.Minute}, "1200;refresher=uac", "-"},
		{"the peer refreshes", SessionTimer{interval: 20 * time.Minute}, SessionPolicy{}, "1200;refresher=uas", "-"},
		{"Min-SE was seen", SessionTimer{interval: 20 * time.Minute, least: 40 * time.Minute}, SessionPolicy{}, "2400;refresher=uas", "2400"},
	}
	for _, row := range rows {
		request := caller(t, ok, bob).Request(sip.UPDATE)
		row.timer.Ask(request, row.policy)
		row.timer.Ask(request, row.policy) // preparing twice changes nothing
		if got := value(request, sip.SessionExpires); got != row.expires || value(request, sip.MinSE) != row.minSE {
			t.Errorf("%s: Session-Expires %q, Min-SE %q", row.name, got, value(request, sip.MinSE))
		}
		if request.Count(sip.Supported) != 1 || !request.HasOption(sip.Supported, "timer") {
			t.Errorf("%s: Supported is missing or twice", row.name)
		}
	}
}

func TestB106TimerOfAnAcceptedRequest(t *testing.T) {
	t.Parallel()
	wants := SessionPolicy{Interval: 30 * time.Minute}
	rows := []struct {
		name     string
		policy   SessionPolicy
		response []string
		interval time.Duration
		ours     bool
	}{
		{"we refresh", wants, []string{"Session-Expires: 1200;refresher=uac", "Require: timer"}, 20 * time.Minute, true},
		{"the peer refreshes", wants, []string{"Session-Expires: 1200;refresher=uas", "Require: timer"}, 20 * time.Minute, false},
		{"no refresher said", wants, []string{"Session-Expires: 1200"}, 20 * time.Minute, true},
		{"we had not asked", SessionPolicy{}, []string{"Session-Expires: 1200;refresher=uas"}, 20 * time.Minute, false},
		{"the peer has no timers, and we want one", wants, nil, 30 * time.Minute, true},
		{"out of shape", wants, []string{"Session-Expires: soon"}, 30 * time.Minute, true},
		{"nobody wants one", SessionPolicy{}, nil, 0, false},
		{"out of shape, and we do not care", SessionPolicy{}, []string{"Session-Expires: soon"}, 0, false},
		{"far too small", wants, []string{"Session-Expires: 1;refresher=uac"}, 90 * time.Second, true},
	}
	for _, row := range rows {
		var timer SessionTimer
		request := caller(t, ok, bob).Request(sip.UPDATE)
		timer.Ask(request, row.policy)
		timer.Accepted(request, read(t, ok, append(row.response, "CSeq: 8 UPDATE")...), row.policy)
		if timer.Interval() != row.interval || timer.Ours() != row.ours {
			t.Errorf("%s: %v, ours %v", row.name, timer.Interval(), timer.Ours())
		}
	}
	t.Run("turned off by a 2xx without it", func(t *testing.T) {
		t.Parallel()
		timer := SessionTimer{interval: 20 * time.Minute, ours: true}
		request := caller(t, ok, bob).Request(sip.UPDATE)
		timer.Ask(request, SessionPolicy{})
		timer.Accepted(request, read(t, ok, "CSeq: 8 UPDATE"), SessionPolicy{})
		if timer.Interval() != 0 || timer.Ours() {
			t.Errorf("%v", timer.Interval())
		}
	})
}

func TestB106RefreshAtHalfAndByeBeforeTheEnd(t *testing.T) {
	t.Parallel()
	rows := []struct{ interval, refresh, expire time.Duration }{
		{90 * time.Second, 45 * time.Second, 60 * time.Second},
		{96 * time.Second, 48 * time.Second, 64 * time.Second},
		{120 * time.Second, 60 * time.Second, 88 * time.Second},
		{30 * time.Minute, 15 * time.Minute, 30*time.Minute - 32*time.Second},
	}
	for _, row := range rows {
		timer := SessionTimer{interval: row.interval}
		if timer.Refresh() != row.refresh || timer.Expire() != row.expire {
			t.Errorf("%v: refresh %v, expire %v", row.interval, timer.Refresh(), timer.Expire())
		}
	}
}

// The call flow of RFC 4028 §13, without its proxies: 422, the larger interval, and a refresh by each side.
func TestB106ExampleOfRFC4028(t *testing.T) {
	t.Parallel()
	asks, answers := SessionPolicy{Interval: 50 * time.Second}, SessionPolicy{Min: time.Hour}
	var alice, bob SessionTimer
	invite := caller(t, ok).Request(sip.INVITE)
	alice.Ask(invite, asks)
	if got := value(invite, sip.SessionExpires); got != "90" { // below 90 s nobody may ask
		t.Fatalf("Session-Expires %s", got)
	}
	if got := bob.Check(invite, answers); got != 422 {
		t.Fatalf("first INVITE: %d", got)
	}
	refusal := read(t, "SIP/2.0 422 Session Interval Too Small", "Min-SE: "+answers.MinSE())
	if !alice.TooSmall(invite, refusal) {
		t.Fatal("does not try again")
	}
	again := caller(t, ok).Request(sip.INVITE)
	alice.Ask(again, asks)
	if value(again, sip.SessionExpires) != "3600" || value(again, sip.MinSE) != "3600" {
		t.Fatalf("Session-Expires %s, Min-SE %s", value(again, sip.SessionExpires), value(again, sip.MinSE))
	}
	if alice.TooSmall(again, refusal) {
		t.Error("a 422 that asks for what was offered is answered for ever")
	}
	if alice.TooSmall(again, read(t, "SIP/2.0 422 No", "Min-SE: x")) || alice.TooSmall(again, read(t, "SIP/2.0 422 No")) {
		t.Error("a 422 without a good Min-SE")
	}
	if got := bob.Check(again, answers); got != 0 {
		t.Fatalf("second INVITE: %d", got)
	}
	accepted := read(t, ok)
	bob.Answer(again, accepted, answers)
	alice.Accepted(again, accepted, asks)
	if !alice.Ours() || bob.Ours() || alice.Interval() != time.Hour || bob.Interval() != time.Hour {
		t.Fatalf("alice %+v, bob %+v", alice, bob)
	}
	refresh := caller(t, ok).Request(sip.UPDATE)
	alice.Ask(refresh, asks)
	if got := value(refresh, sip.SessionExpires); got != "3600;refresher=uac" {
		t.Errorf("the refresher must stay: %s", got)
	}
	back := callee(t).Request(sip.UPDATE)
	bob.Ask(back, answers)
	if value(back, sip.SessionExpires) != "3600;refresher=uas" || value(back, sip.MinSE) != "3600" {
		t.Errorf("Session-Expires %s, Min-SE %s", value(back, sip.SessionExpires), value(back, sip.MinSE))
	}
}
