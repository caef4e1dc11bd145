package web

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sipscript/sipscript/engine/shard"
)

// silent never answers.
type silent struct{}

func (silent) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// onShard runs a shard in a bubble.
func onShard(t *testing.T) *shard.Shard[int] {
	t.Helper()
	s := shard.New(shard.Config[int]{Flush: func() bool { return false }})
	quit := make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() { s.Run(quit) })
	t.Cleanup(func() { close(quit); running.Wait() })
	return s
}

// What waits for its turn waits no longer than it was told to, and what finds no room is told at once.
func TestCrowdedClientKeepsItsTimes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, pool := onShard(t), shard.NewPool(1, 1)
		c := NewClient(silent{}, pool)
		var ended []string
		start := time.Now()
		ask := func(name string, timeout time.Duration) (cancel func()) {
			return c.Do(&s.Loop, Request{URL: "http://www/", Timeout: timeout}, func(_ *Response, err error) {
				for _, e := range []error{ErrTimeout, shard.ErrOverload} {
					if errors.Is(err, e) {
						ended = append(ended, name+" "+e.Error()+" "+time.Since(start).Round(time.Second).String())
					}
				}
			})
		}
		s.Post(func() {
			ask("first", 8*time.Second)
			ask("second", 2*time.Second)
			ask("third", time.Second)
		})
		time.Sleep(20 * time.Second)
		s.Post(func() {
			cancel := ask("cancelled", time.Second)
			cancel()
		})
		time.Sleep(20 * time.Second)
		synctest.Wait()
		want := []string{"third " + shard.ErrOverload.Error() + " 0s", "second " + ErrTimeout.Error() + " 2s", "first " + ErrTimeout.Error() + " 8s"}
		if strings.Join(ended, "; ") != strings.Join(want, "; ") {
			t.Errorf("%q, want %q", ended, want)
		}
		pool.Close()
	})
}

func TestClientAsksRealServers(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/again" {
			http.Redirect(w, r, "/", http.StatusFound)
			return
		}
		w.Header().Set("X-Agent", r.UserAgent())
		_, _ = w.Write([]byte("hello"))
	}))
	t.Cleanup(server.Close)
	c := NewClient(http.DefaultTransport, nil)
	answer, err := c.ask(context.Background(), &Request{URL: server.URL + "/again"})
	if err != nil || answer.Status != 200 || string(answer.Body) != "hello" || answer.URL != server.URL+"/" || answer.Header.Get("X-Agent") != "sipscript" {
		t.Errorf("%+v, %v", answer, err)
	}
	server.Close()
	if _, err := c.ask(context.Background(), &Request{URL: server.URL}); !errors.Is(err, ErrUnreachable) {
		t.Errorf("a server that is gone: %v", err)
	}
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	for address, good := range map[string]bool{"http://x": true, "https://x:8443/a?b": true, "ftp://x": false, "http:///a": false, "": false, "x": false, "http://%zz": false} {
		if err := CheckURL(address); (err == nil) != good || err != nil && !errors.Is(err, ErrAddress) {
			t.Errorf("%q: %v", address, err)
		}
	}
}
