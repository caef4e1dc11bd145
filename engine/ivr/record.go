package ivr

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sipscript/sipscript/engine/audio"
	"github.com/sipscript/sipscript/engine/call"
	"github.com/sipscript/sipscript/engine/shard"
)

// RecordOptions say what is recorded, and until when.
type RecordOptions struct {
	Beep         bool          // is heard before
	MaxTime      time.Duration // 0: as long as the call lasts
	Silence      time.Duration // ends it; 0: no silence does
	SilenceLevel float64       // in dBov, below which there is silence; 0: it follows the noise of the line
	Encoding     audio.Encoding
	Conversation bool // both sides, not the peer alone
	Stereo       bool // these in channels of their own
}

// Recorded is how a recording has ended.
type Recorded struct {
	Path   string
	Length time.Duration
	By     string // one of the words below, or what Stop was told
}

// The words of Recorded.By.
const (
	BySilence = "silence"
	ByLimit   = "limit"
	ByCaller  = "caller" // the leg has ended
)

// Recording is a recording under way. It belongs to the shard of its leg, or of its room.
//
//	state     event                     → state     actions
//	opening   file made                   running   the beep, then the voice is heard
//	running   a second heard              running   it is written, in the disk pool
//	opening,
//	running   Stop, end of the leg, limit
//	          silence                     closing   what is left is written, the file gets its name
//	any       an error, a slow disk       over      the file is forgotten
//	closing   file named                  over
type Recording struct {
	studio  *Studio
	loop    *shard.Loop
	listen  func() (stop func()) // to what is recorded
	beep    func(then func(error)) (stop func())
	options RecordOptions
	path    string
	done    func(Recorded, error)

	tape    *tape
	draft   Draft
	file    *audio.WAVWriter // touched by what is written alone, one at a time
	writing bool
	ended   string // why; "": not yet
	over    bool   // done was told
	silence func() // stops the beep
	deafen  func() // stops listening
	forget  func() // of the end of the leg
}

// Record records what the peer of c says, or the conversation, into a WAV file of the recordings. It is called on the shard of the leg,
// and tells done there once, later, when the file is there under its name or there will be none. The error wraps ErrOutside, or is
// call.ErrOver, ErrUnheard, ErrSlow, shard.ErrOverload or what the system says.
func (s *Studio) Record(c *call.Call, path string, o RecordOptions, done func(Recorded, error)) *Recording {
	r := &Recording{studio: s, loop: c.Loop(), options: o, path: path, done: done}
	voice, rate, err := voiceOf(c)
	if err != nil {
		r.later(err)
		return r
	}
	r.listen = func() func() {
		if o.Conversation {
			return voice.Tap(stereoTape{r.tape})
		}
		return voice.Listen(r.tape)
	}
	r.beep = func(then func(error)) func() {
		return s.Play(c, beep(), PlayOptions{Turns: 1}, func(_ Played, err error) { then(err) })
	}
	r.forget = c.AtEnd(func() { r.Stop(ByCaller) })
	r.start(rate)
	return r
}

// recordRoom records what is said in a room, on whose shard it is called.
func (s *Studio) recordRoom(in *room, path string, o RecordOptions, done func(Recorded, error)) *Recording {
	r := &Recording{studio: s, loop: in.hall.loop, options: o, path: path, done: done}
	r.listen = func() func() { return in.mix.Listen(r.tape) }
	r.start(in.rate())
	return r
}

// start makes the file.
func (r *Recording) start(rate int) {
	o := &r.options
	r.tape = &tape{rate: rate, longest: o.MaxTime, silence: o.Silence, mixed: o.Conversation && !o.Stereo, notify: r.signalled}
	r.tape.voice.Threshold = o.SilenceLevel
	r.writing = true
	r.work(func() error { return r.open(rate) }, r.begin)
}

// Stop ends it; by is what Recorded will say.
func (r *Recording) Stop(by string) {
	if r.ended != "" || r.over {
		return
	}
	r.ended = by
	r.hush()
	r.flush()
}

// Pause leaves out what is said until it goes on.
func (r *Recording) Pause(on bool) {
	if r.tape != nil {
		r.tape.pause(on)
	}
}

