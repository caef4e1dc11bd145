package stream

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/coder/websocket"
)

// longestMessage bounds what an agent can say at once: ten minutes of Twilio's format.
const longestMessage = 8 << 20

// CheckURL reports whether an address can be one of an agent, which an error that wraps ErrAddress explains.
func CheckURL(address string) error {
	u, err := url.Parse(address)
	switch {
	case err != nil:
		return fmt.Errorf("%w: %q", ErrAddress, address)
	case u.Scheme != "ws" && u.Scheme != "wss" || u.Host == "":
		return fmt.Errorf("%w: %q: ws:// or wss:// and a host expected", ErrAddress, address)
	}
	return nil
}

// Dial is the Dialer of real connections, opened by transport; nil: http.DefaultTransport.
func Dial(transport http.RoundTripper) Dialer {
	return dialer{&http.Client{Transport: transport}}
}

type dialer struct{ client *http.Client }

func (d dialer) Dial(ctx context.Context, address string, header http.Header) (Conn, error) {
	c, response, err := websocket.Dial(ctx, address, &websocket.DialOptions{HTTPClient: d.client, HTTPHeader: header})
	switch {
	case err == nil:
		c.SetReadLimit(longestMessage)
		return connection{c}, nil
	case ctx.Err() != nil:
		return nil, fmt.Errorf("%w: %s", ErrTimeout, address)
	case response != nil:
		return nil, fmt.Errorf("%w: %s: %s", ErrRefused, address, response.Status)
	}
	return nil, fmt.Errorf("%w: %w", ErrUnreachable, err)
}

type connection struct{ c *websocket.Conn }

func (c connection) Read() (bool, []byte, error) {
	kind, b, err := c.c.Read(context.Background())
	if err == nil {
		return kind == websocket.MessageBinary, b, nil
	}
	switch websocket.CloseStatus(err) {
	case websocket.StatusNormalClosure, websocket.StatusGoingAway, websocket.StatusNoStatusRcvd:
		return false, nil, ErrClosed
	}
	var closed websocket.CloseError
	if errors.As(err, &closed) {
		return false, nil, fmt.Errorf("%w: closed with %d %q", ErrLost, closed.Code, closed.Reason)
	}
	return false, nil, fmt.Errorf("%w: %w", ErrLost, err)
}

func (c connection) Write(ctx context.Context, binary bool, message []byte) error {
	kind := websocket.MessageText
	if binary {
		kind = websocket.MessageBinary
	}
	if err := c.c.Write(ctx, kind, message); err != nil {
		return fmt.Errorf("%w: %w", ErrLost, err)
	}
	return nil
}

func (c connection) Close() { _ = c.c.Close(websocket.StatusNormalClosure, "") }
func (c connection) Abort() { _ = c.c.CloseNow() }
