package rt

import (
	"errors"
	"fmt"

	lua "github.com/yuin/gopher-lua"
)

var (
	// ErrClosed is returned by what needs a VM that has been closed.
	ErrClosed = errors.New("lua: vm closed")
	// ErrModule is wrapped by the error of a require that names no module.
	ErrModule = errors.New("module not found")
)

// Causes that this package itself gives to errors. All other causes are words of whoever raises them.
const (
	CauseScript  = "script"   // the script raised it, or did something wrong
	CauseBudget  = "budget"   // a slice of the run executed too many instructions
	CauseBug     = "bug"      // a Go function panicked; the stack is in the log
	CauseHangup  = "hangup"   // the caller is gone
	CauseCancel  = "canceled" // whoever waited for the run does so no longer
	CauseTimeout = "timeout"  // the time was over
	CauseNone    = "none"     // no task has returned a value
	CauseRetired = "retired"  // the version of the script was retired by force
	CauseKilled  = "killed"   // Kill without a cause of its own
)

// Error is an error in the form scripts see it: a table with cause, message and code that tostring makes readable.
type Error struct {
	Cause   string // a word, never a number
	Message string // a sentence without the cause
	Code    int    // the SIP status that was the reason; 0 when there was none
}

func (e *Error) Error() string {
	s := e.Cause
	if e.Code != 0 {
		s += fmt.Sprintf(" (%d)", e.Code)
	}
	if e.Message != "" {
		s += ": " + e.Message
	}
	return s
}

// RunError says why a run or a call failed.
type RunError struct {
	Handler   string     // the name given to Start or Call
	Cause     string     // the cause of the raised error value, or one of the Cause constants
	Code      int        // the code of the raised error value, or 0
	Message   string     // what was raised, with its position when the script gave it one
	At        string     // file:line of the raise; empty when no Lua code was running
	Traceback string     // innermost first, one frame a line
	Value     lua.LValue // the raised value itself
	Unwound   bool       // the run was unwound or killed, or did something with a caller who has gone: no mistake of the script
	Quiet     bool       // and it is not worth a log line: the caller is gone, or it was canceled
}

func (e *RunError) Error() string {
	return fmt.Sprintf("%s: %s", e.Handler, e.Message)
}

// SourceError is one thing wrong with one file.
type SourceError struct {
	File    string // relative to the script's folder
	Line    int    // 0 when the file could not be read
	Message string
}

func (e SourceError) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("%s: %s", e.File, e.Message)
	}
	return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Message)
}

// LoadError is everything wrong with a script and its modules, in the order of file and line.
type LoadError struct {
	Errors []SourceError
	Files  []string // absolute paths of all files that were read or looked for: changing one may cure it
}

func (e *LoadError) Error() string {
	if len(e.Errors) == 1 {
		return e.Errors[0].Error()
	}
	return fmt.Sprintf("%s (and %d more errors)", e.Errors[0].Error(), len(e.Errors)-1)
}

// Unwrap gives the single errors to errors.Is and errors.As.
func (e *LoadError) Unwrap() []error {
	all := make([]error, len(e.Errors))
	for i := range e.Errors {
		all[i] = e.Errors[i]
	}
	return all
}
