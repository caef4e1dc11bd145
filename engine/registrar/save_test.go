package registrar

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sipscript/sipscript/engine/location"
	"github.com/sipscript/sipscript/sip"
)

var udp = sip.Flow{Transport: sip.UDP, Local: netip.MustParseAddrPort("192.0.2.1:5060"), Remote: netip.MustParseAddrPort("192.0.2.4:5062")}

// local serves two domains and one address.
func local(u *sip.URI) bool {
	switch u.Host {
	case "example.org", "example.net", "192.0.2.1":
		return true
	}
	return false
}

// bench is a registrar with its store.
type bench struct {
	t     *testing.T
	store *location.Store
	o     Options
	flow  sip.Flow
}

// run calls fn with an empty registrar, in a bubble of virtual time.
func run(t *testing.T, fn func(t *testing.T, b *bench)) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := location.New(location.Config{})
		defer store.Close()
		fn(t, &bench{t: t, store: store, flow: udp})
	})
}

const registerLine = "REGISTER sip:example.org SIP/2.0"

// register sends a REGISTER of alice's: its header fields beside these are filled in.
func (b *bench) register(headers ...string) Outcome {
	b.t.Helper()
	return b.save(registerLine, headers...)
}

func (b *bench) save(line string, headers ...string) Outcome {
	b.t.Helper()
	var out Outcome
	calls := 0
	Save(b.store, message(b.t, line, headers...), b.flow, b.o, local, time.Now(), func(o Outcome) { out = o; calls++ })
	synctest.Wait()
	if calls != 1 {
		b.t.Fatalf("done was called %d times", calls)
	}
	if out.Code >= 600 || out.Code < 200 || out.Reason == "" {
		b.t.Errorf("outcome %d %q", out.Code, out.Reason)
	}
	if len(fields(out, "Record-Route")) > 0 {
		b.t.Error("B147: Record-Route in an answer to REGISTER")
	}
	return out
}

