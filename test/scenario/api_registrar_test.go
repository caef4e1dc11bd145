package scenario

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sipscript/sipscript/engine"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
)

// saving plays with a script that saves registrations with these options and logs what came of it.
func saving(t *testing.T, options string, o Options, f func(t *testing.T, s *siptest.Scene, srv *Server, alice *siptest.UA)) {
	t.Helper()
	withAlice(t, `
		sip.on("REGISTER", function(req)
			local targets, err = registrar.save(req`+options+`)
			log.info("saved", { count = targets and #targets, first = targets and targets[1], cause = err and err.cause, code = err and err.code })
		end)`, o, f)
}

func TestRegistrarSave(t *testing.T) {
	saving(t, "", Options{}, func(t *testing.T, s *siptest.Scene, srv *Server, alice *siptest.UA) {
		got := alice.Register("", "")
		if contact, _ := got.Value(sip.Contact); got.Status() != 200 || !strings.Contains(contact, "expires=3600") {
			t.Errorf("got\n%v", got)
		}
		alice.Register("", "<sip:alice@192.0.2.11>;q=0.5")
		if !srv.logged("msg=saved", "count=1", "first=sip:alice@192.0.2.10:5060") || !srv.logged("msg=saved", "count=2") {
			t.Errorf("the script sees something else:\n%s", srv.Log)
		}
		if got := alice.Register("", "", siptest.Header("Expires", "30")); got.Status() != 423 {
			t.Errorf("too short: %d", got.Status())
		}
		if !srv.logged("msg=saved", "cause=rejected", "code=423") {
			t.Errorf("the script sees something else:\n%s", srv.Log)
		}
		alice.Register("", "*", siptest.Header("Expires", "0"))
		if !srv.logged("msg=saved", "count=0") {
			t.Errorf("the script sees something else:\n%s", srv.Log)
		}
	})
}

func TestRegistrarSaveExpires(t *testing.T) {
	saving(t, ", { min_expires = 10, max_expires = 100, default_expires = 50 }", Options{}, func(t *testing.T, s *siptest.Scene, _ *Server, alice *siptest.UA) {
		for asked, want := range map[string]string{"": "expires=50", ";expires=20": "expires=20", ";expires=5000": "expires=100", ";expires=5": ""} {
			got := alice.Register("", "<sip:alice@192.0.2.10>"+asked)
			contact, _ := got.Value(sip.Contact)
			if (got.Status() == 200) != (want != "") || !strings.Contains(contact, want) {
				t.Errorf("%q: %d %s", asked, got.Status(), contact)
			}
		}
	})
}

func TestRegistrarSaveFull(t *testing.T) {
	for _, c := range []struct {
		options string
		status  int
		left    []string
	}{
		{", { max_contacts = 1 }", 403, nil},
		{", { max_contacts = 1, when_full = 'refuse' }", 403, nil},
		{", { max_contacts = 1, when_full = 'replace' }", 200, []string{"sip:alice@192.0.2.12"}},
		{", { max_contacts = 2 }", 200, []string{"sip:alice@192.0.2.11", "sip:alice@192.0.2.12"}},
	} {
		t.Run(c.options, func(t *testing.T) {
			saving(t, c.options, Options{}, func(t *testing.T, s *siptest.Scene, _ *Server, alice *siptest.UA) {
				alice.Register("", "<sip:alice@192.0.2.11>")
				time.Sleep(time.Second)
				got := alice.Register("", "<sip:alice@192.0.2.12>")
				var left []string
				if contacts, err := got.Contacts(); err == nil {
					for _, contact := range contacts {
						left = append(left, contact.URI.String())
					}
				}
				slices.Sort(left)
				if got.Status() != c.status || !slices.Equal(left, c.left) {
					t.Errorf("%d %q, want %d %q", got.Status(), left, c.status, c.left)
				}
			})
		})
	}
}

func TestRegistrarSaveTakesDefaultsFromTheConfig(t *testing.T) {
	o := Options{Engine: engine.Config{Registrar: engine.Registrar{DefaultExpires: 70 * time.Second, MaxContacts: 1}}}
	saving(t, "", o, func(t *testing.T, s *siptest.Scene, _ *Server, alice *siptest.UA) {
		got := alice.Register("", "")
		if contact, _ := got.Value(sip.Contact); !strings.Contains(contact, "expires=70") {
			t.Errorf("Contact %s", contact)
		}
		if got := alice.Register("", "<sip:alice@192.0.2.11>"); got.Status() != 403 {
			t.Errorf("a contact too many: %d", got.Status())
		}
	})
}

