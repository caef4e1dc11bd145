package main

import (
	"os"
	"time"

	"github.com/sipscript/sipscript/sip/transport"
)

// lookEvery is how often the certificate files are looked at. Looking finds what a notification may miss: a symbolic
// link that is turned to another folder, and a file of a network file system.
const lookEvery = time.Second

// certificateFiles knows how the files of TLS looked when they were last read.
type certificateFiles struct {
	paths []string
	read  []os.FileInfo
	seen  []os.FileInfo // at the last look
}

func newCertificateFiles(cfg transport.TLSConfig) *certificateFiles {
	f := &certificateFiles{}
	for _, c := range cfg.Certificates {
		f.paths = append(f.paths, c.Cert, c.Key)
	}
	for _, path := range []string{cfg.CA, cfg.ClientCA} {
		if path != "" {
			f.paths = append(f.paths, path)
		}
	}
	f.reading()
	return f
}

// reading notes that the files are about to be read.
func (f *certificateFiles) reading() {
	f.read = f.look()
	f.seen = f.read
}

// settled reports whether the files are others than those read last, and the same as at the look before: a certificate
// and its key are written one after the other, and between the two they do not fit.
func (f *certificateFiles) settled() bool {
	before := f.seen
	f.seen = f.look()
	return same(before, f.seen) && !same(f.read, f.seen)
}

// look returns nil for a file that is not there.
func (f *certificateFiles) look() []os.FileInfo {
	infos := make([]os.FileInfo, len(f.paths))
	for i, path := range f.paths {
		if info, err := os.Stat(path); err == nil {
			infos[i] = info
		}
	}
	return infos
}

func same(a, b []os.FileInfo) bool {
	for i := range a {
		if a[i] == nil || b[i] == nil {
			if a[i] != b[i] {
				return false
			}
			continue
		}
		if !os.SameFile(a[i], b[i]) || a[i].Size() != b[i].Size() || !a[i].ModTime().Equal(b[i].ModTime()) {
			return false
		}
	}
	return true
}