func message(t testing.TB, line string, headers ...string) *sip.Message {
	t.Helper()
	lines := []string{line, "Via: SIP/2.0/UDP 192.0.2.4:5062;branch=z9hG4bK1", "Max-Forwards: 70", "Content-Length: 0"}
	for _, def := range []string{"From: <sip:alice@example.org>;tag=a", "To: <sip:alice@example.org>", "Call-ID: call", "CSeq: 1 REGISTER"} {
		name, _, _ := strings.Cut(def, ":")
		if !slices.ContainsFunc(headers, func(h string) bool { return strings.HasPrefix(h, name+":") }) {
			lines = append(lines, def)
		}
	}
	lines = append(append(lines, headers...), "", "")
	m, err := sip.ReadDatagram([]byte(strings.Join(lines, "\r\n")), sip.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func fields(o Outcome, name string) []string {
	var values []string
	for _, f := range o.Headers {
		if f.Name == name {
			values = append(values, f.Value)
		}
	}
	return values
}

func (b *bench) expect(o Outcome, code int, contacts ...string) {
	b.t.Helper()
	if o.Code != code {
		b.t.Errorf("got %d %s, want %d", o.Code, o.Reason, code)
	}
	if got := fields(o, "Contact"); !slices.Equal(got, contacts) {
		b.t.Errorf("got Contact %q, want %q", got, contacts)
	}
	if code == 200 && len(o.Bindings) != len(contacts) {
		b.t.Errorf("got %d bindings, want %d", len(o.Bindings), len(contacts))
	}
}

// expectStored checks what a fetch lists, which must be what a lookup finds.
func (b *bench) expectStored(contacts ...string) {
	b.t.Helper()
	b.expect(b.register("CSeq: 1000 REGISTER"), 200, contacts...)
	found, _ := b.store.Lookup("sip:alice@example.org", time.Now())
	if len(found) != len(contacts) {
		b.t.Errorf("a lookup finds %d bindings, want %d", len(found), len(contacts))
	}
}

func TestB067ListsAllBindingsWithTheTimeLeft(t *testing.T) {
	run(t, func(t *testing.T, b *bench) {
		b.register("Contact: <sip:alice@a>", "Expires: 600")
		time.Sleep(99*time.Second + 500*time.Millisecond)
		o := b.register("Contact: <sip:alice@b>;expires=60", "Call-ID: other")
		b.expect(o, 200, "<sip:alice@b>;expires=60", "<sip:alice@a>;expires=500")
		if got, want := fields(o, "Date"), []string{"Sat, 01 Jan 2000 00:01:39 GMT"}; !slices.Equal(got, want) {
			t.Errorf("Date %q, want %q", got, want)
		}
		time.Sleep(59*time.Second + 900*time.Millisecond)
		b.expectStored("<sip:alice@b>;expires=1", "<sip:alice@a>;expires=440")
		time.Sleep(100 * time.Millisecond)
		b.expectStored("<sip:alice@a>;expires=440")
	})
}

func TestB067FetchChangesNothing(t *testing.T) {
	run(t, func(t *testing.T, b *bench) {
		b.expect(b.register(), 200)
		if _, known := b.store.Lookup("sip:alice@example.org", time.Now()); known {
			t.Error("a fetch made the AOR known")
		}
		b.register("Contact: <sip:alice@a>")
		before, _ := b.store.Lookup("sip:alice@example.org", time.Now())
		b.expect(b.register("Expires: 0"), 200, "<sip:alice@a>;expires=3600")
		after, _ := b.store.Lookup("sip:alice@example.org", time.Now())
		if after[0].CSeq != before[0].CSeq || !after[0].Expires.Equal(before[0].Expires) {
			t.Errorf("%+v became %+v", before[0], after[0])
		}
	})
}

func TestB068StarOnlyAloneAndWithExpiresZero(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		headers []string
		code    int
	}{
		{"as it should be", []string{"Contact: *", "Expires: 0"}, 200},
		{"without Expires", []string{"Contact: *"}, 400},
		{"with an Expires of its own", []string{"Contact: *", "Expires: 60"}, 400},
		{"with a malformed Expires", []string{"Contact: *", "Expires: soon"}, 400},
		{"beside another", []string{"Contact: *, <sip:alice@b>", "Expires: 0"}, 400},
		{"twice", []string{"Contact: *", "Contact: *", "Expires: 0"}, 400},
		{"with an old CSeq", []string{"Contact: *", "Expires: 0", "CSeq: 1 REGISTER"}, 500},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			run(t, func(t *testing.T, b *bench) {
				b.register("Contact: <sip:alice@a>, <sip:alice@c>;q=0.5")
				headers := tt.headers
				if !strings.HasPrefix(headers[len(headers)-1], "CSeq:") {
					headers = append(headers, "CSeq: 2 REGISTER")
				}
				b.expect(b.register(headers...), tt.code)
				if tt.code == 200 {
					b.expectStored()
				} else {
					b.expectStored("<sip:alice@a>;expires=3600", "<sip:alice@c>;q=0.5;expires=3600")
				}
			})
		})
	}
}

func TestB069OldCSeqFailsTheWholeUpdate(t *testing.T) {
	run(t, func(t *testing.T, b *bench) {
		b.register("Contact: <sip:alice@a>", "CSeq: 7 REGISTER")
		for _, cseq := range []string{"7", "6"} {
			b.expect(b.register("Contact: <sip:alice@new>, <sip:alice@a>;expires=60", "CSeq: "+cseq+" REGISTER"), 500)
		}
		b.expectStored("<sip:alice@a>;expires=3600")
		b.expect(b.register("Contact: <sip:alice@a>;expires=60", "CSeq: 1 REGISTER", "Call-ID: rebooted"), 200, "<sip:alice@a>;expires=60")
	})
}