func TestRegistrarSaveForAnother(t *testing.T) {
	for options, want := range map[string]int{"": 403, ", { third_party = true }": 200} {
		t.Run(options, func(t *testing.T) {
			saving(t, options, Options{}, func(t *testing.T, s *siptest.Scene, _ *Server, alice *siptest.UA) {
				got := alice.Register("sip:bob@192.0.2.1", "", siptest.Set("From", "<sip:alice@192.0.2.1>;tag=1"))
				if got.Status() != want {
					t.Errorf("got %d, want %d", got.Status(), want)
				}
			})
		})
	}
}

func TestRegistrarSavePath(t *testing.T) {
	for options, want := range map[string]int{"": 420, ", { path = true }": 200} {
		t.Run(options, func(t *testing.T) {
			saving(t, options, Options{}, func(t *testing.T, s *siptest.Scene, _ *Server, alice *siptest.UA) {
				if got := alice.Register("", "", siptest.Header("Path", "<sip:192.0.2.50;lr>")); got.Status() != want {
					t.Errorf("without Supported: %d, want %d", got.Status(), want)
				}
				if got := alice.Register("", "", siptest.Header("Path", "<sip:192.0.2.50;lr>"), siptest.Header("Supported", "path")); got.Status() != 200 {
					t.Errorf("with Supported: %d", got.Status())
				}
			})
		})
	}
}

func TestRegistrarUsesThatAreRefused(t *testing.T) {
	raises(t, Options{}, []example{
		{"registrar.save()", "registrar.save: bad argument #1 (request expected, got nil)", nil},
		{"registrar.save(req)", "registrar.save: bad argument #1 (REGISTER expected, got OPTIONS)", nil},
		{"registrar.save('x')", "registrar.save: bad argument #1 (request expected, got string)", nil},
		{"registrar.save(req, { max_contact = 1 })", "registrar.save: bad argument #2 (unknown option 'max_contact' (did you mean 'max_contacts'?))", nil},
		{"registrar.save(req, { max_contacts = 1.5 })", "registrar.save: bad argument #2 (option 'max_contacts': integer expected, got number)", nil},
		{"registrar.save(req, { max_contacts = 0 })", "registrar.save: bad argument #2 (option 'max_contacts': at least 1 expected, got 0)", nil},
		{"registrar.save(req, { when_full = 'drop' })", "registrar.save: bad argument #2 (option 'when_full': unknown value 'drop' (known: refuse, replace))", nil},
		{"registrar.save(req, { min_expires = '1h' })", "registrar.save: bad argument #2 (option 'min_expires': seconds expected, got string)", nil},
	})
}

func TestSavingTwiceRaises(t *testing.T) {
	withAlice(t, `
		sip.on("REGISTER", function(req)
			registrar.save(req)
			local ok, err = pcall(registrar.save, req)
			log.info("again", { ok = ok, err = err })
		end)`, Options{}, func(t *testing.T, s *siptest.Scene, srv *Server, alice *siptest.UA) {
		alice.Register("", "")
		settle()
		if !srv.logged("msg=again", "ok=false", "registrar.save: the request has been answered") {
			t.Errorf("the second one did not raise:\n%s", srv.Log)
		}
	})
}

const aorScript = `
	sip.on("REGISTER", function(req) registrar.save(req) end)
	sip.on("MESSAGE", function(req)
		local words = {}
		for i, t in ipairs(location.lookup(req.uri)) do words[i] = tostring(t) .. " " .. t.q end
		req:reply(200, { body = table.concat(words, ", ") .. " " .. tostring(location.known(req.uri)) .. " " .. location.count() })
	end)`

