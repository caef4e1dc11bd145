package config

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sipscript/sipscript/engine/media"
	"github.com/sipscript/sipscript/engine/media/ng"
	"github.com/sipscript/sipscript/engine/proxy"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/transport"
)

// write puts text into sipscript.yaml in a folder of its own and returns its path.
func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sipscript.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// load loads text as the config file.
func load(t *testing.T, text string, listen ...string) *Config {
	t.Helper()
	c, err := Load(write(t, text), Flags{Listen: listen})
	if err != nil {
		t.Fatalf("load:\n%v", err)
	}
	return c
}

func TestNoFileIsTheDefaults(t *testing.T) {
	t.Parallel()
	c, err := Load("", Flags{})
	if err != nil {
		t.Fatal(err)
	}
	if want := Default(); !reflect.DeepEqual(c.Engine, want.Engine) || c.Log != want.Log || len(c.Script) != 0 {
		t.Fatalf("got %+v, want the defaults", c)
	}
	if got := listening(c); got != "udp:0.0.0.0:5060 tcp:0.0.0.0:5060" {
		t.Fatalf("listens on %s", got)
	}
}

func listening(c *Config) string {
	texts := make([]string, len(c.Engine.Listen))
	for i, spec := range c.Engine.Listen {
		texts[i] = spec.String()
	}
	return strings.Join(texts, " ")
}

func TestFileThatSaysNothingIsTheDefaults(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "# nothing yet\n", "{}", "limits:\nregistrar:\n  # max_contacts: 3\n", "listen:\nshards: ~\n", "---\n"} {
		c := load(t, text)
		if want := Default(); !reflect.DeepEqual(c.Engine, want.Engine) || c.Log != want.Log {
			t.Errorf("%q: got %+v, want the defaults", text, c)
		}
	}
}

// everything says each key, none of them as the default.
const everything = `
listen:
  - udp:127.0.0.1:5070
  - {address: "tls:[::1]:0", advertise: "sip.example.org:5061"}
domains: [example.org, example.net]
tls:
  certificates:
    - {cert: cert.pem, key: /etc/sip/key.pem}
  min_version: 1.3
  ca: trusted.pem
  client_ca: clients.pem
limits:
  message: 4096
  headers: 100
  branches: 4
  connections: 1000
  per_source: {connections: 20, requests: 50}
  parked_runs: 5000
  queue: 1000
  answer: 90
timers: {t1: 0.25, t2: 2, t4: 2.5, c: 200.5}
registrar: {default_expires: 600, min_expires: 30, max_expires: 7200, max_contacts: 3}
credentials:
  trunk: {username: office, password: 007}
  spare: {username: "x", password: ""}
emergency: [112, "*911", 112]
media:
  backend: rtpengine
  interfaces:
    - 192.0.2.1
    - {address: "2001:db8::1", advertise: "[2001:db8::2]"}
  ports: 30000-30999
  threads: 3
  timeout: 30
  rtpengine:
    - 192.0.2.9:2223
    - {address: "[2001:db8::9]:2223", weight: 2}
recordings: messages
speech: {command: "espeak-ng --stdin -w {file}", cache: spoken}
api: {listen: "127.0.0.1:8080", account: AC1, token: secret}
cdr: {file: calls.json}
log: {level: debug, format: json}
drain_timeout: 5
shards: 2
script: {greeting: hello, retries: 3, ratio: 0.5, on: true, off: ~, users: [{name: alice}, bob]}
`

