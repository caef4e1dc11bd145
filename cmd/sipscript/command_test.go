package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const answersOptions = `sip.on("OPTIONS", function(req) req:reply(200) end)` + "\n"

// write puts text into a file of this name in a folder of its own and returns its path.
func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestExitCodesAndWhereTheOutputGoes(t *testing.T) {
	t.Parallel()
	good := write(t, "good.lua", answersOptions)
	broken := write(t, "broken.lua", "local a\nlocal x = = 1\n")
	fails := write(t, "fails.lua", "local a\nerror('no database')\n")
	settings := write(t, "settings.lua", "assert(config.greeting == 'hello', 'greeting')\n"+answersOptions)
	goodConfig := write(t, "good.yaml", "script: {greeting: hello}\n")
	badConfig := write(t, "bad.yaml", "shard: 2\nlog: {level: loud}\n")

	for _, tc := range []struct {
		name           string
		args           []string
		code           int
		stdout, stderr string // what must be in it; "" that it is empty
	}{
		{"no command", nil, 2, "", "a command is missing: run, check or version\nSee \"sipscript --help\"."},
		{"unknown command", []string{"chekc"}, 2, "", `unknown command "chekc", did you mean "check"?`},
		{"unknown flag", []string{"run", "--lisen", "x", good}, 2, "", "unknown flag: --lisen\nSee \"sipscript run --help\"."},
		{"flag without value", []string{"run", good, "--config"}, 2, "", "flag needs an argument: --config"},
		{"no script", []string{"run"}, 2, "", "want one SCRIPT, got 0 arguments\nSee \"sipscript run --help\"."},
		{"two scripts", []string{"check", good, good}, 2, "", "want one SCRIPT, got 2 arguments"},
		{"version with argument", []string{"version", "x"}, 2, "", `want no arguments, got ["x"]`},
		{"listen without port", []string{"run", "--listen", "5060", good}, 2, "", `--listen 5060: listen "5060": want transport:address:port`},
		{"TLS without certificate", []string{"run", "--listen", "tls:127.0.0.1:0", good}, 2, "", "tls:127.0.0.1:0 needs a certificate"},
		{"run with a wrong config", []string{"run", "--config", badConfig, good}, 2, "",
			badConfig + ":1: unknown key shard, did you mean shards?\n" + badConfig + ":2: log.level: want one of"},
		{"check with a wrong config", []string{"check", "--config", badConfig, good}, 2, "", badConfig + ":1: unknown key shard"},
		{"config that is not there", []string{"check", "--config", badConfig + "x", good}, 2, "", badConfig + "x: cannot be read: no such file"},
		{"run a broken script", []string{"run", broken}, 1, "", "broken.lua:2: "},
		{"run a script that is not there", []string{"run", broken + "x"}, 1, "", "broken.luax: "},
		{"check a good script", []string{"check", good}, 0, good + ": ok\n", ""},
		{"check a broken script", []string{"check", broken}, 1, "broken.lua:2: ", ""},
		{"check a script that fails as it loads", []string{"check", fails}, 1, "fails.lua:2: no database", ""},
		{"check with the script's settings", []string{"check", "--config", goodConfig, settings}, 0, ": ok\n", ""},
		{"check without the script's settings", []string{"check", settings}, 1, "greeting", ""},
		{"version", []string{"version"}, 0, "sipscript devel (go1.", ""},
		{"help", []string{"--help"}, 0, "sipscript check --config sipscript.yaml office.lua", ""},
		{"help of run", []string{"run", "--help"}, 0, "sipscript run --listen udp:127.0.0.1:0 office.lua", ""},
		{"help of check", []string{"help", "check"}, 0, "Usage:\n  sipscript check [--config FILE] SCRIPT\n", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var stdout, stderr bytes.Buffer
			code := execute(tc.args, &stdout, &stderr)
			if code != tc.code {
				t.Errorf("exit code %d, want %d", code, tc.code)
			}
			contains(t, "stdout", stdout.String(), tc.stdout)
			contains(t, "stderr", stderr.String(), tc.stderr)
		})
	}
}

func contains(t *testing.T, name, got, want string) {
	t.Helper()
	if want == "" && got != "" || !strings.Contains(got, want) {
		t.Errorf("%s is\n%s\nwant %q", name, got, want)
	}
}
