package rt

import (
	"slices"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// wordings are gopher-lua's messages that say less than Lua's, and what they become.
var wordings = strings.NewReplacer(
	"attempt to index a non-table object(", "attempt to index a ",
	") with key '", " value (key '",
	"__len undefined", "attempt to get the length of a value that has none",
	"__unm undefined", "attempt to negate a value that is no number",
	"registry overflow", "stack overflow",
)

// reword makes a message of gopher-lua one that a Lua programmer expects.
func reword(message string) string {
	switch {
	case strings.Contains(message, "attempt to index a non-table object("):
		return wordings.Replace(message) + ")"
	case strings.HasSuffix(message, " undefined"), strings.HasSuffix(message, "registry overflow"):
		return wordings.Replace(message)
	}
	return message
}

const notCallable = "attempt to call a non-function object"

// nameCall says what could not be called, which gopher-lua does not: the names of what is called on that line.
func (p *Program) nameCall(message string) string {
	at, rest, ok := cutPosition(message)
	if !ok || rest != notCallable {
		return message
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.chunks() {
		line, found := strings.CutPrefix(at, c.name+":")
		if !found {
			continue
		}
		if names := callsOn(c.proto, line, nil); len(names) > 0 {
			return at + ": attempt to call " + strings.Join(names, " or ") + ", which is no function"
		}
	}
	return message
}

// callsOn adds the names of what a function and those in it call on a line.
func callsOn(proto *lua.FunctionProto, line string, names []string) []string {
	for _, call := range proto.DbgCalls {
		name := "'" + call.Name + "'"
		if call.Pc >= len(proto.DbgSourcePositions) || call.Name == concatName || call.Name == "?" || slices.Contains(names, name) {
			continue
		}
		if strconv.Itoa(proto.DbgSourcePositions[call.Pc]) == line {
			names = append(names, name)
		}
	}
	for _, inner := range proto.FunctionPrototypes {
		names = callsOn(inner, line, names)
	}
	return names
}
