package engine

import (
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"runtime"
	"time"

	"github.com/sipscript/sipscript/engine/ivr"
	"github.com/sipscript/sipscript/engine/ivr/stream"
	"github.com/sipscript/sipscript/engine/media"
	"github.com/sipscript/sipscript/engine/proxy"
	"github.com/sipscript/sipscript/engine/rest"
	"github.com/sipscript/sipscript/sip/resolve"
	"github.com/sipscript/sipscript/sip/transport"
)

// Config is everything an engine is told. The zero value of each field is its default.
type Config struct {
	Listen  []transport.ListenSpec // restart
	Domains []string               // served here, besides the own addresses; restart
	TLS     transport.TLSConfig    // restart, the certificate files are read again on reload
	Limits  Limits
	Timers  Timers // restart

	Registrar Registrar   // reloadable
	CDR       CDR         // restart; the file is opened again on reload
	API       rest.Config // where voice agents may end their calls; restart

	Credentials map[string]proxy.Credentials // for the challenges of gateways, by the name that scripts call them; reloadable
	Emergency   []string                     // numbers that call for help, beside urn:service:sos; reloadable

	Shards int // 0: as many as cores are granted; restart
	Queue  int // messages that may wait for one shard, 65,536: more datagrams are dropped, streams wait; restart

	Log *slog.Logger // nil: discarded
	// Apart puts each leg that a call here dials on another shard than the call's. Tests want it.
	Apart bool
	// Fragile lets a panic end the process instead of the one call it belongs to. Tests want it.
	Fragile bool
}

// Limits bound what peers can take. All of them are restart.
type Limits struct {
	transport.Limits
	Branches   int           // most targets rung at the same time, 16
	ParkedRuns int           // handlers that wait at the same time, over all shards, 100,000
	Answer     time.Duration // an INVITE nobody works on is answered 500 after this long, 180 s
}

// Timers are the base values of RFC 3261 §17 and Timer C.
type Timers struct{ T1, T2, T4, C time.Duration }

// CDR says where the records of ended calls go.
type CDR struct {
	File string // one line of JSON for each call; "": nowhere
}

// Registrar holds the defaults of registrar.save.
type Registrar struct {
	DefaultExpires, MinExpires, MaxExpires time.Duration // 3600 s, 60 s, 86400 s
	MaxContacts                            int           // per address of record, 10
}

// Seams are where the outside enters. Tests put a simulated network and a known seed there; the zero value is the
// real world.
type Seams struct {
	Net         transport.Net
	Resolver    resolve.Resolver
	Files       transport.Files
	Append      func(path string) (io.WriteCloser, error) // opens the file of call records
	Seed        *[32]byte                                 // of all tags, branches and keys; nil: from the system
	Media       media.Backend                             // relays the media of calls; nil: it goes from peer to peer
	Prompts     fs.FS                                     // the folder that scripts name prompts from; nil: there is none
	Recordings  ivr.Folder                                // where calls are recorded to; nil: nowhere
	Synthesize  ivr.Synthesize                            // turns text into speech; nil: nothing does
	SpeechCache ivr.Folder                                // where speech is kept; nil: there is none
	Web         http.RoundTripper                         // brings the pages that scripts and prompts ask for; nil: HTTP over the system's network
	Agents      stream.Dialer                             // opens the connections of streams; nil: WebSockets over the system's network
}

func (c *Config) applyDefaults() {
	if c.Shards == 0 {
		c.Shards = runtime.GOMAXPROCS(0)
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	setDefault(&c.Limits.Branches, 16)
	setDefault(&c.Limits.ParkedRuns, 100_000)
	setDefault(&c.Limits.Answer, 180*time.Second)
	setDefault(&c.Timers.T1, 500*time.Millisecond)
	setDefault(&c.Timers.T2, 4*time.Second)
	setDefault(&c.Timers.T4, 5*time.Second)
	setDefault(&c.Timers.C, 181*time.Second)
	setDefault(&c.Registrar.DefaultExpires, time.Hour)
	setDefault(&c.Registrar.MinExpires, time.Minute)
	setDefault(&c.Registrar.MaxExpires, 24*time.Hour)
	setDefault(&c.Registrar.MaxContacts, 10)
}

func setDefault[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}
