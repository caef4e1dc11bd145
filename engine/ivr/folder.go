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

// OpenFolder is a folder of the system that no path and no link leads out of. It is made if need be.
func OpenFolder(path string) (Folder, error) {
	if err := os.MkdirAll(path, 0o750); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, err
	}
	return &folder{root.FS(), root}, nil
}

type folder struct {
	fs.FS
	root *os.Root
}

func (f *folder) Create(name string) (Draft, error) {
	if err := f.root.MkdirAll(path.Dir(name), 0o750); err != nil {
		return nil, err
	}
	// The beginning of the name keeps it from being taken for a recording, and the end from being another one's draft.
	temporary := path.Join(path.Dir(name), fmt.Sprintf(".%s.%s.part", path.Base(name), rand.Text()))
	file, err := f.root.OpenFile(temporary, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o640)
	if err != nil {
		return nil, err
	}
	return &draft{file, f.root, temporary, name}, nil
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
	return err
}

func (d *draft) Drop() {
	_ = d.Close()
	_ = d.root.Remove(d.temporary)
}
