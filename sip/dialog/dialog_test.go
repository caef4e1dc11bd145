package dialog

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/sipscript/sipscript/sip"
)

func TestCalleeTakesTheDialogFromTheInvite(t *testing.T) {
	t.Parallel()
	d := callee(t, "Record-Route: <sip:p2;lr>, \"Edge\" <sip:token@p1:5080;lr;ob>;x=y", "CSeq: 314159 INVITE")
	if want := (ID{"call@a.example", "B", "A"}); d.ID() != want || d.State() != Early || d.Caller() {
		t.Errorf("%v %v %v", d.ID(), d.State(), d.Caller())
	}
	if want := []string{"<sip:p2;lr>", "\"Edge\" <sip:token@p1:5080;lr;ob>;x=y"}; !slices.Equal(d.Routes(), want) {
		t.Errorf("route set %q", d.Routes())
	}
	const want = `BYE sip:alice@192.0.2.1:5062;transport=tcp SIP/2.0
Route: <sip:p2;lr>
Route: "Edge" <sip:token@p1:5080;lr;ob>;x=y
Max-Forwards: 70
From: <sip:bob@b.example>;tag=B
To: "Alice" <sip:alice@a.example>;tag=A
Call-ID: call@a.example
CSeq: 1 BYE
Content-Length: 0`
	if got := head(d.Request(sip.BYE)); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestCallerTakesTheDialogFromTheResponse(t *testing.T) {
	t.Parallel()
	d := caller(t, ok, bob, "Record-Route: <sip:p1;lr>, <sip:p2;lr>")
	if want := (ID{"call@a.example", "A", "B"}); d.ID() != want || d.State() != Confirmed || !d.Caller() {
		t.Errorf("%v %v %v", d.ID(), d.State(), d.Caller())
	}
	const want = `INVITE sip:bob@192.0.2.2 SIP/2.0
Route: <sip:p2;lr>
Route: <sip:p1;lr>
Max-Forwards: 70
From: "Alice" <sip:alice@a.example>;tag=A
To: <sip:bob@b.example>;tag=B
Call-ID: call@a.example
CSeq: 8 INVITE
Contact: <sip:alice@192.0.2.1:5062;transport=tcp>
Content-Length: 0`
	if got := head(d.Request(sip.INVITE)); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// The first row is the example of RFC 3261 §12.2.1.1.
func TestRouteSetMakesRequestURIAndRoute(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name, routes, contact string
		uri                   string
		route                 []string
	}{
		{"strict router first", "<sip:proxy1>,<sip:proxy2>,<sip:proxy3;lr>,<sip:proxy4>", "<sip:user@remoteua>", "sip:proxy1",
			[]string{"<sip:proxy2>", "<sip:proxy3;lr>", "<sip:proxy4>", "<sip:user@remoteua>"}},
		{"loose router first", "<sip:proxy1;lr>,<sip:proxy2>", "<sip:user@remoteua>", "sip:user@remoteua", []string{"<sip:proxy1;lr>", "<sip:proxy2>"}},
		{"lr with a value", "<sip:proxy1;lr=on>", "<sip:user@remoteua>", "sip:user@remoteua", []string{"<sip:proxy1;lr=on>"}},
		{"lone strict router", "<sip:proxy1;transport=tcp;method=INVITE?Subject=x>", "<sip:user@remoteua>", "sip:proxy1;transport=tcp", []string{"<sip:user@remoteua>"}},
		{"empty route set", "", "<sip:user@remoteua;transport=tcp>;q=0.5", "sip:user@remoteua;transport=tcp", nil},
		{"Contact without brackets", "", "sip:user@remoteua;expires=7", "sip:user@remoteua", nil},
		{"Contact with what no request URI has", "", "<sip:user@remoteua;method=INVITE;x=y?Replaces=a%3Bto-tag%3Db>", "sip:user@remoteua;x=y", nil},
		{"several Contacts", "", "<sip:one@remoteua>, <sip:two@remoteua>", "sip:one@remoteua", nil},
		{"a user part that looks like a parameter", "", "<sip:method@remoteua>", "sip:method@remoteua", nil},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			fields := []string{"Contact: " + row.contact, newTo}
			if row.routes != "" {
				fields = append(fields, "Record-Route: "+row.routes)
			}
			d, err := NewUAS(read(t, inviteLine, fields...), "B", "<sip:us@192.0.2.5>")
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range []*sip.Message{d.Request(sip.OPTIONS), d.ACK(read(t, inviteLine, alice))} {
				if got := slices.Collect(m.List(sip.Route)); m.URIText() != row.uri || !slices.Equal(got, row.route) {
					t.Errorf("%s to %q through %q", m.Method(), m.URIText(), got)
				}
			}
		})
	}
}

