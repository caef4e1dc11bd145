package transport

import (
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/sipscript/sipscript/sip"
)

// Config says what a Transport listens on and whom it tells. The zero value of a field is its default.
type Config struct {
	Net    Net          // default Real()
	Listen []ListenSpec // restart
	Shards int          // how many Senders, and UDP sockets an address; default 1; restart
	TLS    TLSConfig
	Limits Limits

	// Receive gets what arrived at once on one socket or connection, in order, from that reader's goroutine. The
	// messages are the callee's from then on, the slice is not. It must not block for a UDP flow; a stream's reader
	// waits as long as it does, which is how back-pressure reaches the peer. Required.
	Receive func(batch []Inbound)
	// Failed gets each message that could not be sent, or that the network gave back, once: within Flush on the
	// shard's goroutine, or from a writer's or a UDP reader's.
	Failed func(Failure)
	// Closed gets each stream flow that ended, after its last message was delivered, with the reason (io.EOF: the
	// peer closed it). It is also called for a flow that could not be connected.
	Closed func(flow sip.Flow, err error)
	// Trace gets what nobody else sees: what was refused, dropped, cut off. From any goroutine; it must not block.
	Trace func(Event)

	Rand  io.Reader // default crypto/rand
	Files Files     // where certificates are read; default the file system
}

// Limits bounds what one peer can take. All of it is restart.
type Limits struct {
	Message     int // bytes of a message, default 65,536: longer ones are answered 513
	Headers     int // header fields of a message, default 200: more are answered 400
	Connections int // stream connections open at once, ours included, default 50,000
	PerSource   PerSource
}

// PerSource bounds what one IP address can take.
type PerSource struct {
	Connections int // stream connections it has open to us, default 200
	Requests    int // requests a second over all flows, 0 is unlimited; more are dropped
}

// Files reads whole files.
type Files interface {
	ReadFile(path string) ([]byte, error)
}

// Inbound is one message that arrived, screened, a request stamped with received and rport (RFC 3261 §18.2.1).
type Inbound struct {
	Msg  *sip.Message
	Flow sip.Flow
	At   time.Time // when its batch was read
}

// How long a peer may take. RFC 3261 leaves these open; they bound what a stalled peer costs.
const (
	dialTime      = 5 * time.Second  // until a connection stands
	handshakeTime = 10 * time.Second // until TLS stands
	messageTime   = 10 * time.Second // from the first byte of a message to its last
	writeTime     = 10 * time.Second // until the peer has read what was written
	lingerTime    = 2 * time.Second  // for a last answer to arrive before the connection goes

	lastAnswersTime = 500 * time.Millisecond // of it for what was asked before the stream lost its frame
)

// The bounds of one connection's write queue.
const (
	queueMessages = 1024
	queueBytes    = 1 << 20
)

// answersPerSource bounds the answers to malformed requests, a second and source: a forged source address must not
// make this server a reflector.
const answersPerSource = 20

func (c *Config) applyDefaults() error {
	if c.Receive == nil {
		return fmt.Errorf("transport: Config.Receive is required")
	}
	if c.Net == nil {
		c.Net = Real()
	}
	if c.Rand == nil {
		c.Rand = rand.Reader
	}
	if c.Files == nil {
		c.Files = osFiles{}
	}
	if c.Failed == nil {
		c.Failed = func(Failure) {}
	}
	if c.Closed == nil {
		c.Closed = func(sip.Flow, error) {}
	}
	if c.Trace == nil {
		c.Trace = func(Event) {}
	}
	c.Shards = max(c.Shards, 1)
	setDefault(&c.Limits.Message, 65536)
	setDefault(&c.Limits.Headers, 200)
	setDefault(&c.Limits.Connections, 50000)
	setDefault(&c.Limits.PerSource.Connections, 200)
	return nil
}

func setDefault(v *int, d int) {
	if *v == 0 {
		*v = d
	}
}

type osFiles struct{}

func (osFiles) ReadFile(path string) ([]byte, error) { return os.ReadFile(path) }
