package ivr

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/sipscript/sipscript/engine/audio"
	"github.com/sipscript/sipscript/engine/shard"
	"github.com/sipscript/sipscript/engine/web"
)

// freshPage is how long a page is taken to be what it was. Then its server is asked whether it still is.
const freshPage = time.Minute

// isPage tells the address of a page from the path of a file.
func isPage(path string) bool {
	return strings.HasPrefix(path, "http://") || strings.HasPrefix(path, "https://")
}

// fetch asks for a page, and decodes it in the pool for files. A page that cannot be had now sounds as it did before, if it
// is known: a prompt of yesterday is better than none.
func (l *Library) fetch(loop *shard.Loop, t title, known *volume) {
	r := web.Request{URL: t.path, Header: http.Header{"Accept": {"audio/wav, audio/mpeg, audio/*;q=0.9, */*;q=0.1"}}}
	if known != nil {
		for field, value := range map[string]string{"If-None-Match": known.of.tag, "If-Modified-Since": known.of.modified} {
			if value != "" {
				r.Header.Set(field, value)
			}
		}
	}
	failed := func(err error) {
		if known == nil {
			l.tell(t, nil, err)
			return
		}
		l.keep(t, known.clip, known.of)
		l.tell(t, known.clip, nil)
	}
	l.web.Do(loop, r, func(answer *web.Response, err error) {
		switch {
		case err != nil:
			failed(err)
			return
		case known != nil && answer.Status == http.StatusNotModified:
			l.keep(t, known.clip, known.of)
			l.tell(t, known.clip, nil)
			return
		case answer.Status != http.StatusOK:
			failed(fmt.Errorf("%w: %s is answered %d", ErrMissing, t.path, answer.Status))
			return
		}
		err = loop.Go(shard.NewScope(nil), l.disk, func(context.Context) shard.Outcome {
			clip, err := l.decode(t, answer)
			l.tell(t, clip, err)
			return shard.Outcome{}
		})
		if err != nil {
			failed(err)
		}
	})
}

// decode makes a clip of what a server has answered. In the pool.
func (l *Library) decode(t title, answer *web.Response) (*audio.Clip, error) {
	clip, err := audio.ReadFile(bytes.NewReader(answer.Body), pageName(answer), longestClip)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", t.path, err)
	}
	clip = audio.Convert(clip, t.rate)
	l.keep(t, clip, edition{tag: answer.Header.Get("ETag"), modified: answer.Header.Get("Last-Modified")})
	return clip, nil
}

// pageName is the name of a page as that of a file: its extension may say what is in it.
func pageName(answer *web.Response) string {
	u, err := url.Parse(answer.URL)
	if err != nil {
		return ""
	}
	return u.Path
}