func TestRequestsThatCannotMakeADialog(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name   string
		fields []string
		want   error
	}{
		{"no Contact", nil, ErrNoTarget},
		{"Contact star", []string{"Contact: *"}, ErrNoTarget},
		{"Contact that is no SIP URI", []string{"Contact: <tel:+4930123>"}, ErrNoTarget},
		{"Contact out of shape", []string{"Contact: <sip:alice@"}, ErrNoTarget},
		{"Record-Route out of shape", []string{alice, "Record-Route: <sip:p1;lr>, <nonsense"}, ErrRouteSet},
	}
	for _, row := range rows {
		if d, err := NewUAS(read(t, inviteLine, append(row.fields, newTo)...), "B", "<sip:us@192.0.2.5>"); d != nil || !errors.Is(err, row.want) || Refusal(err) != 400 {
			t.Errorf("%s: %v, %v, %d", row.name, d, err, Refusal(err))
		}
	}
	if Refusal(nil) != 0 {
		t.Error("nothing to refuse")
	}
}

func TestBadResponseStillLetsTheCallerAcknowledgeAndEnd(t *testing.T) {
	t.Parallel()
	invite := read(t, inviteLine, newTo, alice)
	d, err := NewUAC(invite, read(t, ok, "Record-Route: <nonsense", bob))
	if d == nil || !errors.Is(err, ErrRouteSet) {
		t.Fatalf("%v, %v", d, err)
	}
	if m := d.ACK(invite); m.URIText() != "sip:bob@192.0.2.2" || m.Has(sip.Route) {
		t.Errorf("ACK\n%s", m)
	}
	for _, contact := range []string{"Contact: <tel:1>", "Contact: <", "X-No: contact"} {
		d, err := NewUAC(invite, read(t, ok, contact))
		if err != nil || d.Target() != "sip:bob@b.example" {
			t.Errorf("%s: %v, %v", contact, d, err)
		}
	}
}

func TestAckRepeatsNumberAndCredentialsOfItsInvite(t *testing.T) {
	t.Parallel()
	d := caller(t, ok, bob)
	reinvite := d.Request(sip.INVITE)
	reinvite.Add("Authorization", "Digest username=\"a\"")
	reinvite.Add("Proxy-Authorization", "Digest realm=\"p1\"")
	reinvite.Add("Proxy-Authorization", "Digest realm=\"p2\"")
	d.Request(sip.INFO)
	m := d.ACK(reinvite)
	if cseq, err := m.CSeq(); err != nil || cseq != (sip.CSeqValue{Number: 8, Method: sip.ACK}) {
		t.Errorf("CSeq %v, %v", cseq, err)
	}
	if m.Count(sip.Authorization) != 1 || m.Count(sip.ProxyAuthorization) != 2 || m.Has(sip.Contact) {
		t.Errorf("ACK\n%s", m)
	}
	if cseq, _ := d.Request(sip.BYE).CSeq(); cseq.Number != 10 {
		t.Errorf("the ACK has taken a number: BYE has %d", cseq.Number)
	}
}

