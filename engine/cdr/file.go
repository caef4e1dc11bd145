package cdr

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
)

// mostWaiting is how many bytes of lines may wait for the disk: some ten thousand calls.
const mostWaiting = 4 << 20

// File writes lines to a file that is only ever appended to. It has one goroutine, which writes all that has gathered at once; what the file
// cannot take goes to the log, so that no record is lost and no call waits for a disk. Any goroutine may call its methods.
type File struct {
	path string
	open func(path string) (io.WriteCloser, error)
	log  *slog.Logger
	wake chan struct{} // of one: there is something to do
	done chan struct{}

	mu     sync.Mutex // a leaf
	lines  []byte
	reopen bool
	closed bool
}

// writer is what the goroutine alone knows.
type writer struct {
	*File
	out    io.WriteCloser // nil: to be opened
	torn   bool           // the last line in the file lacks its end
	failed int            // lines that went to the log since the file last took some
}

// Open opens the file at path, making it if need be, and starts to write. open is the seam to the file system, nil for the real one.
func Open(path string, open func(path string) (io.WriteCloser, error), log *slog.Logger) (*File, error) {
	if open == nil {
		open = appendTo
	}
	out, err := open(path)
	if err != nil {
		return nil, fmt.Errorf("open the file of call records: %w", err)
	}
	f := &File{path: path, open: open, log: log, wake: make(chan struct{}, 1), done: make(chan struct{})}
	go (&writer{File: f, out: out}).run()
	return f, nil
}

// appendTo opens a file that not everybody may read: it says who has called whom.
func appendTo(path string) (io.WriteCloser, error) {
	return os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o640)
}

// Write queues a line, with its line end. It never blocks: a line that finds too many waiting goes to the log.
func (f *File) Write(line []byte) {
	f.mu.Lock()
	full := f.closed || len(f.lines)+len(line) > mostWaiting
	if !full {
		f.lines = append(f.lines, line...)
	}
	f.mu.Unlock()
	if full {
		f.logLine(line, ErrOverload)
		return
	}
	f.signal()
}

// Reopen closes the file and opens its path again, making the file if need be: it may have been moved away to begin a new one. What was queued
// before goes to the old one.
func (f *File) Reopen() {
	f.mu.Lock()
	f.reopen = true
	f.mu.Unlock()
	f.signal()
}

// Close writes what is queued and ends.
func (f *File) Close() {
	f.mu.Lock()
	f.closed = true
	f.mu.Unlock()
	f.signal()
	<-f.done
}

func (f *File) signal() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// take swaps what is queued for an empty buffer.
func (f *File) take(empty []byte) (lines []byte, reopen, closed bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	lines, reopen, closed = f.lines, f.reopen, f.closed
	f.lines, f.reopen = empty, false
	return lines, reopen, closed
}

func (w *writer) run() {
	defer close(w.done)
	var spare []byte
	for range w.wake {
		lines, reopen, closed := w.take(spare[:0])
		w.write(lines)
		spare = lines
		if reopen {
			w.close()
		}
		if closed {
			w.close()
			return
		}
	}
}

// write appends lines to the file. What it does not take goes to the log, line by line.
func (w *writer) write(lines []byte) {
	if len(lines) == 0 {
		return
	}
	if w.out == nil {
		out, err := w.open(w.path)
		if err != nil {
			w.fail(lines, err)
			return
		}
		w.out = out
	}
	if w.torn {
		// The rest of a line that a full disk has cut stands alone, so that the next line can be read.
		if _, err := w.out.Write([]byte{'\n'}); err != nil {
			w.fail(lines, err)
			return
		}
		w.torn = false
	}
	n, err := w.out.Write(lines)
	whole := bytes.LastIndexByte(lines[:n], '\n') + 1
	if err != nil {
		w.torn = n > whole
		w.fail(lines[whole:], err)
		return
	}
	if w.failed > 0 {
		w.log.Info("call records are written to the file again", "file", w.path, "in_log", w.failed)
		w.failed = 0
	}
}

// fail sends lines to the log. It says why once, until the file takes lines again. The file is opened anew for the next ones: it may lie on a
// disk that has gone.
func (w *writer) fail(lines []byte, err error) {
	if w.failed == 0 {
		w.log.Error("call records cannot be written to the file, they are in the log", "file", w.path, "err", err)
	}
	for line := range bytes.Lines(lines) {
		w.failed++
		w.logLine(line, nil)
	}
	w.close()
}

func (w *writer) close() {
	if w.out == nil {
		return
	}
	if err := w.out.Close(); err != nil {
		w.log.Error("the file of call records cannot be closed", "file", w.path, "err", err)
	}
	w.out = nil
}

// logLine is where a record goes that the file cannot take.
func (f *File) logLine(line []byte, err error) {
	attrs := []any{"record", string(bytes.TrimSuffix(line, []byte{'\n'}))}
	if err != nil {
		attrs = append(attrs, "err", err)
	}
	f.log.Warn("call record", attrs...)
}
