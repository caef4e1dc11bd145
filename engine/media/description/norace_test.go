//go:build !race

package description

const raceEnabled = false