func TestB070OneBadContactChangesNothing(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{
		"<sip:alice@b>;q=1.5", "<sip:alice@b>;q=high", "<sip:alice@b", "sip:alice@b?x=y", "<sip:alice@b>;expires=59",
	} {
		t.Run(bad, func(t *testing.T) {
			run(t, func(t *testing.T, b *bench) {
				b.register("Contact: <sip:alice@a>")
				o := b.register("Contact: <sip:alice@a>;expires=600, <sip:alice@c>", "Contact: "+bad, "CSeq: 2 REGISTER")
				if o.Code != 400 && o.Code != 423 {
					t.Errorf("got %d %s", o.Code, o.Reason)
				}
				b.expectStored("<sip:alice@a>;expires=3600")
			})
		})
	}
}

type brokenJournal struct{}

func (brokenJournal) Append([]location.Change) error { return errors.New("disk full") }

func TestB070FailedCommitIs500(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := location.New(location.Config{Journal: brokenJournal{}})
		defer store.Close()
		b := &bench{t: t, store: store, flow: udp}
		b.expect(b.register("Contact: <sip:alice@a>"), 500)
		b.expectStored()
	})
}

func TestClosedOrBusyStoreIs503(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := location.New(location.Config{})
		store.Close()
		b := &bench{t: t, store: store, flow: udp}
		o := b.register("Contact: <sip:alice@a>")
		if o.Code != 503 || len(fields(o, "Retry-After")) != 1 {
			t.Errorf("got %d %v, want 503 with Retry-After", o.Code, o.Headers)
		}
	})
}

func TestB071WhichExpiryCounts(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		contact string
		expires string // header field
		left    int    // 0: not stored
		code    int
	}{
		{"parameter before header field", ";expires=120", "600", 120, 200},
		{"header field", "", "600", 600, 200},
		{"default", "", "", 1800, 200},
		{"zero removes", ";expires=0", "600", 0, 200},
		{"zero in the header field removes", "", "0", 0, 200},
		{"parameter before a header field of zero", ";expires=120", "0", 120, 200},
		{"too short", ";expires=59", "", 0, 423},
		{"too short in the header field", "", "59", 0, 423},
		{"just long enough", ";expires=60", "", 60, 200},
		{"too long is shortened", ";expires=7201", "", 7200, 200},
		{"far too long", ";expires=4294967295", "", 7200, 200},
		{"malformed parameter", ";expires=soon", "600", 3600, 200},
		{"parameter without a value", ";expires", "600", 3600, 200},
		{"malformed header field", "", "soon", 3600, 200},
		{"beyond 32 bits", ";expires=4294967296", "600", 3600, 200},
		{"beyond 32 bits in the header field", "", "10000000000", 3600, 200},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			run(t, func(t *testing.T, b *bench) {
				b.o = Options{DefaultExpires: 30 * time.Minute, MaxExpires: 2 * time.Hour, MinExpires: time.Minute}
				headers := []string{"Contact: <sip:alice@a>" + tt.contact}
				if tt.expires != "" {
					headers = append(headers, "Expires: "+tt.expires)
				}
				o := b.register(headers...)
				if tt.left == 0 {
					b.expect(o, tt.code)
				} else {
					b.expect(o, tt.code, fmt.Sprintf("<sip:alice@a>;expires=%d", tt.left))
				}
				if got := fields(o, "Min-Expires"); (tt.code == 423) != slices.Equal(got, []string{"60"}) {
					t.Errorf("Min-Expires %q", got)
				}
			})
		})
	}
}

func TestB071AnHourOrMoreIsNeverTooBrief(t *testing.T) {
	run(t, func(t *testing.T, b *bench) {
		b.o = Options{MinExpires: 2 * time.Hour, MaxExpires: 24 * time.Hour, DefaultExpires: 2 * time.Hour}
		b.expect(b.register("Contact: <sip:alice@a>;expires=3599"), 423)
		b.expect(b.register("Contact: <sip:alice@a>;expires=3600"), 200, "<sip:alice@a>;expires=3600")
	})
}

