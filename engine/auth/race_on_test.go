//go:build race

package auth

// The race detector allocates where the program does not.
const raceEnabled = true
