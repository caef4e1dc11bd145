package main

import (
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/sipscript/sipscript/cmd/sipscript/config"
	"github.com/sipscript/sipscript/engine"
	"github.com/sipscript/sipscript/engine/ivr"
	"github.com/sipscript/sipscript/lua"
)

// options are the flags of run and check.
type options struct {
	config string
	listen []string
	media  []string
}

func (o *options) load() (*config.Config, error) {
	return config.Load(o.config, config.Flags{Listen: o.listen, Media: o.media})
}

func newRun() *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "run [--listen TRANSPORT:ADDR:PORT]... [--media ADDR]... [--config FILE] SCRIPT",
		Short: "Start the server with a script",
		Long: `Starts the server with SCRIPT and stays in the foreground. When every address is open and the
script is live, the log says "ready" and names the addresses with their real ports. The script goes
live again whenever one of its files changes; a broken one never does.

SIGTERM and SIGINT refuse new calls, wait for those being set up and those that end here, and end
the server; a second one ends it at once. SIGHUP reads config file, certificates and script again,
and opens the file of call records again; changed certificate files are taken up without it.

Exit code 0: ended as asked to. 1: the script is broken, or an address is taken. 2: the command
line or the config file is wrong.`,
		Example: `  sipscript run office.lua                                UDP and TCP on 0.0.0.0:5060
  sipscript run --listen udp:127.0.0.1:0 office.lua       any free port, for tests
  sipscript run --listen udp:[::]:5060 --listen tcp:[::]:5060 office.lua
  sipscript run --media 192.0.2.1 ivr.lua                 relay media and play prompts
  sipscript run --config sipscript.yaml office.lua        TLS, limits, domains: docs/configuration.md`,
		Args:                  oneScript,
		DisableFlagsInUseLine: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			return run(args[0], o.load, cmd.ErrOrStderr())
		},
	}
	cmd.Flags().StringVar(&o.config, "config", "", "config `file`")
	cmd.Flags().StringArrayVar(&o.listen, "listen", nil,
		"`address` to listen on, udp|tcp|tls:ADDR:PORT; may be repeated, and takes the place of the config file's (default udp:0.0.0.0:5060 and tcp:0.0.0.0:5060)")
	cmd.Flags().StringArrayVar(&o.media, "media", nil,
		"`address` to receive media at, without which this server neither relays media nor plays prompts; may be repeated, and takes the place of the config file's media.interfaces")
	return cmd
}

// run is the life of a server, from its config to the signal that ends it.
func run(script string, load func() (*config.Config, error), stderr io.Writer) error {
	c, err := load()
	if err != nil {
		return err
	}
	var level slog.LevelVar
	level.Set(c.Log.SlogLevel())
	log := newLogger(stderr, c.Log.Format, &level)
	limitMemory(os.DirFS("/"), os.Getenv("GOMEMLIMIT"), debug.SetMemoryLimit)

	// Before anything is open: a signal that comes while the server starts is not lost.
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGHUP, syscall.SIGTERM, syscall.SIGINT)
	defer signal.Stop(signals)

	c.Engine.Log = log
	files := newCertificateFiles(c.Engine.TLS) // before they are read, so that no change is missed
	backend, shards, stopMedia, err := startMedia(c, log)
	if err != nil {
		return err
	}
	defer stopMedia() // after the engine, whose calls still close their media
	cfg := c.Engine   // which a reload compares with what the file says
	cfg.Shards = shards
	seams := engine.Seams{Media: backend, Prompts: ivr.NewFolder(filepath.Dir(script)), Recordings: ivr.NewFolder(c.Recordings), SpeechCache: ivr.NewFolder(c.Speech.Cache)}
	if c.Speech.Command != "" {
		seams.Synthesize = ivr.Command(c.Speech.Command)
	}
	e, err := engine.New(cfg, seams)
	if err != nil {
		return err
	}
	host, err := lua.NewHost(lua.Config{Script: script, Engine: e, Config: c.Script, Log: log})
	if err != nil {
		e.Close()
		return brokenScript{err}
	}
	// A reload needs the shards, and the shards run the script: so these end in this order.
	defer func() {
		host.Stop()
		e.Close()
		host.Close()
	}()
	if err := e.Start(host); err != nil {
		return err
	}
	host.Start(true)
	log.Info("ready", "listen", addresses(e.Listeners()), "script", script)

	p := &process{server: e, scripts: host, config: c, files: files, load: load, log: log, level: &level}
	p.serve(signals)
	return nil
}
