package ivr

import (
	"github.com/sipscript/sipscript/engine/shard"
)

// Studio is what calls are talked to with: the sound of prompts, the folder of recordings. It may be used from any
// goroutine.
type Studio struct {
	Library *Library
	// Recordings is where these are written.
	Recordings Folder
	// Speech speaks what is text.
	Speech *Speech
	// Disk is where files are read and written.
	Disk *shard.Pool

	halls []*Hall
	at    func(name string) int
}
