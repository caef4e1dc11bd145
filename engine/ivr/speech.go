package ivr

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/sipscript/sipscript/engine/shard"
)

// speakingTime is how long a text may take to become speech.
const speakingTime = 10 * time.Second

// longestSpeech bounds what a speech command may bring, in bytes.
const longestSpeech = 32 << 20

// Words are a text to be spoken.
type Words struct {
	Text            string
	Voice, Language string // as the command or service knows them; "": its own
}

// Synthesize turns words into a file of sound, a WAV. It blocks, until ctx ends at the latest.
type Synthesize func(ctx context.Context, w Words) ([]byte, error)

// Speech turns text into files, once for each text. It may be used from any goroutine.
type Speech struct {
	make  Synthesize // nil: there is none
	cache Folder
	pool  *shard.Pool

	mu    sync.Mutex // a leaf
	asked map[string][]listener
}

// listener waits for a file.
type listener struct {
	loop *shard.Loop
	done func(path string, err error)
}

// NewSpeech keeps in a folder what synthesize makes, in a pool. Without synthesize every text is refused with ErrNoSpeech.
func NewSpeech(synthesize Synthesize, cache Folder, pool *shard.Pool) *Speech {
	return &Speech{make: synthesize, cache: cache, pool: pool, asked: map[string][]listener{}}
}

// File tells done, on the shard, where in the folder a text is spoken. The error wraps ErrNoSpeech, ErrSpeech or
// shard.ErrOverload, or is what the system says.
func (s *Speech) File(loop *shard.Loop, w Words, done func(path string, err error)) {
	if s == nil || s.make == nil {
		loop.Post(func() { done("", ErrNoSpeech) })
		return
	}
	path := w.path()
	s.mu.Lock()
	first := len(s.asked[path]) == 0
	s.asked[path] = append(s.asked[path], listener{loop, done})
	s.mu.Unlock()
	if !first {
		return
	}
	err := loop.Go(shard.NewScope(nil), s.pool, func(ctx context.Context) shard.Outcome {
		s.tell(path, s.speak(ctx, path, w))
		return shard.Outcome{}
	})
	if err != nil {
		s.tell(path, err)
	}
}

func (s *Speech) tell(path string, err error) {
	s.mu.Lock()
	listeners := s.asked[path]
	delete(s.asked, path)
	s.mu.Unlock()
	for _, l := range listeners {
		l.loop.Post(func() { l.done(path, err) })
	}
}

// path is another one for each text and way to speak it.
func (w *Words) path() string {
	sum := sha256.Sum256([]byte(w.Voice + "\x00" + w.Language + "\x00" + w.Text))
	return hex.EncodeToString(sum[:]) + ".wav"
}

// speak makes the file unless it is there.
func (s *Speech) speak(ctx context.Context, path string, w Words) error {
	if _, err := fs.Stat(s.cache, path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, speakingTime)
	defer cancel()
	sound, err := s.make(limited, w)
	switch {
	case limited.Err() != nil:
		return fmt.Errorf("%w: nothing in %v", ErrSpeech, speakingTime)
	case err != nil:
		return fmt.Errorf("%w: %w", ErrSpeech, err)
	case len(sound) == 0:
		return fmt.Errorf("%w: it has brought nothing", ErrSpeech)
	}
	draft, err := s.cache.Create(path)
	if err != nil {
		return err
	}
	if _, err := draft.Write(sound); err != nil {
		draft.Drop()
		return err
	}
	return draft.Keep()
}

// Command is a Synthesize that runs a program: its words are parted by blanks, {voice} and {language} stand for these,
// {file} for the file to write; without {file} the sound is what it prints. It reads the text from its input, which is no
// place for an option.
func Command(line string) Synthesize {
	return func(ctx context.Context, w Words) ([]byte, error) {
		dir, err := os.MkdirTemp("", "speech-")
		if err != nil {
			return nil, err
		}
		defer func() { _ = os.RemoveAll(dir) }()
		file := dir + "/speech.wav"
		words := strings.Fields(line)
		named := false
		for i, word := range words {
			named = named || strings.Contains(word, "{file}")
			words[i] = strings.NewReplacer("{voice}", w.Voice, "{language}", w.Language, "{file}", file).Replace(word)
		}
		c := exec.CommandContext(ctx, words[0], words[1:]...) //nolint:gosec // the command is the administrator's, what a script says is never an option
		c.Stdin = strings.NewReader(w.Text)
		c.WaitDelay = time.Second // a child of its own may keep its output open
		var printed, complaint bounded
		c.Stdout, c.Stderr = &printed, &complaint
		if err := c.Run(); err != nil {
			return nil, fmt.Errorf("%s: %w: %s", words[0], err, complaint.line())
		}
		if !named {
			return printed.Bytes(), nil
		}
		return os.ReadFile(file)
	}
}

// bounded keeps the beginning of what is printed.
type bounded struct{ bytes.Buffer }

// Write implements io.Writer.
func (b *bounded) Write(p []byte) (int, error) {
	if b.Len()+len(p) > longestSpeech {
		return 0, io.ErrShortBuffer
	}
	return b.Buffer.Write(p)
}

// line is its first line.
func (b *bounded) line() string {
	text, _, _ := strings.Cut(strings.TrimSpace(b.String()), "\n")
	return text[:min(len(text), 200)]
}