func TestEveryKeyIsRead(t *testing.T) {
	t.Parallel()
	path := write(t, everything)
	c, err := Load(path, Flags{})
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	e := &want.Engine
	e.Listen = []transport.ListenSpec{
		{Transport: sip.UDP, Addr: netip.MustParseAddrPort("127.0.0.1:5070")},
		{Transport: sip.TLS, Addr: netip.MustParseAddrPort("[::1]:0"), Advertise: "sip.example.org:5061"},
	}
	e.Domains = []string{"example.org", "example.net"}
	beside := func(name string) string { return filepath.Join(filepath.Dir(path), name) }
	e.TLS = transport.TLSConfig{
		Certificates: []transport.Certificate{{Cert: beside("cert.pem"), Key: "/etc/sip/key.pem"}},
		MinVersion:   "1.3", CA: beside("trusted.pem"), ClientCA: beside("clients.pem"),
	}
	e.Limits.Limits = transport.Limits{Message: 4096, Headers: 100, Connections: 1000, PerSource: transport.PerSource{Connections: 20, Requests: 50}}
	e.Limits.Branches, e.Limits.ParkedRuns, e.Limits.Answer = 4, 5000, 90*time.Second
	e.Timers.T1, e.Timers.T2, e.Timers.T4, e.Timers.C = 250*time.Millisecond, 2*time.Second, 2500*time.Millisecond, 200500*time.Millisecond
	e.Registrar.DefaultExpires, e.Registrar.MinExpires, e.Registrar.MaxExpires, e.Registrar.MaxContacts = 10*time.Minute, 30*time.Second, 2*time.Hour, 3
	e.CDR.File = beside("calls.json")
	e.API.Listen, e.API.Account, e.API.Token = "127.0.0.1:8080", "AC1", "secret"
	e.Credentials = map[string]proxy.Credentials{"trunk": {Username: "office", Password: "007"}, "spare": {Username: "x"}}
	e.Emergency = []string{"112", "*911"}
	m := Media{
		Backend:    "rtpengine",
		Interfaces: []media.Interface{{Address: netip.MustParseAddr("192.0.2.1")}, {Address: netip.MustParseAddr("2001:db8::1"), Advertise: netip.MustParseAddr("2001:db8::2")}},
		Ports:      media.Ports{First: 30000, Last: 30999}, Threads: 3, Timeout: 30 * time.Second,
		Rtpengine: []ng.Node{{Address: netip.MustParseAddrPort("192.0.2.9:2223"), Weight: 1}, {Address: netip.MustParseAddrPort("[2001:db8::9]:2223"), Weight: 2}},
	}
	if !reflect.DeepEqual(c.Media, m) {
		t.Errorf("got  %+v\nwant %+v", c.Media, m)
	}
	e.Shards, e.Queue = 2, 1000
	if !reflect.DeepEqual(c.Engine, *e) {
		t.Errorf("got  %+v\nwant %+v", c.Engine, *e)
	}
	if c.DrainTimeout != 5*time.Second {
		t.Errorf("drain timeout %v", c.DrainTimeout)
	}
	if (c.Log != Log{Level: "debug", Format: "json"}) {
		t.Errorf("log %+v", c.Log)
	}
	script := map[string]any{"greeting": "hello", "retries": 3.0, "ratio": 0.5, "on": true, "off": nil,
		"users": []any{map[string]any{"name": "alice"}, "bob"}}
	if !reflect.DeepEqual(c.Script, script) {
		t.Errorf("script %#v", c.Script)
	}
}

// A key that everything leaves at its default, or a field without a key, would not be tested above.
func TestEveryKeyIsSaidOtherwiseThanItsDefault(t *testing.T) {
	t.Parallel()
	defaults := keys(Default())
	for i, k := range keys(load(t, everything)) {
		if k.value.equal(defaults[i].value) {
			t.Errorf("%s is its default", k.path)
		}
	}
}

func TestEveryFieldHasAKey(t *testing.T) {
	t.Parallel()
	c := Default()
	bound := make(map[any]bool)
	for _, k := range keys(c) {
		bound[k.value.field] = true
	}
	var walk func(path string, v reflect.Value)
	walk = func(path string, v reflect.Value) {
		if bound[v.Addr().Interface()] || path == ".Engine.Log" || path == ".Engine.Fragile" || path == ".Engine.Apart" {
			return
		}
		if v.Kind() != reflect.Struct {
			t.Errorf("no key reads %s", path)
			return
		}
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() {
				walk(path+"."+f.Name, v.Field(i))
			}
		}
	}
	walk("", reflect.ValueOf(c).Elem())
}

