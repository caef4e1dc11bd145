//go:build race

package transaction

const raceEnabled = true