func TestLocationLookup(t *testing.T) {
	withAlice(t, aorScript, Options{Engine: engine.Config{Domains: []string{"example.org"}}}, func(t *testing.T, s *siptest.Scene, _ *Server, alice *siptest.UA) {
		look := func(uri, want string) {
			t.Helper()
			if got := string(alice.Final(alice.Request("MESSAGE", uri)).Body()); got != want {
				t.Errorf("%s: %q, want %q", uri, got, want)
			}
		}
		look("sip:alice@example.org", " false 0")
		alice.Register("sip:alice@example.org", "<sip:alice@192.0.2.11>;q=0.25")
		alice.Register("sip:alice@example.org", "<sip:alice@192.0.2.12>")
		all := "sip:alice@192.0.2.12 1, sip:alice@192.0.2.11 0.25 true 2"
		look("sip:alice@example.org", all)
		look("sip:alice@EXAMPLE.ORG;x=y", all) // parameters are no part of it (RFC 3261 §10.3)
		look("sip:%61lice@example.org", all)
		look("sip:alice@192.0.2.1", all) // an own address is the domain
		look("sip:Alice@example.org", " false 2")
		alice.Register("sip:alice@example.org", "*", siptest.Header("Expires", "0"))
		look("sip:alice@example.org", " true 0") // known, but not there
	})
}

// A phone that sleeps is woken by a push and registers: whoever calls it waits for that.
func TestLocationWait(t *testing.T) {
	script := `
		sip.on("REGISTER", function(req) registrar.save(req) end)
		sip.on("MESSAGE", function(req)
			defer(function() log.info("through", { call = req.call_id }) end)
			local phones, err = location.wait(req.uri, 10)
			if not phones then return req:reply(480, err.cause) end
			req:reply(200, #phones .. " " .. phones[1].uri)
		end)
		sip.on("INVITE", function(req)
			location.wait(req.uri, 600)
			log.error("not unwound")
		end)`
	play(t, script, Options{}, func(t *testing.T, s *siptest.Scene, srv *Server) {
		alice, bob := alice(s), bob(s)
		came := func(within time.Duration, want string) {
			t.Helper()
			if got := alice.Expect("2xx", within).Reason(); got != want {
				t.Errorf("told %q, want %q", got, want)
			}
		}
		alice.Request("MESSAGE", "sip:bob@192.0.2.1")
		alice.Request("MESSAGE", "sip:bob@192.0.2.1;x=y")
		alice.ExpectNone(3 * time.Second)
		alice.Register("sip:alice@192.0.2.1", "") // somebody else
		alice.ExpectNone(soon)
		bob.Register("sip:bob@192.0.2.1", "<sip:bob@192.0.2.20>")
		came(soon, "1 sip:bob@192.0.2.20")
		came(soon, "1 sip:bob@192.0.2.20")

		alice.Request("MESSAGE", "sip:bob@192.0.2.1")
		alice.ExpectNone(2 * time.Second) // what is there already is not what it waits for
		bob.Register("sip:bob@192.0.2.1", "<sip:bob@192.0.2.20>")
		came(soon, "1 sip:bob@192.0.2.20") // a renewal counts

		alice.Request("MESSAGE", "sip:bob@192.0.2.1")
		bob.Register("sip:bob@192.0.2.1", "*", siptest.Header("Expires", "0"))
		alice.ExpectNone(9*time.Second, "2xx", "4xx")
		if got := alice.Expect("480", 2*time.Second).Reason(); got != "timeout" {
			t.Errorf("told %q when nobody came", got)
		}

		sent := alice.Request("INVITE", "sip:bob@192.0.2.1")
		alice.Expect("100", time.Second)
		alice.CANCEL(sent)
		alice.Expect("200 CANCEL", soon)
		alice.ACK(alice.Expect("487", soon))
		bob.Register("sip:bob@192.0.2.1", "<sip:bob@192.0.2.20>")
		time.Sleep(time.Second)
		if strings.Contains(srv.Log.String(), "not unwound") {
			t.Error("the handler went on after its caller had gone")
		}
	})
}

