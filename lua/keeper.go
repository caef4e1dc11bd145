package lua

import (
	"errors"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/sipscript/sipscript/lua/rt"
)

const (
	// quiet is how long the folders have to stay untouched before the files are read: an editor writes in several steps.
	quiet = 50 * time.Millisecond
	// noise is how long at most somebody who writes there all the time, a log for instance, can put that off.
	noise = time.Second
	// lookEvery is how often the files are read without anybody having said that they have changed: a network file
	// system does not say it, nor does a folder further up that is renamed.
	lookEvery = 2 * time.Second
)

// keep is the one goroutine that changes versions: because a file has changed, or because it was told to.
func (h *Host) keep(watch bool) {
	var dirs *folders
	var events <-chan fsnotify.Event
	var lost <-chan error
	var look <-chan time.Time
	if watch {
		ticker := time.NewTicker(h.lookEvery)
		defer ticker.Stop()
		look = ticker.C
		var err error
		if dirs, err = newFolders(); err != nil {
			h.cfg.Log.Warn("cannot watch the script's files, only look at them from time to time", "error", err)
		} else {
			defer dirs.close()
			events, lost = dirs.watcher.Events, dirs.watcher.Errors
			h.follow(dirs)
		}
	}
	settled := time.NewTimer(time.Hour)
	settled.Stop()
	defer settled.Stop()
	var since time.Time // of the first event that has not been looked into
	for {
		select {
		case <-h.quit:
			return
		case o := <-h.orders:
			o.done <- h.reload(o.config)
			h.follow(dirs)
		case <-events:
			if since.IsZero() {
				since = time.Now()
			}
			settled.Reset(min(quiet, noise-time.Since(since)))
		case <-lost: //nolint:errcheck // whatever it says, events were lost
			settled.Reset(quiet)
		case <-settled.C:
			since = time.Time{}
			h.changed()
			h.follow(dirs)
		case <-look:
			h.changed()
			h.follow(dirs)
		}
	}
}

// follow watches the folders of what the last attempt to load has read.
func (h *Host) follow(dirs *folders) {
	if dirs == nil {
		return
	}
	for {
		added, err := dirs.follow(h.tried.paths())
		if err != nil && err.Error() != h.unwatched {
			h.unwatched = err.Error()
			h.cfg.Log.Warn("cannot watch all of the script's files, looking at them from time to time instead", "error", err)
		}
		if !added || !h.tried.stale() {
			return
		}
		h.changed()
	}
}

// changed reloads if a file has changed. What is wrong is logged once, however often the files are touched.
func (h *Host) changed() {
	if !h.tried.stale() {
		return
	}
	broken := h.broken
	switch err := h.reload(nil); {
	case err == nil:
	case !errors.Is(err, ErrUnchanged):
		h.Report(err)
	case broken:
		h.cfg.Log.Info("the script is again what it was before it broke", "version", h.current.Load().number)
	}
}

// Report logs why a version did not go live, one line for each thing that is wrong. Any goroutine.
func (h *Host) Report(err error) {
	for _, problem := range Problems(err) {
		h.cfg.Log.Error("the script is broken, the old version stays in force", "version", h.current.Load().number, "problem", problem)
	}
}

// Problems are the lines to show for an error of NewHost, Check or Reload: file:line: message.
func Problems(err error) []string {
	var load *rt.LoadError
	if errors.As(err, &load) {
		lines := make([]string, len(load.Errors))
		for i := range load.Errors {
			lines[i] = load.Errors[i].Error()
		}
		return lines
	}
	var run *rt.RunError
	if errors.As(err, &run) {
		return []string{run.Message}
	}
	return []string{err.Error()}
}
