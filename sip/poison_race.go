//go:build race

package sip

// Under the race detector released messages are overwritten and never used again, so that a use after Release fails at its first read.
const poison = true
