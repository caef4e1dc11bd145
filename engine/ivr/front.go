package ivr

import (
	"github.com/sipscript/sipscript/engine/call"
	"github.com/sipscript/sipscript/engine/media"
)

// Front has src heard whenever no prompt is, in the place of music, until back is called. On the shard of the leg.
func Front(c *call.Call, voice media.Voice, src media.Source) (back func()) {
	at := partyOf(c)
	at.front = src
	at.settle(voice)
	return func() {
		if at.front == src {
			at.front = nil
			at.settle(voice)
		}
	}
}

// settle has heard what there is to be heard behind prompts.
func (p *party) settle(voice media.Voice) {
	if p.front != nil {
		voice.Background(p.front)
		return
	}
	voice.Background(p.music)
}
