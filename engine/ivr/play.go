package ivr

import (
	"sync/atomic"
	"time"

	"github.com/sipscript/sipscript/engine/audio"
	"github.com/sipscript/sipscript/engine/call"
	"github.com/sipscript/sipscript/engine/media"
	"github.com/sipscript/sipscript/engine/shard"
)

// PlayOptions say how a prompt is played.
type PlayOptions struct {
	Turns  int     // how often; 0: for ever
	Volume float64 // in decibels; 0: as it is
}

// Played is how a prompt has ended.
type Played struct {
	By     string        // one of the words below
	Length time.Duration // of what was sent
}

// The words of Played.By.
const (
	ByEnd      = "end"      // all of it was played
	ByReplaced = "replaced" // by a newer prompt
	ByStopped  = "stopped"  // by whoever has begun it
)

// party is what this server does with the peer of a leg by itself. It belongs to the leg's shard.
type party struct {
	turns  uint64       // prompts that were begun
	plays  *performance // the last one that was loaded; it may be over
	musics uint64       // kinds of music that were asked for
	meets  bool         // it is in a room, a queue or a slot
	room   string       // that it is in or on its way to; "": in none

	music, front media.Source // what is heard behind prompts: the front where there is one
}

func partyOf(c *call.Call) *party { return c.Party(func() any { return new(party) }).(*party) }

// performance is a prompt on its way to a peer. It belongs to the leg's shard, but for what its reel says.
type performance struct {
	call    *call.Call
	turn    uint64
	done    func(Played, error)
	voice   media.Voice // while it plays
	stopped bool
	ended   atomic.Bool // the pacer has read all of it
	forget  func()
}

// Play plays a prompt to the peer of c, on whose shard it is called and calls done once, later. A newer one takes the place of one that plays.
// The error is call.ErrOver when the leg has ended, ErrUnheard, or what Library.Clip says. stop ends it within one packet.
func (s *Studio) Play(c *call.Call, what Prompt, o PlayOptions, done func(Played, error)) (stop func()) {
	at := partyOf(c)
	at.turns++
	p := &performance{call: c, turn: at.turns, done: done}
	voice, rate, err := voiceOf(c)
	if err != nil {
		p.later(Played{}, err)
		return func() {}
	}
	p.forget = c.AtEnd(p.lose)
	s.load(c.Loop(), what, rate, func(tracks []track, err error) {
		switch {
		case p.done == nil:
		case err != nil:
			p.finish(Played{}, err)
		case at.turns != p.turn:
			p.finish(Played{By: ByReplaced}, nil)
		default:
			p.play(voice, &reel{tracks: tracks, turns: o.Turns, gain: gainOf(o.Volume), over: &p.ended})
		}
	})
	return p.stop
}

// voiceOf is the voice of this server in a leg, and the rate it speaks at.
func voiceOf(c *call.Call) (media.Voice, int, error) {
	voice, err := c.Voice()
	if err != nil {
		return nil, 0, err
	}
	_, rate := voice.Codec()
	if rate == 0 {
		return nil, 0, ErrUnheard
	}
	return voice, rate, nil
}

func (p *performance) play(voice media.Voice, r *reel) {
	p.voice = voice
	partyOf(p.call).plays = p
	voice.Play(r, func(length time.Duration) {
		p.call.On(func(*call.Call) {
			by := ByReplaced
			switch {
			case p.ended.Load():
				by = ByEnd
			case p.stopped:
				by = ByStopped
			}
			p.finish(Played{by, length}, nil)
		})
	})
}

func (p *performance) stop() {
	p.stopped = true
	switch {
	case p.voice == nil:
		p.finish(Played{By: ByStopped}, nil)
	case p.done != nil && partyOf(p.call).plays == p:
		p.voice.Interrupt()
	}
}

func (p *performance) finish(how Played, err error) {
	if p.forget != nil {
		p.forget()
	}
	if done := p.done; done != nil {
		p.done = nil
		done(how, err)
	}
}

// later is finish for what has failed at once: done is never called before Play has returned.
func (p *performance) later(how Played, err error) {
	p.call.On(func(*call.Call) { p.finish(how, err) })
}

// lose is told that the leg has ended. Whoever waits learns it behind the events of the leg: a script's handler of the
// hang-up begins before the wait of its flow is over.
func (p *performance) lose() { p.later(Played{}, call.ErrOver) }

// track begins the sound of one piece.
type track func() media.Source

// load finds the sound of all pieces of a prompt, and tells done on the shard.
func (s *Studio) load(loop *shard.Loop, what Prompt, rate int, done func([]track, error)) {
	tracks, left := make([]track, len(what)), 1
	var failed error
	ready := func(i int, t track, err error) {
		if i >= 0 {
			tracks[i] = t
		}
		if failed == nil {
			failed = err
		}
		if left--; left == 0 {
			done(tracks, failed)
		}
	}
	for i := range what {
		left++
		s.piece(loop, &what[i], rate, func(t track, err error) { ready(i, t, err) })
	}
	ready(-1, nil, nil)
}

// piece finds the sound of one piece.
func (s *Studio) piece(loop *shard.Loop, p *Piece, rate int, done func(track, error)) {
	switch p.kind {
	case silence:
		length := p.length
		done(func() media.Source { return &hush{length} }, nil)
	case tone:
		t := p.tone
		done(func() media.Source { return t.Source() }, nil)
	case speech:
		s.Speech.File(loop, p.words, func(path string, err error) {
			if err != nil {
				done(nil, err)
				return
			}
			s.clip(loop, path, rate, done)
		})
	case file, page:
		s.clip(loop, p.text, rate, done)
	}
}

// clip finds the sound of a file.
func (s *Studio) clip(loop *shard.Loop, path string, rate int, done func(track, error)) {
	s.Library.Clip(loop, path, rate, func(clip *audio.Clip, err error) {
		done(func() media.Source { return &cursor{clip: clip} }, err)
	})
}