func TestB072RefreshUpdatesEverything(t *testing.T) {
	run(t, func(t *testing.T, b *bench) {
		b.register("Contact: <sip:alice@a>;q=0.5;+old", "User-Agent: Old/1")
		b.flow.Remote = netip.MustParseAddrPort("192.0.2.5:5063")
		b.expect(b.register("Contact: \"New\" <sip:alice@A>;q=0.7;+new;expires=600", "User-Agent: New/2", "CSeq: 2 REGISTER", "Call-ID: second"), 200,
			`"New" <sip:alice@A>;+new;q=0.7;expires=600`)
		got, _ := b.store.Lookup("sip:alice@example.org", time.Now())
		want := location.Binding{
			URI: "sip:alice@A", Name: "New", Params: ";+new", Q: 700, Expires: time.Now().Add(600 * time.Second), Registered: time.Now(),
			CallID: "second", CSeq: 2, Flow: b.flow, Source: b.flow.Remote, UserAgent: "New/2",
		}
		if len(got) != 1 || fmt.Sprintf("%+v", got[0]) != fmt.Sprintf("%+v", want) {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
	})
}

func TestB072PortAndTransportMakeAnotherBinding(t *testing.T) {
	run(t, func(t *testing.T, b *bench) {
		b.register("Contact: <sip:alice@a>")
		b.register("Contact: <sip:alice@a:5060>", "CSeq: 2 REGISTER")
		b.register("Contact: <sip:alice@a;transport=tcp>", "CSeq: 3 REGISTER")
		b.register("Contact: <sip:%61lice@A>;expires=600", "CSeq: 4 REGISTER") // the first again
		b.expectStored("<sip:%61lice@A>;expires=600", "<sip:alice@a:5060>;expires=3600", "<sip:alice@a;transport=tcp>;expires=3600")
	})
}

func TestB078WhoMayRegisterWhom(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name       string
		user       string
		thirdParty bool
		from, to   string
		code       int
	}{
		{"oneself", "alice", false, "sip:alice@example.org", "sip:alice@example.org", 200},
		{"oneself, with the domain", "alice@example.org", false, "sip:alice@example.org", "sip:alice@example.org", 200},
		{"user part escaped", "alice", false, "sip:alice@example.org", "sip:%61lice@example.org", 200},
		{"another user", "mallory", false, "sip:mallory@example.org", "sip:alice@example.org", 403},
		{"another user under a stolen From", "mallory", false, "sip:alice@example.org", "sip:alice@example.org", 403},
		{"another domain", "alice@example.net", false, "sip:alice@example.org", "sip:alice@example.org", 403},
		{"user names differ by case", "Alice", false, "sip:alice@example.org", "sip:alice@example.org", 403},
		{"oneself, From is somebody else", "alice", false, "sip:boss@example.org", "sip:alice@example.org", 200},
		{"third party without authentication", "", false, "sip:boss@example.org", "sip:alice@example.org", 403},
		{"oneself without authentication", "", false, "sip:alice@EXAMPLE.org", "sip:alice@example.org", 200},
		{"third party allowed", "boss", true, "sip:boss@example.org", "sip:alice@example.org", 200},
		{"third party allowed without authentication", "", true, "sip:boss@example.org", "sip:alice@example.org", 200},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			run(t, func(t *testing.T, b *bench) {
				b.o = Options{User: tt.user, ThirdParty: tt.thirdParty}
				o := b.register("From: <"+tt.from+">;tag=a", "To: <"+tt.to+">", "Contact: <sip:alice@a>")
				if o.Code != tt.code {
					t.Errorf("got %d %s, want %d", o.Code, o.Reason, tt.code)
				}
				if stored := b.store.Count() == 1; stored != (tt.code == 200) {
					t.Errorf("stored %v", stored)
				}
			})
		})
	}
}