func TestTargetFields(t *testing.T) {
	withAlice(t, `
		sip.on("REGISTER", function(req)
			local t = registrar.save(req)[1]
			log.info("target", { uri = t.uri, q = t.q, path = table.concat(t.path, " "), received = t.received, transport = t.transport, ua = t.user_agent,
				instance = t.instance, expires = t.expires, text = "to " .. t, same = t.uri == tostring(t) })
			for _, use in ipairs { function() return t.url end, function() t.uri = "sip:x@y" end } do
				local ok, err = pcall(use)
				log.info("used", { err = err })
			end
		end)`, Options{}, func(t *testing.T, s *siptest.Scene, srv *Server, alice *siptest.UA) {
		alice.Register("", `<sip:alice@192.0.2.10:5060;transport=udp?X-H=1>;+sip.instance="<urn:uuid:1>";expires=90`, siptest.Header("User-Agent", "phone/1"),
			siptest.Header("Path", "<sip:192.0.2.50;lr>"), siptest.Header("Supported", "path"))
		settle()
		if !srv.logged("msg=target", "uri=\"sip:alice@192.0.2.10:5060;transport=udp\"", "q=1", "path=<sip:192.0.2.50;lr>", "received=192.0.2.10:5060", "transport=udp", "ua=phone/1",
			"instance=", "urn:uuid:1", "expires=90", `text="to sip:alice@192.0.2.10:5060;transport=udp"`, "same=true") {
			t.Errorf("the script sees something else:\n%s", srv.Log)
		}
		if !srv.logged("msg=used", "target: unknown field 'url' (did you mean 'uri'?)") || !srv.logged("msg=used", "target: field 'uri' cannot be written") {
			t.Errorf("wrong use was allowed:\n%s", srv.Log)
		}
	})
}

func TestLocationIsWrittenByHand(t *testing.T) {
	returns(t, Options{}, []example{
		{`local function list(aor) local n = {} for i, t in ipairs(location.lookup(aor)) do n[i] = tostring(t) end table.sort(n) return table.concat(n, ",") end
			local aor = "sip:gate@192.0.2.1"
			local before = location.count()
			local a, b = location.add(aor, "sip:a@192.0.2.90"), location.add(aor, "sip:b@192.0.2.91", 10)
			local both = list(aor)
			location.add(aor, "sip:a@192.0.2.90", 20)
			local renewed = #location.bindings(aor)
			sleep(12)
			local one = list(aor)
			local gone = location.remove(aor, "sip:a@192.0.2.90")
			local none = #location.lookup(aor)
			location.add(aor, "sip:c@192.0.2.92") location.add(aor, "sip:d@192.0.2.92")
			location.remove(aor, location.lookup(aor)[1])
			local left = #location.lookup(aor)
			location.remove(aor)
			return a, b, both, renewed, one, gone, none, left, #location.lookup(aor), location.count() - before`,
			"true true sip:a@192.0.2.90,sip:b@192.0.2.91 2 sip:a@192.0.2.90 true 0 1 0 0", nil},
		{`location.add("sip:x@192.0.2.1", "sip:1@192.0.2.90") location.add("sip:y@192.0.2.1", "sip:2@192.0.2.90") location.add("sip:y@192.0.2.1", "sip:3@192.0.2.90")
			local n, some = 0, 0
			location.each(function(aor, targets) n = n + #targets end)
			location.each(function() some = some + 1 return false end)
			return n, some`, "3 1", nil},
		{`local first
			location.each(function(aor, targets) first = first or aor sleep(0.1) location.remove(aor) end)
			return type(first), location.count()`, "string 0", nil},
	})
}

func TestLocationUsesThatAreRefused(t *testing.T) {
	raises(t, Options{}, []example{
		{"location.lookup()", "location.lookup: bad argument #1 (URI expected, got nil)", nil},
		{"location.lookup('bob')", `location.lookup: bad argument #1 ("bob" is no URI)`, nil},
		{"location.known({})", "location.known: bad argument #1 (URI expected, got table)", nil},
		{"location.add('sip:a@b')", "location.add: bad argument #2 (URI expected, got nil)", nil},
		{"location.add('sip:a@b', 'x')", `location.add: bad argument #2 ("x" is no URI)`, nil},
		{"location.add('sip:a@b', 'sip:c@d', -5)", "location.add: bad argument #3 (seconds, 0 or more, expected)", nil},
		{"location.remove()", "location.remove: bad argument #1 (URI expected, got nil)", nil},
		{"location.each()", "location.each: bad argument #1 (function expected, got no value)", nil},
		{"location.add('sip:a@192.0.2.1', 'sip:a@b') location.each(function() error('stop', 0) end)", "(no position) stop", nil},
	})
}
