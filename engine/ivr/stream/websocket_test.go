package stream

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// serve has a bot behind real sockets, and returns its address.
func serve(t *testing.T, bot func(ctx context.Context, c *websocket.Conn)) string {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer x" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		c.SetReadLimit(1 << 20)
		bot(ctx, c)
	}))
	t.Cleanup(func() { cancel(); s.Close() })
	return "ws" + strings.TrimPrefix(s.URL, "http") + "/media"
}

// connect runs a link to an address; speak is called when it is up, and what the link comes to is returned.
func connect(t *testing.T, address string, speak func(l *link)) error {
	t.Helper()
	o := &Options{URL: address, Header: http.Header{"Authorization": {"Bearer x"}}}
	l := &link{dialer: Dial(nil), options: o, format: twilio{}, names: Names{Stream: "MZ1", Call: "aa1"}, outbox: newOutbox(twilio{})}
	l.playout = newPlayout(twilio{}, func(name string) { l.outbox.tell(itemMark, name) })
	up := make(chan struct{}, 1)
	l.connected = func() { up <- struct{}{} }
	stop, cancel := context.WithCancel(context.Background())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- l.run(stop, context.Background()) }()
	select {
	case <-up:
		speak(l)
		cancel()
	case err := <-ended:
		return err
	}
	select {
	case err := <-ended:
		return err
	case <-time.After(30 * time.Second):
		t.Fatal("the link does not end")
		return nil
	}
}

// until waits for what has to come over real sockets.
func until(t *testing.T, what string, there func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !there(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s does not come", what)
		}
	}
}

func heldBy(p *playout) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.held
}

func TestAgentBehindRealSocketsEchoes(t *testing.T) {
	t.Parallel()
	told := make(chan string, 256)
	address := serve(t, func(ctx context.Context, c *websocket.Conn) {
		for {
			_, m, err := c.Read(ctx)
			if err != nil {
				close(told)
				return
			}
			var e struct{ Event string }
			if err := json.Unmarshal(m, &e); err != nil {
				t.Errorf("%s: %v", m, err)
			}
			told <- e.Event
			if e.Event == "media" {
				_ = c.Write(ctx, websocket.MessageText, m) // what it was told has all that it has to say
			}
		}
	})
	const frames = 50
	frame := make([]int16, 160)
	for i := range frame {
		frame[i] = int16(100 * i)
	}
	err := connect(t, address, func(l *link) {
		for range frames {
			l.outbox.Write(frame, 8000)
		}
		until(t, "the echo", func() bool { return heldBy(l.playout) == frames*160 })
		heard, want := make([]int16, 160), make([]int16, 160)
		coded := twilio{}.encode(nil, frame)
		twilio{}.decode(want, coded)
		for range frames {
			if l.playout.Read(heard, 8000); !bytes.Equal(twilio{}.encode(nil, heard), coded) {
				t.Fatalf("heard %v, want %v", heard, want)
			}
		}
	})
	if err != nil {
		t.Error(err)
	}
	var events []string
	for e := range told {
		events = append(events, e)
	}
	if len(events) != frames+3 || events[0] != "connected" || events[1] != "start" || events[len(events)-1] != "stop" {
		t.Errorf("told %d events: %v", len(events), events)
	}
}

// Ten seconds in one message are longer than a WebSocket library takes by itself.
func TestAgentBehindRealSocketsSpeaksInOneBurst(t *testing.T) {
	t.Parallel()
	marked := make(chan string, 1)
	address := serve(t, func(ctx context.Context, c *websocket.Conn) {
		say := func(v any) {
			b, _ := json.Marshal(v)
			_ = c.Write(ctx, websocket.MessageText, b)
		}
		say(map[string]any{"event": "media", "media": map[string]any{"payload": make([]byte, 80_000)}})
		say(map[string]any{"event": "mark", "mark": map[string]any{"name": "end"}})
		say(map[string]any{"event": "clear"})
		for {
			_, m, err := c.Read(ctx)
			if err != nil {
				return
			}
			if bytes.Contains(m, []byte(`"mark":{"name":"end"}`)) {
				marked <- string(m)
			}
		}
	})
	err := connect(t, address, func(l *link) {
		select {
		case <-marked:
		case <-time.After(20 * time.Second):
			t.Error("the mark does not come")
		}
		if held := heldBy(l.playout); held != 0 {
			t.Errorf("%d samples are left behind clear", held)
		}
	})
	if err != nil {
		t.Error(err)
	}
}

func TestEndsOfRealConnections(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		bot  func(ctx context.Context, c *websocket.Conn)
		want error // nil: an end as it should be
	}{
		{"closed", func(_ context.Context, c *websocket.Conn) { _ = c.Close(websocket.StatusNormalClosure, "") }, nil},
		{"going away", func(_ context.Context, c *websocket.Conn) { _ = c.Close(websocket.StatusGoingAway, "") }, nil},
		{"broken", func(_ context.Context, c *websocket.Conn) { _ = c.Close(websocket.StatusInternalError, "x") }, ErrLost},
		{"dead", func(_ context.Context, c *websocket.Conn) { _ = c.CloseNow() }, ErrLost},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, err := Dial(nil).Dial(t.Context(), serve(t, tt.bot), http.Header{"Authorization": {"Bearer x"}})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Abort()
			_, _, err = c.Read()
			if want := tt.want; want == nil && !errors.Is(err, ErrClosed) || want != nil && !errors.Is(err, want) {
				t.Errorf("%v, want %v", err, tt.want)
			}
		})
	}
}

func TestConnectionsThatAreNotMade(t *testing.T) {
	t.Parallel()
	slow := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	t.Cleanup(slow.Close)
	gone := httptest.NewServer(nil)
	gone.Close()
	for _, tt := range []struct {
		name, address string
		want          error
	}{
		{"refused", serve(t, nil), ErrRefused},
		{"nobody there", "ws" + strings.TrimPrefix(gone.URL, "http"), ErrUnreachable},
		{"silent", "ws" + strings.TrimPrefix(slow.URL, "http"), ErrTimeout},
	} {
		t.Run(strings.ReplaceAll(tt.name, " ", "_"), func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			defer cancel()
			if tt.want != ErrTimeout {
				ctx = t.Context()
			}
			if _, err := Dial(nil).Dial(ctx, tt.address, nil); !errors.Is(err, tt.want) {
				t.Errorf("%v, want %v", err, tt.want)
			}
		})
	}
}

func TestAddressesOfAgents(t *testing.T) {
	t.Parallel()
	for address, good := range map[string]bool{
		"ws://x": true, "wss://agent.example.org:8443/a?b=c": true, "http://x": false, "ws:///path": false, "": false, "agent.example.org": false, "ws://%zz": false,
	} {
		if err := CheckURL(address); (err == nil) != good || err != nil && !errors.Is(err, ErrAddress) {
			t.Errorf("%q: %v", address, err)
		}
	}
}
