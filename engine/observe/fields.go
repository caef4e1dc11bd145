package observe

import (
	"log/slog"
	"strconv"
)

// The names of the fields that lines about a call or a script carry, so that a log can be searched by them.
const (
	FieldCallID  = "call_id"
	FieldVersion = "version"
	FieldHandler = "handler"
	FieldAt      = "at"
)

// CallID is the Call-ID of the call a line is about.
func CallID(id string) slog.Attr { return slog.String(FieldCallID, id) }

// Version is the number of the script version a line is about.
func Version(number int) slog.Attr { return slog.Int(FieldVersion, number) }

// Handler is the script handler that was running, "INVITE".
func Handler(name string) slog.Attr { return slog.String(FieldHandler, name) }

// At is a place in a script or config file, "office.lua:12".
func At(file string, line int) slog.Attr { return slog.String(FieldAt, file+":"+strconv.Itoa(line)) }
