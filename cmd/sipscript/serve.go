package main

import (
	"errors"
	"log/slog"
	"os"
	"reflect"
	"syscall"
	"time"

	"github.com/sipscript/sipscript/cmd/sipscript/config"
	"github.com/sipscript/sipscript/engine"
	"github.com/sipscript/sipscript/engine/observe"
	"github.com/sipscript/sipscript/engine/proxy"
	"github.com/sipscript/sipscript/lua"
	"github.com/sipscript/sipscript/sip/transport"
)

// server is the engine, as the signals drive it.
type server interface {
	Refuse()
	Drain(timeout time.Duration, stop <-chan struct{})
	SetRegistrar(engine.Registrar)
	SetCredentials(map[string]proxy.Credentials)
	SetEmergency(numbers []string)
	ReloadCertificates() error
	ReopenRecords()
}

// scripts is the host of the script, as the signals drive it.
type scripts interface {
	Reload(config map[string]any) error
	Report(err error)
}

var (
	_ server  = (*engine.Engine)(nil)
	_ scripts = (*lua.Host)(nil)
)

// process is a running server and what its signals need.
type process struct {
	server  server
	scripts scripts
	config  *config.Config // as it is in force
	files   *certificateFiles
	load    func() (*config.Config, error)
	log     *slog.Logger
	level   *slog.LevelVar
}

// addresses names the listeners with their real ports, "udp:127.0.0.1:5060".
func addresses(listeners []transport.Listener) []string {
	all := make([]string, len(listeners))
	for i, l := range listeners {
		all[i] = transport.ListenSpec{Transport: l.Transport, Addr: l.Local}.String()
	}
	return all
}

// serve goes on until a signal ends the server: SIGTERM and SIGINT drain, SIGHUP reloads. Certificates are taken up
// without one.
func (p *process) serve(signals <-chan os.Signal) {
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for {
		select {
		case sig := <-signals:
			if sig != syscall.SIGHUP {
				p.drain(sig, signals)
				return
			}
			p.reload()
		case <-look.C:
			if p.files.settled() && p.reloadCertificates() {
				p.log.Info("changed certificates are in force")
			}
		}
	}
}

// drain waits for the calls that are being set up, until a second signal ends the waiting. What SIGHUP would reload is going away.
func (p *process) drain(sig os.Signal, signals <-chan os.Signal) {
	p.server.Refuse() // before the log says so
	p.log.Info("draining", "signal", sig.String(), "timeout", p.config.DrainTimeout.Seconds())
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		p.server.Drain(p.config.DrainTimeout, stop)
	}()
	for {
		select {
		case <-done:
			p.log.Info("stopped")
			return
		case sig := <-signals:
			if sig == syscall.SIGHUP {
				continue
			}
			close(stop)
			<-done
			p.log.Info("stopped before all calls were set up", "signal", sig.String())
			return
		}
	}
}

// reload takes up what it can, each part by itself, so that a mistake in one does not hold back the others.
func (p *process) reload() {
	p.log.Info("reloading")
	var settings map[string]any // nil: the script's are as they were
	if next, err := p.load(); err != nil {
		p.reportConfig(err)
	} else {
		if !reflect.DeepEqual(next.Script, p.config.Script) {
			settings = next.Script
		}
		p.take(next)
	}
	p.server.ReopenRecords()
	p.reloadCertificates()
	if err := p.scripts.Reload(settings); err != nil && !errors.Is(err, lua.ErrUnchanged) {
		p.scripts.Report(err)
	}
}

func (p *process) reloadCertificates() bool {
	p.files.reading()
	err := p.server.ReloadCertificates()
	if err != nil {
		p.log.Error("certificates are not reloaded, those in force stay", "err", err)
	}
	return err == nil
}

// take takes up the reloadable keys.
func (p *process) take(next *config.Config) {
	taken, refused := p.config.Reload(next)
	for _, r := range refused {
		p.log.Warn("this key needs a restart, its old value stays in force", "key", r.Key, observe.FieldAt, r.Place.String())
	}
	p.config = taken
	p.level.Set(taken.Log.SlogLevel())
	p.server.SetRegistrar(taken.Engine.Registrar)
	p.server.SetCredentials(taken.Engine.Credentials)
	p.server.SetEmergency(taken.Engine.Emergency)
}

func (p *process) reportConfig(err error) {
	var problems config.Problems
	if !errors.As(err, &problems) {
		p.log.Error("the config is not reloaded, the one in force stays", "err", err)
	}
	for _, problem := range problems {
		p.log.Error("the config is not reloaded, the one in force stays", "problem", problem.Message, observe.FieldAt, problem.Place.String())
	}
}