func TestContactStandsOnlyWhereItMay(t *testing.T) {
	t.Parallel()
	d := callee(t)
	rows := map[string]bool{
		sip.INVITE: true, sip.UPDATE: true, sip.REFER: true, sip.NOTIFY: true, sip.SUBSCRIBE: true,
		sip.BYE: false, sip.INFO: false, sip.MESSAGE: false, sip.PRACK: false, sip.OPTIONS: false,
	}
	for method, want := range rows {
		if d.Request(method).Has(sip.Contact) != want {
			t.Errorf("%s: Contact %v", method, !want)
		}
	}
	d.SetContact("<sip:elsewhere@192.0.2.6>")
	if got, _ := d.Request(sip.UPDATE).Value(sip.Contact); got != "<sip:elsewhere@192.0.2.6>" || d.Contact() != got {
		t.Errorf("Contact %q", got)
	}
}

func TestB097LowerCSeqIsRefusedAndGapsAreFine(t *testing.T) {
	t.Parallel()
	d := callee(t, "CSeq: 10 INVITE")
	rows := []struct {
		method string
		cseq   string
		want   int
	}{
		{"INFO", "11", 0},
		{"INFO", "11", 500}, // a retransmission would not have come here
		{"INFO", "10", 500},
		{"OPTIONS", "500", 0},
		{"BYE", "499", 500},
		{"ACK", "10", 0},
		{"CANCEL", "10", 0},
		{"BYE", "2147483647", 0},
	}
	for _, row := range rows {
		if got := d.Receive(read(t, row.method+" sip:us@192.0.2.5 SIP/2.0", "CSeq: "+row.cseq+" "+row.method)); got != row.want {
			t.Errorf("%s %s: %d", row.cseq, row.method, got)
		}
	}
	if got := d.Receive(sip.NewRequest(sip.INFO, "sip:us@192.0.2.5")); got != 400 {
		t.Errorf("without CSeq: %d", got)
	}
	if got := caller(t, ok, bob).Receive(read(t, "BYE sip:us@192.0.2.5 SIP/2.0", "CSeq: 0 BYE")); got != 0 {
		t.Errorf("any number may be the peer's first: %d", got)
	}
}

func TestB097RequestRefreshesTheTargetOnceItIsAccepted(t *testing.T) {
	t.Parallel()
	const moved = "Contact: <sip:alice@192.0.2.77>"
	rows := []struct {
		name     string
		request  string
		response []string
		want     string
	}{
		{"re-INVITE, 2xx", "INVITE", []string{ok}, "sip:alice@192.0.2.77"},
		{"UPDATE, 2xx", "UPDATE", []string{ok, "CSeq: 20 UPDATE"}, "sip:alice@192.0.2.77"},
		{"re-INVITE, reliable 183", "INVITE", []string{progress, reliable1}, "sip:alice@192.0.2.77"},
		{"re-INVITE, unreliable 183", "INVITE", []string{progress}, "sip:alice@192.0.2.1:5062;transport=tcp"},
		{"re-INVITE, 488", "INVITE", []string{"SIP/2.0 488 Not Acceptable Here"}, "sip:alice@192.0.2.1:5062;transport=tcp"},
		{"UPDATE, 500", "UPDATE", []string{"SIP/2.0 500 Error", "CSeq: 20 UPDATE"}, "sip:alice@192.0.2.1:5062;transport=tcp"},
		{"INFO, 2xx", "INFO", []string{ok, "CSeq: 20 INFO"}, "sip:alice@192.0.2.1:5062;transport=tcp"},
		{"PRACK, 2xx", "PRACK", []string{ok, "CSeq: 20 PRACK"}, "sip:alice@192.0.2.1:5062;transport=tcp"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			d := callee(t, "Record-Route: <sip:p1;lr>")
			request := read(t, row.request+" sip:us@192.0.2.5 SIP/2.0", "CSeq: 20 "+row.request, moved, "Record-Route: <sip:other;lr>")
			if status := d.Receive(request); status != 0 || d.Target() != "sip:alice@192.0.2.1:5062;transport=tcp" {
				t.Fatalf("%d, target %s before the answer", status, d.Target())
			}
			d.Responded(request, read(t, row.response[0], append(row.response[1:], bob)...))
			if d.Target() != row.want || !slices.Equal(d.Routes(), []string{"<sip:p1;lr>"}) {
				t.Errorf("target %s, route set %q", d.Target(), d.Routes())
			}
		})
	}
	t.Run("ACK", func(t *testing.T) {
		t.Parallel()
		d := callee(t)
		d.Receive(read(t, "ACK sip:us@192.0.2.5 SIP/2.0", moved))
		if d.Target() != "sip:alice@192.0.2.1:5062;transport=tcp" {
			t.Errorf("target %s", d.Target())
		}
	})
	t.Run("without Contact", func(t *testing.T) {
		t.Parallel()
		d := callee(t)
		d.Responded(read(t, "INVITE sip:us@192.0.2.5 SIP/2.0", "CSeq: 20 INVITE"), read(t, ok))
		if d.Target() != "sip:alice@192.0.2.1:5062;transport=tcp" {
			t.Errorf("target %s", d.Target())
		}
	})
}