func TestB078Domains(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, line, to string
		code           int
	}{
		{"ours", registerLine, "sip:alice@example.org", 200},
		{"ours in another case", "REGISTER sip:Example.ORG SIP/2.0", "sip:alice@example.org", 404}, // local above knows one spelling
		{"our address", "REGISTER sip:192.0.2.1 SIP/2.0", "sip:alice@example.net", 200},
		{"user in the Request-URI", "REGISTER sip:alice@example.org SIP/2.0", "sip:alice@example.org", 200},
		{"foreign Request-URI", "REGISTER sip:elsewhere.com SIP/2.0", "sip:alice@example.org", 404},
		{"foreign AOR", registerLine, "sip:alice@elsewhere.com", 404},
		{"AOR of another domain of ours", registerLine, "sip:alice@example.net", 404},
		{"AOR without a user", registerLine, "sip:example.org", 404},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			run(t, func(t *testing.T, b *bench) {
				o := b.save(tt.line, "From: <"+tt.to+">;tag=a", "To: <"+tt.to+">", "Contact: <sip:alice@a>")
				if o.Code != tt.code {
					t.Errorf("got %d %s, want %d", o.Code, o.Reason, tt.code)
				}
			})
		})
	}
}

func TestAORIsCanonical(t *testing.T) {
	run(t, func(t *testing.T, b *bench) {
		b.o.AOR = func(u *sip.URI) string {
			c := *u
			if c.Host == "192.0.2.1" {
				c.Host = "example.org"
			}
			return c.AOR()
		}
		const to = `To: "A" <sip:%61lice:secret@192.0.2.1:5060;user=phone>`
		b.expect(b.save("REGISTER sip:192.0.2.1 SIP/2.0", to, "Contact: <sip:alice@a>"), 200, "<sip:alice@a>;expires=3600")
		b.expectStored("<sip:alice@a>;expires=3600")
	})
}

func TestB079MaxContacts(t *testing.T) {
	run(t, func(t *testing.T, b *bench) {
		b.o.MaxContacts = 2
		for i := range 3 {
			o := b.register(fmt.Sprintf("Contact: <sip:alice@h%d>", i), fmt.Sprintf("Call-ID: call%d", i))
			if want := []int{200, 200, 403}[i]; o.Code != want {
				t.Errorf("contact %d: %d %s, want %d", i, o.Code, o.Reason, want)
			}
			time.Sleep(time.Second)
		}
		b.o.WhenFull = Replace
		b.expect(b.register("Contact: <sip:alice@h3>", "Call-ID: call3"), 200, "<sip:alice@h3>;expires=3600", "<sip:alice@h1>;expires=3598")
	})
}

func TestB079ExpiredContactsTakeNoRoom(t *testing.T) {
	run(t, func(t *testing.T, b *bench) {
		b.o.MaxContacts = 1
		b.register("Contact: <sip:alice@a>;expires=60")
		time.Sleep(time.Minute)
		b.expect(b.register("Contact: <sip:alice@b>"), 200, "<sip:alice@b>;expires=3600")
	})
}

func TestB082SameRegisterPastItsTransactionFails(t *testing.T) {
	// The transaction replays its 200 (RFC 3261 §17.2.2). A copy that gets here is out of order, not a refresh.
	run(t, func(t *testing.T, b *bench) {
		b.expect(b.register("Contact: <sip:alice@a>"), 200, "<sip:alice@a>;expires=3600")
		time.Sleep(time.Minute)
		b.expect(b.register("Contact: <sip:alice@a>"), 500)
		b.expectStored("<sip:alice@a>;expires=3540")
	})
}