func TestProblemsNameTheirLine(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, text string
		want       []string // after "sipscript.yaml:"
	}{
		{"unknown key", "shard: 2\n", []string{"1: unknown key shard, did you mean shards?"}},
		{"swapped letters", "limits:\n  brnaches: 3\n", []string{"2: unknown key limits.brnaches, did you mean limits.branches?"}},
		{"key of another section", "t1: 0.5\n", []string{"1: unknown key t1, did you mean timers.t1?"}},
		{"unknown key far from all", "colour: red\n", []string{"1: unknown key colour"}},
		{"not yet", "redis: {cache: x}\n", []string{"1: unknown key redis"}},
		{"command on two lines", "speech: {command: \"a\\nb\"}\n", []string{"1: speech.command: want a text on one line"}},
		{"interface that is none", "media: {interfaces: [eth0, 0.0.0.0, {address: 10.0.0.1, advertise: \"::1\"}]}\n", []string{
			`1: media.interfaces[0]: want an IP address, got "eth0"`,
			"1: media.interfaces[1]: interface 0.0.0.0 is not one address",
			"1: media.interfaces[2]: ::1 cannot be advertised for 10.0.0.1: another IP version"}},
		{"interface twice", "media: {interfaces: [10.0.0.1, 10.0.0.1]}\n", []string{"1: media.interfaces: 10.0.0.1 is named twice"}},
		{"ports that are none", "media: {ports: 20000}\n", []string{`1: media.ports: want a range of ports of 1024 to 65535 with two in it, as 20000-39999, got "20000"`}},
		{"one port", "media: {ports: 20001-20002}\n", []string{`1: media.ports: want a range of ports of 1024 to 65535 with two in it, as 20000-39999, got "20001-20002"`}},
		{"rtpengine without one", "media: {backend: rtpengine}\n", []string{"1: media.rtpengine: want at least one address for media.backend rtpengine"}},
		{"rtpengine without a port", "media: {backend: rtpengine, rtpengine: [192.0.2.9]}\n", []string{
			`1: media.rtpengine[0]: want an IP address and a port, as 192.0.2.1:2223, got "192.0.2.9"`,
			"1: media.rtpengine: want at least one address for media.backend rtpengine"}},
		{"credentials as text", "credentials: s3cret\n", []string{"1: credentials: want names, each with `{username: …, password: …}`"}},
		{"credentials without a user", "credentials:\n  a: s3cret\n  b: {password: s3cret}\n  c: {username: x, password: [s3cret]}\n  d: {username: \"\", password: x}\n  e: {usrname: x, username: x, password: x}\n", []string{
			"2: credentials.a: want `{username: …, password: …}`",
			"3: credentials.b: username is missing",
			"4: credentials.c.password: want text",
			"5: credentials.d: username is empty",
			"6: unknown key credentials.e.usrname, did you mean credentials.e.username?"}},
		{"emergency number that is none", "emergency: [112, police]\n", []string{`1: emergency[1]: want a number as it is dialled, got "police"`}},
		{"unknown key of a listener", "listen:\n  - {address: \"udp:127.0.0.1:0\", advertize: a.example}\n",
			[]string{"2: unknown key listen[0].advertize, did you mean listen[0].advertise?"}},
		{"section that is none", "limits: 3\n", []string{`1: limits: want keys and values, got "3"`}},
		{"file that is none", "- a\n", []string{"1: the file: want keys and values, got a list"}},
		{"text for a number", "shards: many\n", []string{`1: shards: want a whole number, got "many"`}},
		{"quoted number", "shards: \"2\"\n", []string{`1: shards: want a whole number, got "2"`}},
		{"broken number", "limits: {headers: 20.5}\n", []string{`1: limits.headers: want a whole number, got "20.5"`}},
		{"too small", "limits: {headers: 3}\n", []string{"1: limits.headers: want 16 to 10000, got 3"}},
		{"negative", "limits: {answer: -1}\n", []string{"1: limits.answer: want 1 to 86400 seconds, got -1"}},
		{"infinite", "limits: {answer: .inf, message: .nan}\n", []string{
			`1: limits.answer: want seconds as a number, got ".inf"`,
			`1: limits.message: want a whole number, got ".nan"`}},
		{"unit", "drain_timeout: 30s\n", []string{`1: drain_timeout: want seconds as a number, got "30s"`}},
		{"Timer C of RFC 3261 §16.6(11)", "timers: {c: 180}\n", []string{"1: timers.c: want 180.001 to 86400 seconds, got 180"}},
		{"no such word", "log: {level: verbose}\n", []string{`1: log.level: want one of debug, info, warn, error, got "verbose"`}},
		{"retired TLS", "tls: {min_version: \"1.1\"}\n", []string{`1: tls.min_version: want one of 1.2, 1.3, got "1.1"`}},
		{"domain with a scheme", "domains: [\"sip:example.org\"]\n", []string{`1: domains[0]: want a host name, got "sip:example.org"`}},
		{"no transport", "listen: [\"sctp:0.0.0.0:5060\"]\n", []string{`1: listen[0]: listen "sctp:0.0.0.0:5060": transport "sctp" is not udp, tcp or tls`}},
		{"nowhere to listen", "listen: []\n", []string{"1: listen: want at least one address to listen on"}},
		{"TLS without certificate", "listen:\n  - udp:127.0.0.1:0\n  - tls:127.0.0.1:0\n",
			[]string{"3: tls:127.0.0.1:0 needs a certificate: give tls.certificates in the config file"}},
		{"listener twice", "listen:\n  - udp:127.0.0.1:5060\n  - udp:127.0.0.1:5060\n", []string{"3: udp:127.0.0.1:5060 is listened on twice"}},
		{"certificate without key", "tls:\n  certificates:\n    - cert: a.pem\n", []string{"3: tls.certificates[0]: key is missing"}},
		{"certificate as text", "tls: {certificates: [a.pem]}\n", []string{`1: tls.certificates[0]: want keys and values, got "a.pem"`}},
		{"script that is a list", "script: [1]\n", []string{"1: script: want keys and values, got a list"}},
		{"expiries out of order", "registrar: {min_expires: 100, max_expires: 50}\n", []string{"1: registrar.max_expires: 50 is less than registrar.min_expires, 100"}},
		{"default expiry too long", "registrar:\n  max_expires: 600\n", []string{
			"2: registrar.default_expires: 3600 is not between registrar.min_expires, 60, and registrar.max_expires, 600"}},
		{"timers out of order", "timers:\n  t1: 5\n", []string{"2: timers.t2: 4 is less than timers.t1, 5"}},
		{"alias", "domains: &d [a.example]\nscript: {d: *d}\n", []string{`1: domains: want a list, got an anchor`, "2: script.d: want text, a number, true or false, a list, or keys and values, got an alias"}},
		{"second document", "shards: 1\n---\nshards: 2\n", []string{"3: a config file is one YAML document, this is another"}},
		{"broken YAML", "shards: 1\nlisten: [\n", []string{"2: sequence end token ']' not found"}},
		{"key twice", "shards: 1\nshards: 2\n", []string{`2: mapping key "shards" already defined at [1:1]`}},
		{"all at once, by line", "timers: {t1: 5}\nshard: 2\nlog: {level: x}\n", []string{
			"1: timers.t2: 4 is less than timers.t1, 5",
			"2: unknown key shard, did you mean shards?",
			`3: log.level: want one of debug, info, warn, error, got "x"`}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			path := write(t, tc.text)
			_, err := Load(path, Flags{})
			var problems Problems
			if !errors.As(err, &problems) {
				t.Fatalf("got %v, want Problems", err)
			}
			want := path + ":" + strings.Join(tc.want, "\n"+path+":")
			if err.Error() != want {
				t.Errorf("got\n%v\nwant\n%s", err, want)
			}
		})
	}
}