func TestB097ResponseRefreshesTheTarget(t *testing.T) {
	t.Parallel()
	const moved = "Contact: <sip:bob@192.0.2.77>"
	rows := []struct {
		name   string
		line   string
		fields []string
		want   string
	}{
		{"2xx to re-INVITE", ok, []string{"CSeq: 8 INVITE", moved}, "sip:bob@192.0.2.77"},
		{"2xx to UPDATE", ok, []string{"CSeq: 8 UPDATE", moved}, "sip:bob@192.0.2.77"},
		{"reliable 183", progress, []string{"CSeq: 8 INVITE", reliable1, moved}, "sip:bob@192.0.2.77"},
		{"unreliable 183", progress, []string{"CSeq: 8 INVITE", moved}, "sip:bob@192.0.2.2"},
		{"RSeq without Require", progress, []string{"CSeq: 8 INVITE", "RSeq: 1", moved}, "sip:bob@192.0.2.2"},
		{"error", "SIP/2.0 488 No", []string{"CSeq: 8 INVITE", moved}, "sip:bob@192.0.2.2"},
		{"2xx to INFO", ok, []string{"CSeq: 8 INFO", moved}, "sip:bob@192.0.2.2"},
		{"2xx without Contact", ok, []string{"CSeq: 8 INVITE"}, "sip:bob@192.0.2.2"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			d := caller(t, ok, bob, "Record-Route: <sip:p1;lr>")
			if err := d.Response(read(t, row.line, append(row.fields, "Record-Route: <sip:other;lr>")...)); err != nil {
				t.Fatal(err)
			}
			if d.Target() != row.want || !slices.Equal(d.Routes(), []string{"<sip:p1;lr>"}) || d.State() != Confirmed {
				t.Errorf("%v, target %s, route set %q", d.State(), d.Target(), d.Routes())
			}
		})
	}
}

func TestFinalResponseConfirmsOrEndsAnEarlyDialog(t *testing.T) {
	t.Parallel()
	rows := []struct {
		line  string
		state State
	}{
		{ringing, Early}, {ok, Confirmed}, {"SIP/2.0 302 Moved", Terminated}, {"SIP/2.0 486 Busy Here", Terminated}, {"SIP/2.0 603 Decline", Terminated},
	}
	for _, row := range rows {
		d := caller(t, ringing, bob, "Record-Route: <sip:early;lr>")
		if d.State() != Early {
			t.Fatalf("a 180 makes a dialog %v", d.State())
		}
		if err := d.Response(read(t, row.line, "CSeq: 7 INVITE", "Contact: <sip:bob@192.0.2.3>", "Record-Route: <sip:p1;lr>, <sip:p2;lr>")); err != nil || d.State() != row.state {
			t.Errorf("caller, %s: %v, %v", row.line, d.State(), err)
		}
		wantRoutes, wantTarget := []string{"<sip:early;lr>"}, "sip:bob@192.0.2.2"
		if row.state == Confirmed { // RFC 3261 §13.2.2.4: the route set of the 2xx
			wantRoutes, wantTarget = []string{"<sip:p2;lr>", "<sip:p1;lr>"}, "sip:bob@192.0.2.3"
		}
		if !slices.Equal(d.Routes(), wantRoutes) || d.Target() != wantTarget {
			t.Errorf("caller, %s: %q to %s", row.line, d.Routes(), d.Target())
		}
		invite := read(t, inviteLine, newTo, alice)
		u, err := NewUAS(invite, "B", "<sip:us@192.0.2.5>")
		if err != nil {
			t.Fatal(err)
		}
		u.Responded(invite, read(t, row.line))
		if u.State() != row.state {
			t.Errorf("callee, %s: %v", row.line, u.State())
		}
	}
}

