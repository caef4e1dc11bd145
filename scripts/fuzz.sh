#!/usr/bin/env bash
# Runs every fuzz target of the module for a few seconds: scripts/fuzz.sh [SECONDS]
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-5}
log=$(mktemp)
trap 'rm -f "$log"' EXIT

fuzz() { # PACKAGE TARGET
	if go test -run '^$' -fuzz "^$2\$" -fuzztime "${seconds}s" "$1" >"$log" 2>&1 </dev/null; then
		tail -n 1 "$log"
		return
	fi
	# On a busy machine Go's fuzzer may take its own end of time for a failure. A real one has an input to show.
	if grep -q 'context deadline exceeded' "$log" && ! grep -q 'Failing input written' "$log"; then
		echo "ended late     $1"
		return
	fi
	cat "$log"
	return 1
}

go list -f '{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}} {{.Dir}}{{end}}' ./... | while read -r package folder; do
	for target in $(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' "$folder"/*_test.go); do
		echo "$target"
		fuzz "$package" "$target"
	done
done
