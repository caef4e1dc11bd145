//go:build race

package location

// The race detector allocates where the program does not.
const raceEnabled = true
