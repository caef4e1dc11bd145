//go:build race

package audio

// raceDetector says that allocations are not those of production.
const raceDetector = true
