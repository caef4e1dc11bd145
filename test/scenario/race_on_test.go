//go:build race

package scenario

// raceDetector is on: memory is not what it is otherwise.
const raceDetector = true
