package rt

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/ast"
	"github.com/yuin/gopher-lua/parse"
)

// compile parses, rewrites and compiles one file. The chunk is nil when there are errors.
func compile(name string, source []byte) (*chunk, []SourceError) {
	c := &chunk{name: name, source: sha256.Sum256(source)}
	stmts, err := parseSource(name, source)
	if err != nil {
		return nil, []SourceError{*err}
	}
	rw := rewriter{}
	stmts = rw.chunk(stmts)
	c.requires = rw.requires
	if len(rw.errors) > 0 {
		for i := range rw.errors {
			rw.errors[i].File = name
		}
		return nil, rw.errors
	}
	c.proto, err = compileChunk(name, stmts)
	if err != nil {
		return nil, []SourceError{*err}
	}
	return c, nil
}

// parseSource parses a file. A first line that starts with # is for the shell, a byte order mark for an editor.
func parseSource(name string, source []byte) (stmts []ast.Stmt, failed *SourceError) {
	text := bytes.TrimPrefix(source, []byte("\xef\xbb\xbf"))
	if len(text) > 0 && text[0] == '#' {
		end := bytes.IndexByte(text, '\n')
		if end < 0 {
			end = len(text)
		}
		text = text[end:]
	}
	defer func() {
		// The scanner panics on some input that is no Lua at all.
		if p := recover(); p != nil {
			stmts, failed = nil, &SourceError{name, 1, fmt.Sprint("not Lua source: ", p)}
		}
	}()
	stmts, err := parse.Parse(bytes.NewReader(text), name)
	if err != nil {
		return nil, syntaxError(name, text, err)
	}
	return stmts, nil
}

func syntaxError(name string, text []byte, err error) *SourceError {
	var at *parse.Error
	if !errors.As(err, &at) {
		return &SourceError{name, 1, strings.TrimSpace(err.Error())}
	}
	message := strings.TrimSpace(at.Message)
	if message == "parse error" {
		message = "syntax error"
	}
	if at.Pos.Line == parse.EOF {
		return &SourceError{name, 1 + bytes.Count(bytes.TrimRight(text, "\r\n"), []byte("\n")), message + " near the end of the file"}
	}
	return &SourceError{name, at.Pos.Line, fmt.Sprintf("%s near '%s'", message, at.Token)}
}

// compileChunk compiles statements into the function that takes what rewritten code needs and returns the chunk.
func compileChunk(name string, stmts []ast.Stmt) (proto *lua.FunctionProto, failed *SourceError) {
	defer func() {
		if p := recover(); p != nil {
			proto, failed = nil, &SourceError{name, 1, fmt.Sprint("cannot be compiled: ", p)}
		}
	}()
	proto, err := lua.Compile(stmts, name)
	if err != nil {
		var at *lua.CompileError
		if errors.As(err, &at) {
			return nil, compileError(name, at)
		}
		return nil, &SourceError{name, 1, err.Error()}
	}
	repair(proto)
	return proto, nil
}

// compileError takes the line of a goto without a label from the message: the error itself has that of the function's end.
func compileError(name string, at *lua.CompileError) *SourceError {
	message, where, ok := strings.Cut(at.Message, " for <goto> at line ")
	if line, err := strconv.Atoi(where); ok && err == nil {
		return &SourceError{name, line, message + " for goto"}
	}
	return &SourceError{name, max(at.Line, 1), at.Message}
}

// chunk makes the main function of a compiled file in this VM.
func (vm *VM) chunk(c *chunk) *lua.LFunction {
	th := vm.acquire()
	th.Push(vm.root.NewFunctionFromProto(c.proto))
	th.Push(vm.concat)
	th.Call(1, 1)
	main := th.Get(-1).(*lua.LFunction)
	vm.release(th)
	return main
}
