package scenario

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"testing"

	"github.com/sipscript/sipscript/engine/ivr/stream"
)

// Agents are the agents of streams: each connection is one of Bot, in a goroutine of its own.
type Agents struct {
	t    testing.TB
	bot  func(b *Bot)
	fail func(attempt int) error // nil: every connection succeeds

	mu       sync.Mutex
	attempts int
	headers  []http.Header
	running  sync.WaitGroup
}

// NewAgents has connections be played by bot.
func NewAgents(t testing.TB, bot func(b *Bot)) *Agents {
	a := &Agents{t: t, bot: bot}
	t.Cleanup(a.running.Wait)
	return a
}

// Dial implements stream.Dialer.
func (a *Agents) Dial(ctx context.Context, _ string, header http.Header) (stream.Conn, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.attempts++
	a.headers = append(a.headers, header)
	if a.fail != nil {
		if err := a.fail(a.attempts); err != nil {
			return nil, err
		}
	}
	b := &Bot{Attempt: a.attempts, t: a.t, said: make(chan message, 1024), heard: make(chan message, 16), gone: make(chan struct{}), left: make(chan struct{})}
	a.running.Go(func() {
		defer close(b.left)
		a.bot(b)
	})
	return &botConn{bot: b}, ctx.Err()
}

type message struct {
	binary bool
	data   string
}

// Bot is an agent with one connection. When it returns it has closed it.
type Bot struct {
	Attempt int // which connection it is, from 1

	t     testing.TB
	said  chan message  // by the bot
	heard chan message  // by it
	gone  chan struct{} // closed when the server has ended the connection
	left  chan struct{} // closed when the bot has
	died  bool
}

// Event is a message of Twilio's format.
type Event struct {
	Event    string `json:"event"`
	Sequence string `json:"sequenceNumber"`
	Stream   string `json:"streamSid"`
	Media    struct {
		Track, Chunk, Timestamp string
		Payload                 []byte
	} `json:"media"`
	Mark struct{ Name string }  `json:"mark"`
	DTMF struct{ Digit string } `json:"dtmf"`
	Text string                 `json:"-"` // all of it
}

// Next waits for what the bot is told next; false: the connection is over.
func (b *Bot) Next() (Event, bool) {
	select {
	case m := <-b.heard:
		return b.event(m), true
	default:
	}
	select {
	case m := <-b.heard:
		return b.event(m), true
	case <-b.gone:
		return Event{}, false
	}
}

func (b *Bot) event(m message) Event {
	e := Event{Text: m.data}
	if m.binary {
		return e
	}
	if err := json.Unmarshal([]byte(m.data), &e); err != nil {
		b.t.Errorf("an agent is told %q: %v", m.data, err)
	}
	return e
}

// Until waits for an event.
func (b *Bot) Until(name string) (Event, bool) {
	for {
		e, ok := b.Next()
		if !ok || e.Event == name {
			return e, ok
		}
	}
}

// Say sends text.
func (b *Bot) Say(text string) { b.send(message{false, text}) }

// Sound sends samples of μ-law.
func (b *Bot) Sound(payload []byte) {
	text, err := json.Marshal(map[string]any{"event": "media", "streamSid": "x", "media": map[string]any{"payload": payload}})
	if err != nil {
		b.t.Error(err)
	}
	b.Say(string(text))
}

func (b *Bot) send(m message) {
	select {
	case b.said <- m:
	case <-b.gone:
	}
}

// Die has the connection break when the bot returns.
func (b *Bot) Die() { b.died = true }

// botConn is the server's end.
type botConn struct {
	bot  *Bot
	once sync.Once
}

// Read implements stream.Conn.
func (c *botConn) Read() (bool, []byte, error) {
	select {
	case m := <-c.bot.said:
		return m.binary, []byte(m.data), nil
	default:
	}
	select {
	case m := <-c.bot.said:
		return m.binary, []byte(m.data), nil
	case <-c.bot.gone:
		return false, nil, stream.ErrLost
	case <-c.bot.left:
	}
	select { // what it has said before it left
	case m := <-c.bot.said:
		return m.binary, []byte(m.data), nil
	default:
	}
	if c.bot.died {
		return false, nil, stream.ErrLost
	}
	return false, nil, stream.ErrClosed
}

// Write implements stream.Conn.
func (c *botConn) Write(ctx context.Context, binary bool, data []byte) error {
	select {
	case c.bot.heard <- message{binary, string(data)}:
		return nil
	case <-c.bot.left:
	case <-c.bot.gone:
	case <-ctx.Done():
	}
	return stream.ErrLost
}

// Close implements stream.Conn.
func (c *botConn) Close() { c.once.Do(func() { close(c.bot.gone) }) }

// Abort implements stream.Conn.
func (c *botConn) Abort() { c.Close() }