func TestACopyOfThe2xxChangesNoRoute(t *testing.T) {
	t.Parallel()
	d := caller(t, ok, bob, "Record-Route: <sip:p1;lr>")
	if err := d.Response(read(t, ok, "CSeq: 7 INVITE", bob, "Record-Route: <sip:other;lr>")); err != nil || !slices.Equal(d.Routes(), []string{"<sip:p1;lr>"}) {
		t.Errorf("%v, %q", err, d.Routes())
	}
}

func TestNothingRevivesAnEndedDialog(t *testing.T) {
	t.Parallel()
	d := caller(t, ringing, bob)
	d.End()
	if err := d.Response(read(t, ok, "CSeq: 7 INVITE", bob)); err != nil || d.State() != Terminated {
		t.Errorf("%v, %v", d.State(), err)
	}
	if m := d.Request(sip.BYE); m.Method() != sip.BYE || m.ToTag() != "B" {
		t.Errorf("the BYE after the end\n%s", m)
	}
}

func TestConfirmingResponseWithBadRouteSet(t *testing.T) {
	t.Parallel()
	d := caller(t, ringing, bob, "Record-Route: <sip:early;lr>")
	if err := d.Response(read(t, ok, "CSeq: 7 INVITE", bob, "Record-Route: <x")); !errors.Is(err, ErrRouteSet) || d.State() != Confirmed || len(d.Routes()) != 0 {
		t.Errorf("%v, %v, %q", err, d.State(), d.Routes())
	}
	if err := d.Response(sip.NewResponse(sip.NewRequest(sip.INFO, "sip:x"), 200, "", "")); !errors.Is(err, sip.ErrMissing) {
		t.Errorf("response without CSeq: %v", err)
	}
}

func TestPeersOfRFC2543HaveNoTag(t *testing.T) {
	t.Parallel()
	d, err := NewUAS(read(t, inviteLine, "From: <sip:alice@a.example>", newTo, alice), "B", "<sip:us@192.0.2.5>")
	if err != nil {
		t.Fatal(err)
	}
	if m := d.Request(sip.BYE); m.ToTag() != "" || m.FromTag() != "B" || strings.Contains(m.String(), "tag=\r") {
		t.Errorf("BYE\n%s", m)
	}
	if d.ID().Remote != "" {
		t.Errorf("remote tag %q", d.ID().Remote)
	}
}

func TestOfFindsTheDialogOfRequestsAndResponses(t *testing.T) {
	t.Parallel()
	if got := Of(read(t, "BYE sip:us@192.0.2.5 SIP/2.0")); got != callee(t).ID() {
		t.Errorf("request: %v", got)
	}
	if got := Of(read(t, ok)); got != caller(t, ok, bob).ID() {
		t.Errorf("response: %v", got)
	}
}

