package ivr

import "errors"

var (
	// ErrPrompt says that what is to be played is written wrongly; the text says how.
	ErrPrompt = errors.New("no prompt")
	// ErrMissing says that there is no such file.
	ErrMissing = errors.New("no such file")
	// ErrOutside says that a path leads out of the folder that it has to stay in.
	ErrOutside = errors.New("outside of its folder")
	// ErrUnheard says that nothing can be played to the call and nothing of it heard now: it was not answered and has no early
	// media, or no codec that this server speaks was agreed.
	ErrUnheard = errors.New("the call has no audio with this server")
	// ErrNoFolder says that there is no folder for recordings.
	ErrNoFolder = errors.New("there is no folder for recordings")
	// ErrSlow says that what was heard could not be written in time.
	ErrSlow = errors.New("the disk is too slow")
	// ErrNoSpeech says that nothing turns text into speech here.
	ErrNoSpeech = errors.New("no speech is configured")
	// ErrSpeech says that what turns text into speech has failed.
	ErrSpeech = errors.New("speech has failed")
	// ErrNoRoom says that nobody is in that room.
	ErrNoRoom = errors.New("nobody is in that room")
	// ErrNoMember says that a call is not in that room.
	ErrNoMember = errors.New("the call is not in that room")
	// ErrPin says that the PIN is not that of the room.
	ErrPin = errors.New("that is not the PIN of the room")
	// ErrFull says that no more calls may come in.
	ErrFull = errors.New("there is no room for another call")
	// ErrTaken says that a call is in that slot already.
	ErrTaken = errors.New("a call is in that slot already")
	// ErrEmpty says that no call is in that slot.
	ErrEmpty = errors.New("no call is in that slot")
	// ErrLate says that nobody came in time.
	ErrLate = errors.New("nobody came in time")
	// ErrNoAgents says that nobody has logged in to serve the queue.
	ErrNoAgents = errors.New("nobody serves the queue")
	// ErrNoAgent says that an agent has not logged in to the queue.
	ErrNoAgent = errors.New("the agent has not logged in to the queue")
)
