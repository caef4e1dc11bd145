//go:build race

package media

// raceDetector says that allocations are not those of production.
const raceDetector = true
