package ivr

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/sipscript/sipscript/engine/audio"
	"github.com/sipscript/sipscript/engine/web"
)

// Prompt is what is played to a call: pieces, one after the other.
type Prompt []Piece

// Piece is one part of a prompt, as a script writes it.
type Piece struct {
	kind   kind
	text   string // of a file its path, of a page its address
	words  Words
	tone   audio.Tone
	length time.Duration
}

// kind is where the sound of a piece is from.
type kind uint8

const (
	silence kind = iota // none, for length
	tone
	file // in the folder of the script or among the recordings
	page // http or https
	speech
)

// longestSilence is what a script can mean by one.
const longestSilence = time.Hour

// ParsePrompt reads what a script has written:
//
//	prompts/hello.wav      a file: WAV, MP3, or raw by its extension
//	tone:425/1000,0/4000   a tone, see audio.ParseTone
//	silence:1.5            seconds of it
//	say:1234               a number, digits, a date, see Spoken; say-zh: in Chinese
//	https://…/hello.wav    fetched, and kept
//
// The error wraps ErrPrompt, or ErrOutside for a path that leads out of its folder.
func ParsePrompt(texts ...string) (Prompt, error) {
	var p Prompt
	for _, what := range texts {
		scheme, rest, _ := strings.Cut(what, ":")
		if scheme == "say" || strings.HasPrefix(scheme, "say-") {
			_, language, given := strings.Cut(scheme, "-")
			if !given {
				language = "en"
			}
			files, err := Spoken(language, rest)
			if err != nil {
				return nil, err
			}
			for _, path := range files {
				p = append(p, Piece{kind: file, text: path})
			}
			continue
		}
		piece, err := parsePiece(what)
		if err != nil {
			return nil, err
		}
		p = append(p, piece)
	}
	return p, nil
}

// Say is a prompt that speaks.
func Say(w Words) Prompt { return Prompt{{kind: speech, words: w}} }

func parsePiece(what string) (Piece, error) {
	scheme, rest, found := strings.Cut(what, ":")
	switch {
	case found && scheme == "silence":
		seconds, err := strconv.ParseFloat(rest, 64)
		if err != nil || !(seconds >= 0 && seconds <= longestSilence.Seconds()) {
			return Piece{}, fmt.Errorf("%w: %q: seconds up to %g expected", ErrPrompt, what, longestSilence.Seconds())
		}
		return Piece{kind: silence, length: time.Duration(seconds * float64(time.Second))}, nil
	case found && scheme == "tone":
		t, err := audio.ParseTone(rest)
		if err != nil {
			return Piece{}, fmt.Errorf("%w: %w", ErrPrompt, err)
		}
		return Piece{kind: tone, tone: t}, nil
	case found && (scheme == "http" || scheme == "https"):
		if err := web.CheckURL(what); err != nil {
			return Piece{}, fmt.Errorf("%w: %w", ErrPrompt, err)
		}
		return Piece{kind: page, text: what}, nil
	case what == "":
		return Piece{}, fmt.Errorf("%w: the name of a file expected", ErrPrompt)
	}
	path, err := inside(what)
	return Piece{kind: file, text: path}, err
}

// beep is what is heard before a recording.
func beep() Prompt {
	p, err := ParsePrompt("tone:beep")
	if err != nil {
		panic(err) // audio has a tone of this name
	}
	return p
}

// inside is a path, with slashes, that leads nowhere else but into its folder.
func inside(path string) (string, error) {
	clean := filepath.Clean(filepath.FromSlash(path))
	if path == "" || clean == "." || !filepath.IsLocal(clean) {
		return "", fmt.Errorf("%w: %q", ErrOutside, path)
	}
	return filepath.ToSlash(clean), nil
}

// InFolder is a path, with slashes, of a recording. The error wraps ErrOutside for one that leads out of the folder.
func InFolder(path string) (string, error) { return inside(path) }
