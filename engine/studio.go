package engine

import (
	"io/fs"

	"github.com/sipscript/sipscript/engine/ivr"
	"github.com/sipscript/sipscript/engine/shard"
)

// shelf is how many bytes of decoded prompts are kept: an hour of telephone sound.
const shelf = 64 << 20

// openStudio makes what calls are talked to with.
func (e *Engine) openStudio() {
	e.disk = shard.NewPool(8, 4096)
	var folders []fs.FS
	if e.seams.Prompts != nil {
		folders = append(folders, e.seams.Prompts)
	}
	if e.seams.Recordings != nil {
		folders = append(folders, e.seams.Recordings)
	}
	e.speaking = shard.NewPool(4, 1024)
	if e.seams.SpeechCache != nil {
		folders = append(folders, e.seams.SpeechCache)
	}
	e.Studio = &ivr.Studio{Library: ivr.NewLibrary(e.disk, shelf, folders...), Recordings: e.seams.Recordings, Disk: e.disk,
		Speech: ivr.NewSpeech(e.seams.Synthesize, e.seams.SpeechCache, e.speaking)}
	e.Studio.Library.Pages(e.Web)
}