func TestPeerTellsWhatItTakes(t *testing.T) {
	t.Parallel()
	d := callee(t)
	if allowed, known := d.Allows(sip.UPDATE); allowed || known || d.Supports("timer") {
		t.Error("knows what nobody has said")
	}
	d = callee(t, "Allow: INVITE, ACK, BYE, update, PRACK", "Supported: Timer, path", "Require: 100rel")
	rows := []struct {
		method         string
		allowed, known bool
	}{{sip.PRACK, true, true}, {sip.UPDATE, false, true}, {sip.REFER, false, true}, {"WATCH", false, false}}
	for _, row := range rows {
		if allowed, known := d.Allows(row.method); allowed != row.allowed || known != row.known {
			t.Errorf("%s: %v, %v", row.method, allowed, known)
		}
	}
	if !d.Supports("timer") || !d.Supports("100rel") || d.Supports("replaces") || d.Supports("path") {
		t.Error("option tags of the INVITE")
	}
	d.Receive(read(t, "INFO sip:us@192.0.2.5 SIP/2.0", "CSeq: 2 INFO"))
	if !d.Supports("timer") {
		t.Error("a request that says nothing takes nothing back")
	}
	d.Receive(read(t, "OPTIONS sip:us@192.0.2.5 SIP/2.0", "CSeq: 3 OPTIONS", "Allow: UPDATE", "Supported: replaces"))
	if allowed, known := d.Allows(sip.UPDATE); !allowed || !known || d.Supports("timer") || !d.Supports("replaces") {
		t.Error("the latest message counts")
	}
}

func TestSecureContact(t *testing.T) {
	t.Parallel()
	rows := []struct {
		line   string
		fields []string
		want   bool
	}{
		{inviteLine, []string{alice}, false},
		{"INVITE sips:bob@b.example SIP/2.0", []string{alice}, true},
		{inviteLine, []string{"Contact: <sips:alice@192.0.2.1>"}, true},
		{inviteLine, []string{"Contact: <sips:alice@192.0.2.1>", "Record-Route: <sip:p1;lr>"}, false},
		{inviteLine, []string{alice, "Record-Route: <sips:p1;lr>"}, true},
		{inviteLine, nil, false},
	}
	for _, row := range rows {
		if got := SecureContact(read(t, row.line, row.fields...)); got != row.want {
			t.Errorf("%s %q: %v", row.line, row.fields, got)
		}
	}
}

func TestLostDialogs(t *testing.T) {
	t.Parallel()
	rows := []struct {
		method string
		status int
		want   bool
	}{
		{sip.INVITE, 481, true}, {sip.INVITE, 408, true}, {sip.UPDATE, 481, true}, {sip.INFO, 408, true}, {sip.PRACK, 408, true},
		{sip.PRACK, 481, false}, {sip.INVITE, 488, false}, {sip.INVITE, 491, false}, {sip.INFO, 200, false}, {sip.UPDATE, 500, false},
	}
	for _, row := range rows {
		if got := Ends(row.method, row.status); got != row.want {
			t.Errorf("%d to %s: %v", row.status, row.method, got)
		}
	}
}

func TestDialogKeepsNothingOfTheMessage(t *testing.T) {
	t.Parallel()
	raw := "INVITE sip:bob@b.example SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKx\r\nFrom: <sip:alice@a.example>;tag=A\r\n" +
		"To: <sip:bob@b.example>\r\nCall-ID: call@a.example\r\nCSeq: 1 INVITE\r\nContact: <sip:alice@192.0.2.1>\r\nRecord-Route: <sip:p1;lr>\r\n\r\n"
	m, err := sip.ReadDatagram([]byte(raw), sip.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	d, err := NewUAS(m, "B", "<sip:us@192.0.2.5>")
	if err != nil {
		t.Fatal(err)
	}
	before := head(d.Request(sip.INFO))
	m.Release()
	for range 64 { // released buffers are used again
		if m, err = sip.ReadDatagram([]byte(strings.Repeat("X", 300)+raw), sip.Limits{}); m != nil {
			m.Release()
		}
	}
	if after := head(d.Request(sip.INFO)); after != strings.Replace(before, "CSeq: 1", "CSeq: 2", 1) {
		t.Errorf("before\n%s\nafter\n%s", before, after)
	}
	if want := "early dialog call@a.example;local=B;remote=A"; d.String() != want {
		t.Errorf("%s (%v)", d, err)
	}
}
