package ivr

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
)

// Folder is where recordings are. Its methods block, and may be called from any goroutine.
type Folder interface {
	fs.FS
	// Create begins a file that is to have this name, a path with slashes that leads nowhere else. Nobody sees it before
	// Keep.
	Create(name string) (Draft, error)
}

// Draft is a file in the making. It belongs to one goroutine at a time.
type Draft interface {
	io.WriteSeeker
	// Keep puts the file under its name, in the place of one that has it.
	Keep() error
	// Drop forgets it.
	Drop()
}

// NewFolder is a folder of the system that no path and no link leads out of. It is made when something is first written
// to it, and looked for each time: it may be put in the place of another.
func NewFolder(path string) Folder { return folder(path) }

type folder string

// Open implements fs.FS.
func (f folder) Open(name string) (fs.File, error) {
	root, err := os.OpenRoot(string(f))
	if err != nil {
		return nil, err
	}
	file, err := root.FS().Open(name)
	return file, errors.Join(err, root.Close())
}

func (f folder) Create(name string) (Draft, error) {
	if err := os.MkdirAll(string(f), 0o750); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(string(f))
	if err != nil {
		return nil, err
	}
	file, temporary, err := create(root, name)
	if err != nil {
		return nil, errors.Join(err, root.Close())
	}
	return &draft{file, root, temporary, name}, nil
}

// create makes the file that is to have a name.
func create(root *os.Root, name string) (file *os.File, temporary string, err error) {
	if err := root.MkdirAll(path.Dir(name), 0o750); err != nil {
		return nil, "", err
	}
	// The beginning of its name keeps it from being taken for a recording, the end from being another one's draft.
	temporary = path.Join(path.Dir(name), fmt.Sprintf(".%s.%s.part", path.Base(name), rand.Text()))
	file, err = root.OpenFile(temporary, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o640)
	return file, temporary, err
}

type draft struct {
	*os.File
	root            *os.Root
	temporary, name string
}

func (d *draft) Keep() error {
	err := errors.Join(d.Sync(), d.Close())
	if err == nil {
		err = d.root.Rename(d.temporary, d.name)
	}
	if err != nil {
		_ = d.root.Remove(d.temporary)
	}
	return errors.Join(err, d.root.Close())
}

func (d *draft) Drop() {
	_ = d.Close()
	_ = d.root.Remove(d.temporary)
	_ = d.root.Close()
}
