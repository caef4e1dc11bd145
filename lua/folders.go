package lua

import (
	"errors"
	"os"
	"path/filepath"
	"slices"

	"github.com/fsnotify/fsnotify"
)

// folders watches the folders that files lie in, not the files: an editor replaces a file, and Kubernetes swaps a link.
type folders struct {
	watcher *fsnotify.Watcher
	as      map[string]os.FileInfo // what each folder was when it began to be watched
}

func newFolders() (*folders, error) {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, err
	}
	return &folders{watcher: w, as: map[string]os.FileInfo{}}, nil
}

// follow makes the folders of these files those that are watched, and reports whether one is new: what happened in it
// before has not been told. A folder that is not there is waited for in the nearest one above it that is.
func (f *folders) follow(paths []string) (added bool, problems error) {
	watched := f.watcher.WatchList() // without those that have been removed or renamed
	wanted := map[string]os.FileInfo{}
	for _, p := range paths {
		dir, is := folder(p)
		if wanted[dir] != nil || is == nil {
			continue
		}
		wanted[dir] = is
		if was := f.as[dir]; slices.Contains(watched, dir) {
			if os.SameFile(was, is) {
				continue
			}
			_ = f.watcher.Remove(dir) // another one under the old name
		}
		if err := f.watcher.Add(dir); err != nil {
			problems = errors.Join(problems, err)
			continue
		}
		added = true
	}
	for _, dir := range watched {
		if wanted[dir] == nil {
			_ = f.watcher.Remove(dir) // it is gone if this fails
		}
	}
	f.as = wanted
	return added, problems
}

// folder is where a file is to be looked for: the nearest folder above it that is there.
func folder(path string) (string, os.FileInfo) {
	for {
		up := filepath.Dir(path)
		if is, err := os.Stat(up); err == nil && is.IsDir() {
			return up, is
		}
		if up == path {
			return up, nil
		}
		path = up
	}
}

func (f *folders) close() { _ = f.watcher.Close() }
