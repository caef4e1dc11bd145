//go:build race

package digest

// The race detector allocates where the program does not.
const raceEnabled = true
