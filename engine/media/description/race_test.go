//go:build race

package description

const raceEnabled = true