func TestB083B139ContactIsListedAsItWasRegistered(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, contact, want string }{
		{"RFC 4475 §3.3.14 escaped headers", "<sip:user@example.com?Route=%3Csip:sip.example.com%3E>", "<sip:user@example.com?Route=%3Csip:sip.example.com%3E>;expires=3600"},
		{"RFC 4475 §3.3.12 parameter of the contact", "sip:+19725552222@gw1.example.net;unknownparam", "<sip:+19725552222@gw1.example.net>;unknownparam;expires=3600"},
		{"RFC 4475 §3.3.13 parameter of the URI", "<sip:+19725552222@gw1.example.net;unknownparam>", "<sip:+19725552222@gw1.example.net;unknownparam>;expires=3600"},
		{"order of parameters", `<sip:a@b>;x=1;expires=90;+sip.instance="<urn:uuid:1>";q=0.25;y="a\"b"`, `<sip:a@b>;x=1;+sip.instance="<urn:uuid:1>";y="a\"b";q=0.25;expires=90`},
		{"name", `"A \"B\" \\ C" <sip:a@b>`, `"A \"B\" \\ C" <sip:a@b>;expires=3600`},
		{"q of 1", "<sip:a@b>;q=1.0", "<sip:a@b>;expires=3600"},
		{"q of 0", "<sip:a@b>;q=0.000", "<sip:a@b>;q=0;expires=3600"},
		{"small q", "<sip:a@b>;q=0.05", "<sip:a@b>;q=0.05;expires=3600"},
		{"IPv6", "<sip:a@[2001:db8::9]:5070>", "<sip:a@[2001:db8::9]:5070>;expires=3600"},
		{"another scheme", "<mailto:alice@example.org>", "<mailto:alice@example.org>;expires=3600"},
		{"a GRUU of the UA's own making", `<sip:a@b>;pub-gruu="sip:x";temp-gruu="sip:y";z`, "<sip:a@b>;z;expires=3600"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			run(t, func(_ *testing.T, b *bench) { b.expect(b.register("Contact: "+tt.contact), 200, tt.want) })
		})
	}
}

func TestB084LookupOrder(t *testing.T) {
	run(t, func(t *testing.T, b *bench) {
		b.register("Contact: <sip:alice@a>;q=0.3, <sip:alice@b>, <sip:alice@c>;q=0.7")
		b.expectStored("<sip:alice@b>;expires=3600", "<sip:alice@c>;q=0.7;expires=3600", "<sip:alice@a>;q=0.3;expires=3600")
	})
}

func TestB147ContactThatWouldLoopIsRefused(t *testing.T) {
	t.Parallel()
	const instance = `;+sip.instance="<urn:uuid:1>"`
	tests := []struct {
		name, contact string
		code          int
	}{
		{"the AOR itself", "<sip:alice@example.org>" + instance, 403},
		{"the AOR written otherwise", "<sip:%61lice@EXAMPLE.org>" + instance, 403},
		{"its own GRUU", "<sip:alice@example.org;gr=urn:uuid:1>" + instance, 403},
		{"removing it", "<sip:alice@example.org>;expires=0" + instance, 200},
		{"somebody else", "<sip:bob@example.org>" + instance, 200},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			run(t, func(t *testing.T, b *bench) {
				if o := b.register("Contact: " + tt.contact); o.Code != tt.code {
					t.Errorf("got %d %s, want %d", o.Code, o.Reason, tt.code)
				}
			})
		})
	}
}

func TestB147RecordRouteIsIgnored(t *testing.T) {
	run(t, func(t *testing.T, b *bench) {
		b.expect(b.register("Contact: <sip:alice@a>", "Record-Route: <sip:p.example.org;lr>"), 200, "<sip:alice@a>;expires=3600")
	})
}

func TestPathIsStoredAndReturned(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		take   bool
		header string
		code   int
	}{
		{"supported", false, "Supported: gruu, PATH", 200},
		{"required", false, "Require: path", 200},
		{"not supported", false, "Supported: outbound", 420},
		{"not supported, taken all the same", true, "Supported: outbound", 200},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			run(t, func(t *testing.T, b *bench) {
				b.o.Path = tt.take
				o := b.register("Contact: <sip:alice@a>", "Path: <sip:p3;lr>, <sip:x,y@p2;lr>", "Path: <sip:p1;lr>", tt.header)
				if o.Code != tt.code {
					t.Fatalf("got %d %s, want %d", o.Code, o.Reason, tt.code)
				}
				if tt.code == 420 {
					if got := fields(o, "Unsupported"); !slices.Equal(got, []string{"path"}) {
						t.Errorf("Unsupported %q", got)
					}
					b.expectStored()
					return
				}
				path := []string{"<sip:p3;lr>", "<sip:x,y@p2;lr>", "<sip:p1;lr>"}
				if got := fields(o, "Path"); !slices.Equal(got, []string{strings.Join(path, ", ")}) {
					t.Errorf("Path %q", got)
				}
				if got, _ := b.store.Lookup("sip:alice@example.org", time.Now()); len(got) != 1 || !slices.Equal(got[0].Path, path) {
					t.Errorf("stored %+v, want path %q", got, path)
				}
			})
		})
	}
}