func TestFileThatCannotBeReadIsNamed(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "none.yaml")
	_, err := Load(path, Flags{})
	if err == nil || err.Error() != path+": cannot be read: no such file or directory" {
		t.Fatalf("got %v", err)
	}
}

func TestListenFlagsReplaceTheFilesListeners(t *testing.T) {
	t.Parallel()
	c := load(t, "listen: [\"udp:127.0.0.1:1\", \"tls:127.0.0.1:2\"]\n", "tcp:127.0.0.1:0", "udp:[::1]:5070")
	if got := listening(c); got != "tcp:127.0.0.1:0 udp:[::1]:5070" {
		t.Fatalf("listens on %s", got)
	}
}

func TestProblemsOfListenFlagsNameTheFlag(t *testing.T) {
	t.Parallel()
	_, err := Load("", Flags{Listen: []string{"5060", "tls:127.0.0.1:0"}})
	want := "--listen 5060: listen \"5060\": want transport:address:port\n" +
		"--listen tls:127.0.0.1:0: tls:127.0.0.1:0 needs a certificate: give tls.certificates in the config file"
	if err == nil || err.Error() != want {
		t.Fatalf("got\n%v\nwant\n%s", err, want)
	}
}

func FuzzLoadSaysWhatIsWrong(f *testing.F) {
	f.Add(everything)
	f.Add("a: &x 1\nb: *x\n<<: {c: !!str 5}\n? [k]\n: |\n  text\n--- \n...\n")
	f.Add("listen: {address: [1]}\ntls: {certificates: {cert: ~}}\nscript: {? {} : 1}\n")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := parse("sipscript.yaml", []byte(text), Flags{})
		if err == nil && len(c.Engine.Listen) == 0 {
			t.Fatal("accepted a config that listens nowhere")
		}
		var problems Problems
		if err != nil && (!errors.As(err, &problems) || len(problems) == 0) {
			t.Fatalf("got %v, want Problems", err)
		}
	})
}

func TestMediaFlagsTakeThePlaceOfTheFilesInterfaces(t *testing.T) {
	t.Parallel()
	path := write(t, "media: {interfaces: [192.0.2.1, 192.0.2.2]}\n")
	c, err := Load(path, Flags{Media: []string{"192.0.2.9", "[2001:db8::1]"}})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, in := range c.Media.Interfaces {
		got = append(got, in.Address.String())
	}
	if want := []string{"192.0.2.9", "2001:db8::1"}; !slices.Equal(got, want) {
		t.Errorf("interfaces %v, want %v", got, want)
	}
	_, err = Load("", Flags{Media: []string{"here", "0.0.0.0"}})
	if err == nil || !strings.Contains(err.Error(), "--media here: want an IP address") || !strings.Contains(err.Error(), "--media 0.0.0.0: ") {
		t.Errorf("error %v", err)
	}
}
