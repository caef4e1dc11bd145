package lua

import (
	"errors"
	"path/filepath"
	"slices"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/sipscript/sipscript/lua/rt"
)

const (
	// quiet is how long the files have to stay untouched before they are read: an editor writes in several steps.
	quiet = 50 * time.Millisecond
	// pollEvery is how often the files are read where changes cannot be watched.
	pollEvery = 2 * time.Second
)

// keep is the one goroutine that changes versions: because a file has changed, or because it was told to.
func (h *Host) keep(watch bool) {
	var events chan fsnotify.Event
	var poll <-chan time.Time
	if watch {
		w, err := fsnotify.NewWatcher()
		if err == nil {
			defer func() { _ = w.Close() }()
			events = w.Events
			err = h.watch(w, h.current.program.Files())
		}
		if err != nil {
			h.cfg.Log.Warn("cannot watch the script's files, looking at them from time to time instead", "error", err)
			ticker := time.NewTicker(pollEvery)
			defer ticker.Stop()
			poll, events = ticker.C, nil
		}
		h.keepWatching(w, events, poll)
		return
	}
	h.keepWatching(nil, nil, nil)
}

func (h *Host) keepWatching(w *fsnotify.Watcher, events <-chan fsnotify.Event, poll <-chan time.Time) {
	settled := time.NewTimer(time.Hour)
	settled.Stop()
	defer settled.Stop()
	for {
		select {
		case <-h.quit:
			return
		case o := <-h.orders:
			o.done <- h.reload(o.config)
			h.rewatch(w)
		case <-events:
			settled.Reset(quiet)
		case <-settled.C:
			h.changed()
			h.rewatch(w)
		case <-poll:
			h.changed()
		}
	}
}

// changed reloads because a file may have changed. What is wrong is logged once, however often the files are touched.
func (h *Host) changed() {
	err := h.reload(nil)
	if err == nil || errors.Is(err, ErrUnchanged) {
		h.broken = ""
		return
	}
	if err.Error() == h.broken {
		return
	}
	h.broken = err.Error()
	h.Report(err)
}

// Report logs why a version did not go live, one line for each thing that is wrong.
func (h *Host) Report(err error) {
	for _, problem := range Problems(err) {
		h.cfg.Log.Error("the script is broken, the old version stays in force", "version", h.current.number, "problem", problem)
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

// rewatch follows the modules that the newest version requires.
func (h *Host) rewatch(w *fsnotify.Watcher) {
	if w != nil {
		if err := h.watch(w, h.current.program.Files()); err != nil {
			h.cfg.Log.Warn("cannot watch all of the script's files", "error", err)
		}
	}
}

// watch looks at the folders, not the files: an editor replaces a file, and Kubernetes swaps a link.
func (h *Host) watch(w *fsnotify.Watcher, paths []string) error {
	var problems error
	for _, p := range paths {
		dir := filepath.Dir(p)
		if slices.Contains(h.watched, dir) {
			continue
		}
		if err := w.Add(dir); err != nil {
			problems = errors.Join(problems, err)
			continue
		}
		h.watched = append(h.watched, dir)
	}
	return problems
}
