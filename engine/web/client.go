package web

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/sipscript/sipscript/engine/shard"
)

const (
	// DefaultTimeout is how long a request may take.
	DefaultTimeout = 10 * time.Second
	// LargestBody bounds answers, in bytes.
	LargestBody = 10 << 20
	// mostRedirects is how often a request is sent on.
	mostRedirects = 3
)

// Request is what is asked of a server.
type Request struct {
	Method  string // "": GET
	URL     string // that CheckURL accepts
	Header  http.Header
	Body    []byte
	Timeout time.Duration // for all of it; 0: DefaultTimeout
}

// Response is what it has answered.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
	URL    string // which has answered, behind redirections
}

// Client asks servers. Any shard may use it.
type Client struct {
	http http.Client
	pool *shard.Pool
}

// NewClient has requests made by transport, in a pool.
func NewClient(transport http.RoundTripper, pool *shard.Pool) *Client {
	return &Client{http: http.Client{Transport: transport, CheckRedirect: follow}, pool: pool}
}

func follow(r *http.Request, before []*http.Request) error {
	if len(before) > mostRedirects || r.URL.Scheme != "http" && r.URL.Scheme != "https" {
		return ErrRedirects
	}
	return nil
}

// CheckURL reports whether an address can be asked, which an error that wraps ErrAddress explains.
func CheckURL(address string) error {
	u, err := url.Parse(address)
	switch {
	case err != nil:
		return fmt.Errorf("%w: %q", ErrAddress, address)
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return fmt.Errorf("%w: %q: http:// or https:// and a host expected", ErrAddress, address)
	}
	return nil
}

// Do asks, and tells done on the shard, once and later, unless it is cancelled before. Every answer is good, whatever its status;
// the error wraps one of the package's, or is shard.ErrOverload or shard.ErrClosed.
func (c *Client) Do(loop *shard.Loop, r Request, done func(*Response, error)) (cancel func()) {
	scope := shard.NewScope(nil)
	// The time runs while the request waits for its turn in the pool, too.
	timeout := cmp.Or(r.Timeout, DefaultTimeout)
	timer := loop.After(timeout, func() {
		if !scope.Closed() {
			scope.Close()
			done(nil, fmt.Errorf("%w: %s", ErrTimeout, timeout))
		}
	})
	end := func(answer *Response, err error) {
		timer.Stop()
		scope.Close()
		done(answer, err)
	}
	err := loop.Go(scope, c.pool, func(ctx context.Context) shard.Outcome {
		answer, err := c.ask(ctx, &r)
		return shard.Outcome{Deliver: func() { end(answer, err) }}
	})
	if err != nil {
		loop.Post(func() {
			if !scope.Closed() {
				end(nil, err)
			}
		})
	}
	return func() {
		timer.Stop()
		scope.Close()
	}
}

func (c *Client) ask(ctx context.Context, r *Request) (*Response, error) {
	request, err := http.NewRequestWithContext(ctx, cmp.Or(r.Method, http.MethodGet), r.URL, bytes.NewReader(r.Body))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAddress, err)
	}
	for name, values := range r.Header {
		request.Header[name] = values
	}
	if host := request.Header.Get("Host"); host != "" {
		request.Host = host
	}
	if request.Header.Get("User-Agent") == "" {
		request.Header.Set("User-Agent", "sipscript")
	}
	answer, err := c.http.Do(request)
	switch {
	case errors.Is(err, ErrRedirects):
		return nil, fmt.Errorf("%w: %s", ErrRedirects, r.URL)
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(answer.Body, LargestBody+1))
	switch {
	case len(body) > LargestBody:
		return nil, fmt.Errorf("%w: %s: more than %d bytes", ErrTooLarge, r.URL, LargestBody)
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	return &Response{Status: answer.StatusCode, Header: answer.Header, Body: body, URL: answer.Request.URL.String()}, nil
}