// open begins the file. In the pool.
func (r *Recording) open(rate int) (err error) {
	if r.studio.Recordings == nil {
		return ErrNoFolder
	}
	if r.draft, err = r.studio.Recordings.Create(r.path); err != nil {
		return fmt.Errorf("recording %s: %w", r.path, err)
	}
	format := audio.WAVFormat{Rate: rate, Channels: r.channels(), Encoding: r.options.Encoding}
	r.file, err = audio.NewWAVWriter(r.draft, format)
	return err
}

func (r *Recording) channels() int {
	if r.options.Conversation && r.options.Stereo {
		return 2
	}
	return 1
}

// begin listens, behind the beep where there is one.
func (r *Recording) begin() {
	listen := func() {
		if r.ended == "" && !r.over {
			r.deafen = r.listen()
		}
	}
	if !r.options.Beep || r.ended != "" {
		listen()
		return
	}
	r.silence = r.beep(func(err error) {
		r.silence = nil
		if err != nil && r.ended == "" && !r.over {
			r.fail(err)
			return
		}
		listen()
	})
}

// hush ends what goes on with the peer.
func (r *Recording) hush() {
	for _, stop := range []*func(){&r.silence, &r.deafen, &r.forget} {
		if fn := *stop; fn != nil {
			*stop = nil
			fn()
		}
	}
}

// signalled is called by the pacer.
func (r *Recording) signalled(s signal) {
	r.loop.Post(func() {
		switch s {
		case due:
			r.flush()
		case quiet:
			r.Stop(BySilence)
		case full:
			r.Stop(ByLimit)
		case lost:
			if r.ended == "" { // else all there is to write has been taken
				r.fail(ErrSlow)
			}
		}
	})
}

// flush writes what there is, and names the file behind the last of it.
func (r *Recording) flush() {
	if r.writing || r.over {
		return
	}
	last := r.ended != ""
	samples := r.tape.wind(last)
	r.writing = true
	r.work(func() error {
		if err := write(r.file, samples, r.channels()); err != nil || !last {
			return err
		}
		if err := r.file.Finish(); err != nil {
			return fmt.Errorf("write recording: %w", err)
		}
		draft := r.draft
		r.draft = nil
		return draft.Keep()
	}, func() {
		if last {
			r.finish(Recorded{r.path, r.tape.played(), r.ended}, nil)
		}
	})
}

// work does something with the file in the pool, and goes on with then unless it has failed.
func (r *Recording) work(do func() error, then func()) {
	err := r.loop.Go(shard.NewScope(nil), r.studio.Disk, func(context.Context) shard.Outcome {
		err := do()
		return shard.Outcome{Deliver: func() { r.worked(err, then) }}
	})
	if err != nil {
		r.loop.Post(func() { r.worked(err, then) })
	}
}

func (r *Recording) worked(err error, then func()) {
	r.writing = false
	switch {
	case r.over:
		r.drop()
	case err != nil:
		r.fail(err)
	default:
		then()
		if r.ended != "" && !r.over {
			r.flush()
		}
	}
}

// fail ends it without a file. It is told at once: what is being written may take for ever, and is forgotten afterwards.
func (r *Recording) fail(err error) {
	r.finish(Recorded{}, err)
	if !r.writing {
		r.drop()
	}
}

// drop forgets the file, in the pool as well: it is tried until there is room in it, or there is no pool any more.
func (r *Recording) drop() {
	draft := r.draft
	if draft == nil {
		return
	}
	err := r.loop.Go(shard.NewScope(nil), r.studio.Disk, func(context.Context) shard.Outcome {
		draft.Drop()
		return shard.Outcome{}
	})
	if errors.Is(err, shard.ErrOverload) {
		r.loop.After(time.Second, r.drop)
		return
	}
	r.draft = nil
}

func (r *Recording) finish(how Recorded, err error) {
	r.over = true
	r.hush()
	if done := r.done; done != nil {
		r.done = nil
		done(how, err)
	}
}

func (r *Recording) later(err error) {
	r.ended = ByStopped
	r.loop.Post(func() { r.finish(Recorded{}, err) })
}
