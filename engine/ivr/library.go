package ivr

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"time"

	"github.com/sipscript/sipscript/engine/audio"
	"github.com/sipscript/sipscript/engine/shard"
	"github.com/sipscript/sipscript/engine/web"
)

const (
	// longestClip is how much sound one file may hold, in samples at its own rate: half an hour at 48 kHz.
	longestClip = 30 * 60 * 48000
	// largestFile bounds a file before it is decoded.
	largestFile = 2*longestClip + 1<<16
	// fresh is how long a file is taken to be what it was.
	fresh = time.Second
)

// Library has the sound of prompts, decoded once and shared by all who play it. It may be used from any goroutine.
type Library struct {
	folders []fs.FS // searched in order
	disk    *shard.Pool
	room    int         // bytes of samples that are kept while nobody plays them
	web     *web.Client // brings pages; nil: there are none

	mu     sync.Mutex
	shelf  map[title]*volume
	taken  int    // bytes of what is on the shelf
	orders uint64 // counts, to know what was asked for last
	asked  map[title][]reader
}

// title is what is asked for.
type title struct {
	path string
	rate int
}

// volume is a clip on the shelf.
type volume struct {
	clip    *audio.Clip
	of      edition
	checked time.Time
	fresh   time.Duration // for how long that counts
	order   uint64
}

// edition tells two contents of one file apart.
type edition struct {
	folder int
	size   int64
	time   time.Time

	tag, modified string // of a page, as its server says
}

// reader waits for a clip.
type reader struct {
	loop *shard.Loop
	done func(*audio.Clip, error)
}

// NewLibrary has clips of files in these folders, of which the first that has a file counts, read in a pool; room bytes
// of samples are kept.
func NewLibrary(disk *shard.Pool, room int, folders ...fs.FS) *Library {
	return &Library{folders: folders, disk: disk, room: room, shelf: map[title]*volume{}, asked: map[title][]reader{}}
}

// Pages has the library fetch pages, too. It is called before anything is asked for.
func (l *Library) Pages(client *web.Client) { l.web = client }

// Clip tells done, on the shard, what a file or a page sounds like at a rate: later, or at once where that is known. The error
// wraps ErrMissing, audio.ErrFormat, audio.ErrTooLong or shard.ErrOverload, is one of package web, or what the system says.
func (l *Library) Clip(loop *shard.Loop, path string, rate int, done func(*audio.Clip, error)) {
	t := title{path, rate}
	l.mu.Lock()
	known := l.shelf[t]
	if known != nil {
		l.orders++
		known.order = l.orders
		if time.Since(known.checked) < known.fresh {
			clip := known.clip
			l.mu.Unlock()
			done(clip, nil)
			return
		}
	}
	first := len(l.asked[t]) == 0
	l.asked[t] = append(l.asked[t], reader{loop, done})
	l.mu.Unlock()
	if !first {
		return
	}
	if l.web != nil && isPage(path) {
		l.fetch(loop, t, known)
		return
	}
	err := loop.Go(shard.NewScope(nil), l.disk, func(context.Context) shard.Outcome {
		clip, err := l.look(t, known)
		l.tell(t, clip, err)
		return shard.Outcome{}
	})
	if err != nil {
		l.tell(t, nil, err)
	}
}

// tell gives everybody who waits what has come of it.
func (l *Library) tell(t title, clip *audio.Clip, err error) {
	l.mu.Lock()
	readers := l.asked[t]
	delete(l.asked, t)
	l.mu.Unlock()
	for _, r := range readers {
		r.loop.Post(func() { r.done(clip, err) })
	}
}

// look reads a file unless it is what is known.
func (l *Library) look(t title, known *volume) (*audio.Clip, error) {
	for i, folder := range l.folders {
		info, err := fs.Stat(folder, t.path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return nil, err
		case !info.Mode().IsRegular():
			return nil, fmt.Errorf("%w: %s is no file", ErrMissing, t.path)
		case info.Size() > largestFile:
			return nil, fmt.Errorf("%s: %w: %d bytes", t.path, audio.ErrTooLong, info.Size())
		}
		is := edition{folder: i, size: info.Size(), time: info.ModTime()}
		if known != nil && known.of == is {
			l.keep(t, known.clip, is)
			return known.clip, nil
		}
		content, err := fs.ReadFile(folder, t.path)
		if err != nil {
			return nil, err
		}
		clip, err := audio.ReadFile(bytes.NewReader(content), t.path, longestClip)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", t.path, err)
		}
		clip = audio.Convert(clip, t.rate)
		l.keep(t, clip, is)
		return clip, nil
	}
	return nil, fmt.Errorf("%w: %s", ErrMissing, t.path)
}

// keep puts a clip on the shelf and takes off it what was asked for least lately.
func (l *Library) keep(t title, clip *audio.Clip, is edition) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if old := l.shelf[t]; old != nil {
		l.drop(t, old)
	}
	l.orders++
	v := &volume{clip: clip, of: is, checked: time.Now(), fresh: fresh, order: l.orders}
	if isPage(t.path) {
		v.fresh = freshPage
	}
	l.shelf[t] = v
	l.taken += bytesOf(clip)
	for l.taken > l.room && len(l.shelf) > 0 {
		oldest, v := title{}, (*volume)(nil)
		for t, other := range l.shelf {
			if v == nil || other.order < v.order {
				oldest, v = t, other
			}
		}
		l.drop(oldest, v)
	}
}

func (l *Library) drop(t title, v *volume) {
	delete(l.shelf, t)
	l.taken -= bytesOf(v.clip)
}

func bytesOf(clip *audio.Clip) int { return 2 * len(clip.Samples) }
