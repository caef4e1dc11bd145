package architecture

// rule is what one package may do, besides importing the standard library.
type rule struct {
	// imports are packages of this module, by their folder, and other modules, with all their packages.
	imports []string
	// goroutines says what for the package starts goroutines; "" means that it must not.
	goroutines string
}

// Other modules.
const (
	gopherLua = "github.com/yuin/gopher-lua"
	memdb     = "github.com/hashicorp/go-memdb"
	fsnotify  = "github.com/fsnotify/fsnotify"
	yaml      = "github.com/goccy/go-yaml"
	cobra     = "github.com/spf13/cobra"
	xsys      = "golang.org/x/sys"
	pionSDP   = "github.com/pion/sdp/v3"
	pionRTP   = "github.com/pion/rtp"
	pionSRTP  = "github.com/pion/srtp/v3"
	pionOpus  = "github.com/pion/opus"
	websocket = "github.com/coder/websocket"
	mp3       = "github.com/hajimehoshi/go-mp3"
)

// table is the whole of who may know whom, floor by floor: imports only go down. docs/architecture.md explains it. A new package gets its row
// here, and whoever reviews the row reviews the design.
var table = map[string]rule{
	// sip: messages as values, and the protocol machines.
	"sip":             {},
	"sip/digest":      {},
	"sip/wheel":       {},
	"sip/pages":       {imports: []string{xsys}},
	"sip/transport":   {imports: []string{"sip", xsys}, goroutines: "socket readers, stream readers and writers"},
	"sip/resolve":     {imports: []string{"sip"}},
	"sip/transaction": {imports: []string{"sip", "sip/pages", "sip/wheel"}},
	"sip/dialog":      {imports: []string{"sip"}},
	"sip/siptest":     {imports: []string{"sip", "sip/digest", "sip/transport"}, goroutines: "the simulated network and scripted UAs"},

	// engine: shards, and one package for each feature. Features do not know each other, except registrar → location.
	"engine/siphash":   {},
	"engine/observe":   {},
	"engine/kv":        {goroutines: "one sweeper"},
	"engine/cdr":       {goroutines: "one writer of the file"},
	"engine/shard":     {imports: []string{"sip/wheel"}, goroutines: "workers of the pools for blocking work"},
	"engine/names":     {imports: []string{"sip", "sip/transport"}},
	"engine/location":  {imports: []string{"sip", memdb}, goroutines: "one committer"},
	"engine/registrar": {imports: []string{"sip", "engine/location"}},
	"engine/auth":      {imports: []string{"sip", "sip/digest"}},
	"engine/proxy": {imports: []string{"sip", "sip/digest", "sip/resolve", "sip/transaction", "sip/transport", "sip/wheel",
		"engine/names", "engine/shard", "engine/siphash"}},
	"engine/track":             {imports: []string{"sip", "sip/transaction", "sip/wheel", "engine/cdr", "engine/media", "engine/media/description", "engine/names", "engine/proxy"}},
	"engine/audio/g711":        {},
	"engine/audio/g722":        {},
	"engine/audio":             {imports: []string{"engine/audio/g711", "engine/audio/g722", mp3, pionOpus}},
	"engine/media/description": {imports: []string{pionSDP}},
	"engine/media/ng":          {imports: []string{"engine/media", "engine/media/description"}, goroutines: "a reader of answers for each IP version"},
	"engine/media":             {imports: []string{"engine/audio", "engine/media/description", pionRTP, pionSRTP, xsys}, goroutines: "relay threads; over a simulated network one for each socket, and one that paces"},
	"engine/call": {imports: []string{"sip", "sip/dialog", "sip/transaction", "sip/transport", "sip/wheel",
		"engine/media", "engine/media/description", "engine/names", "engine/proxy", "engine/shard"}},
	"engine/ivr":        {imports: []string{"sip/wheel", "engine/audio", "engine/call", "engine/media", "engine/shard", "engine/web"}},
	"engine/ivr/stream": {imports: []string{"engine/audio", "engine/audio/g711", "engine/call", "engine/ivr", websocket}, goroutines: "a writer and a reader for each connection to an agent"},
	"engine/rest":       {goroutines: "serving"},
	"engine/web":        {imports: []string{"engine/shard"}},
	"engine": {imports: []string{"sip", "sip/resolve", "sip/transaction", "sip/transport", "sip/wheel",
		"engine/auth", "engine/call", "engine/cdr", "engine/ivr", "engine/ivr/stream", "engine/kv", "engine/location", "engine/media", "engine/names", "engine/observe", "engine/proxy", "engine/registrar", "engine/rest", "engine/shard", "engine/siphash", "engine/track", "engine/web"},
		goroutines: "one for each shard"},

	// lua: scripts. rt knows nothing of SIP, api binds the engine to it, the host keeps the versions.
	"lua/rt": {imports: []string{gopherLua}},
	"lua/api": {imports: []string{gopherLua, "lua/rt", "sip", "sip/digest", "sip/transport", "sip/wheel",
		"engine", "engine/audio", "engine/auth", "engine/call", "engine/cdr", "engine/ivr", "engine/ivr/stream", "engine/kv", "engine/location", "engine/media", "engine/media/description", "engine/observe", "engine/proxy",
		"engine/registrar", "engine/shard", "engine/web"}},
	"lua/api/gendoc": {imports: []string{"lua/api", "lua/rt"}},
	"lua":            {imports: []string{"lua/api", "lua/rt", "engine", "engine/cdr", "engine/observe", "engine/shard", fsnotify}, goroutines: "one watcher of the script's folders"},

	// cmd: the process.
	"cmd/sipscript/config": {imports: []string{"engine", "engine/media", "engine/media/ng", "engine/proxy", "sip", "sip/transport", yaml}},
	"cmd/sipscript": {imports: []string{"cmd/sipscript/config", "engine", "engine/ivr", "engine/media", "engine/media/ng", "engine/observe", "engine/proxy", "lua", "sip/transport", cobra},
		goroutines: "draining, while signals are still heard"},

	// test: what only tests and benchmarks run.
	"test/architecture": {},
	"test/scenario":     {imports: []string{"engine", "engine/audio", "engine/ivr", "engine/ivr/stream", "engine/media", "lua", "sip", "sip/resolve", "sip/siptest", "sip/transport"}, goroutines: "what endpoints hear"},
	"test/load":         {imports: []string{xsys}, goroutines: "a load generator"},
	"test/listen":       {imports: []string{"engine/audio", "engine/media"}, goroutines: "what peers hear"},
	"test/streams":      {imports: []string{pionSRTP, xsys}},
	"test/bench": {imports: []string{"engine/audio", "engine/media", "engine/media/description", "engine/media/ng", "test/load", "test/streams", xsys},
		goroutines: "the servers measured"},
}
