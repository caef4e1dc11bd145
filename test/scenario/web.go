package scenario

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Pages are what other servers answer, by method and URL, as in "GET http://www.example.org/x". They need no socket.
type Pages map[string]func(r *http.Request, body string) *http.Response

// RoundTrip implements http.RoundTripper.
func (p Pages) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
		_ = r.Body.Close()
	}
	page := p[r.Method+" "+r.URL.String()]
	if page == nil {
		return nil, io.ErrUnexpectedEOF
	}
	answer := page(r, string(body))
	answer.Request = r
	return answer, r.Context().Err()
}

// Page is an answer.
func Page(status int, body string, header ...string) *http.Response {
	h := http.Header{}
	for i := 0; i < len(header); i += 2 {
		h.Add(header[i], header[i+1])
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body)), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}
}

// after answers when so much time has passed, or the client has gone.
func after(d time.Duration, page func(r *http.Request, body string) *http.Response) func(r *http.Request, body string) *http.Response {
	return func(r *http.Request, body string) *http.Response {
		select {
		case <-time.After(d):
		case <-r.Context().Done():
		}
		return page(r, body)
	}
}

// requests counts what was asked, and how.
type requests struct {
	mu  sync.Mutex
	all []string
}

func (q *requests) add(what string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.all = append(q.all, what)
}

func (q *requests) String() string {
	q.mu.Lock()
	defer q.mu.Unlock()
	return strings.Join(q.all, "; ")
}
