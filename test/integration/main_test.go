//go:build integration && linux

// Package integration runs the server as a process of its own and real SIP programs against it: baresip, linphone, SIPp, sipsak. Everything stays on
// loopback; ports are picked by the system; whatever a test starts, it stops by its process id.
package integration

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// program is the server built from this tree, or the one that -sipscript names.
var program = flag.String("sipscript", "", "program file of the server; empty: build it")

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(buildAndRun(m))
}

func buildAndRun(m *testing.M) int {
	if *program != "" {
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "sipscript-integration-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	*program = filepath.Join(dir, "sipscript")
	build := exec.Command("go", "build", "-o", *program, "../../cmd/sipscript")
	build.Stdout, build.Stderr = os.Stderr, os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "building the server:", err)
		return 1
	}
	return m.Run()
}

// needs skips the test where a program cannot be had, and says so where nobody overlooks it.
func needs(t *testing.T, name, debianPackage string) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		loudSkip(t, fmt.Sprintf("%s is not installed: apt-get install --no-install-recommends %s", name, debianPackage))
	}
}

func loudSkip(t *testing.T, why string) {
	t.Helper()
	fmt.Fprintf(os.Stderr, "\n********\n  SKIPPED, so NOT TESTED: %s\n  %s\n********\n\n", t.Name(), why)
	t.Skip(why)
}