func TestUnknownRequireIs420(t *testing.T) {
	run(t, func(t *testing.T, b *bench) {
		o := b.register("Contact: <sip:alice@a>", "Require: path, nothingSupportsThis", "Require: neitherThis")
		b.expect(o, 420)
		if got := fields(o, "Unsupported"); !slices.Equal(got, []string{"nothingSupportsThis, neitherThis"}) {
			t.Errorf("Unsupported %q, want only those", got)
		}
		b.expectStored()
	})
}

func TestBindingKeepsTheFlowItCameBy(t *testing.T) {
	run(t, func(t *testing.T, b *bench) {
		b.flow = sip.Flow{Transport: sip.TLS, Local: netip.MustParseAddrPort("192.0.2.1:5061"), Remote: netip.MustParseAddrPort("198.51.100.7:40123"), Conn: 12}
		b.register(`Contact: <sip:alice@10.0.0.7:5061;transport=tls>;+sip.instance="<urn:uuid:1>";reg-id=1`)
		got, _ := b.store.Lookup("sip:alice@example.org", time.Now())
		if len(got) != 1 || got[0].Flow != b.flow || got[0].Source != b.flow.Remote || got[0].Instance != "<urn:uuid:1>" {
			t.Errorf("got %+v", got)
		}
		b.store.FlowClosed(b.flow)
		synctest.Wait()
		b.expectStored()
	})
}

// Two UAs of one user on two shards: their updates meet in the commit, and none is lost.
func TestRegistersAtTheSameTimeAreBothStored(t *testing.T) {
	run(t, func(t *testing.T, b *bench) {
		codes := make(chan int, 10)
		for i := range 10 {
			m := message(t, registerLine, fmt.Sprintf("Contact: <sip:alice@h%d>", i), fmt.Sprintf("Call-ID: call%d", i))
			go Save(b.store, m, udp, Options{}, local, time.Now(), func(o Outcome) { codes <- o.Code })
		}
		for range 10 {
			if code := <-codes; code != 200 {
				t.Errorf("got %d", code)
			}
		}
		if n := b.store.Count(); n != 10 {
			t.Errorf("%d bindings, want 10", n)
		}
	})
}

// BenchmarkSave refreshes the contacts of 10,000 users, from two Call-IDs in turn so that every REGISTER is in order.
func BenchmarkSave(b *testing.B) {
	store := location.New(location.Config{})
	defer store.Close()
	const users = 10_000
	messages := make([]*sip.Message, 2*users)
	for i := range messages {
		user := i % users
		messages[i] = message(b, registerLine,
			fmt.Sprintf("From: <sip:user%d@example.org>;tag=a", user), fmt.Sprintf("To: <sip:user%d@example.org>", user), fmt.Sprintf("Call-ID: call%d", i),
			fmt.Sprintf(`Contact: <sip:user%d@192.0.2.4:5062;ob>;+sip.instance="<urn:uuid:%d>"`, user, user), "User-Agent: Phone/1.0", "Expires: 600")
	}
	b.ReportAllocs()
	inFlight := make(chan struct{}, 256)
	for i := range b.N {
		inFlight <- struct{}{}
		Save(store, messages[i%len(messages)], udp, Options{}, local, time.Now(), func(o Outcome) {
			<-inFlight
			if o.Code != 200 {
				b.Error(o.Code, o.Reason)
			}
		})
	}
	for range cap(inFlight) {
		inFlight <- struct{}{}
	}
}
