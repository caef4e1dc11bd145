package audio

import "time"

// Activity tells speech from silence, frame by frame: by how far a frame's level stands above a floor that follows the noise of the line. The zero
// value is ready. It belongs to one stream and one goroutine.
type Activity struct {
	// Threshold is the level in dBov above which there is speech. 0 means that it follows the noise: 9 dB above its floor, and never under -55 dBov.
	Threshold float64
	// Hangover is how long speech goes on behind its last loud frame, so that the ends of words and the gaps in them are not silence. 0 means 200 ms.
	Hangover time.Duration

	level  float64       // of the last frame, in dBov
	floor  float64       // of the noise, in dBov
	lowest [2]float64    // the level of the faintest frame in this second and in the one before
	frames int           // of this second
	left   time.Duration // of the hangover
	silent time.Duration
}

const (
	// clearance is by how many dB speech stands above the noise.
	clearance = 9
	// faintest is the level in dBov under which nothing is speech, whatever the floor: above a floor of digital silence the last bit would be.
	faintest = -55
	// highest is the level in dBov above which nothing is noise, so that somebody who never pauses is not taken for it.
	highest = -35
	// hangover is the one where none is asked for.
	hangover = 200 * time.Millisecond
	// memory is how many frames the faintest one is looked for in: a second, in which whoever speaks closes his lips at least once.
	memory = 50
)

// Write takes the next frame, of 20 ms, and reports whether it is speech.
func (a *Activity) Write(frame []int16) bool {
	a.level = Level(frame)
	a.follow()
	loud := a.level >= a.threshold()
	switch {
	case loud:
		if a.left = a.Hangover; a.left == 0 {
			a.left = hangover
		}
		a.silent = 0
		return true
	case a.left > 0:
		a.left -= FrameTime
		a.silent += FrameTime
		return true
	}
	a.silent += FrameTime
	return false
}

// follow keeps the floor at the faintest frame of the last one to two seconds: noise that sets in is known for noise two seconds later, noise that
// ends at once.
func (a *Activity) follow() {
	if a.frames == 0 {
		a.lowest[1], a.lowest[0] = a.lowest[0], a.level
	}
	a.lowest[0] = min(a.lowest[0], a.level)
	a.floor = min(highest, a.lowest[0], a.lowest[1])
	if a.frames++; a.frames == memory {
		a.frames = 0
	}
}

func (a *Activity) threshold() float64 {
	if a.Threshold != 0 {
		return a.Threshold
	}
	return max(faintest, a.floor+clearance)
}

// Level returns the level of the last frame in dBov.
func (a *Activity) Level() float64 { return a.level }

// Silent returns how long it has been since the last loud frame, its hangover included.
func (a *Activity) Silent() time.Duration { return a.silent }
