package rt

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"testing"

	lua "github.com/yuin/gopher-lua"
)

func TestLoadReportsAllErrorsOfAllFiles(t *testing.T) {
	t.Parallel()
	_, err := Load(memory{
		"main.lua":       "require 'a'\nlocal x = require('b.c')\nrequire \"missing\"\nrequire '../escape'\nrequire 'sip'\nrequire 'string'\n",
		"a.lua":          "x = \n\n",
		"b/c.lua":        "require 'a'\nif x then\n\nfoo(\nend",
		"unreferred.lua": "(",
	}, "/s/main.lua", "sip")
	var failed *LoadError
	if !errors.As(err, &failed) {
		t.Fatalf("got %v", err)
	}
	var got []string
	for _, e := range failed.Errors {
		got = append(got, e.Error())
	}
	want := []string{
		"a.lua:1: syntax error near the end of the file",
		"b/c.lua:5: syntax error near 'end'",
		"main.lua:3: module 'missing' not found: file does not exist",
		"main.lua:4: require: '../escape' is no name of a module",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if want := []string{"/s/main.lua", "/s/a.lua", "/s/b/c.lua", "/s/missing.lua"}; !slices.Equal(failed.Files, want) {
		t.Errorf("files %v, want %v", failed.Files, want)
	}
	var one SourceError
	if !errors.As(err, &one) || one.File != "a.lua" || !strings.HasSuffix(err.Error(), "(and 3 more errors)") {
		t.Errorf("as one error: %v, %v", one, err)
	}
}

func TestSyntaxErrorsSayWhere(t *testing.T) {
	t.Parallel()
	big := "x = {\n" + strings.Repeat("1,", 26_000) + "}"
	for _, tt := range []struct{ source, want string }{
		{"x =", "main.lua:1: syntax error near the end of the file"},
		{"\n\nlocal x = 1 + + 2", "main.lua:3: syntax error near '+'"},
		{"print('a\n')", "main.lua:2: unterminated string near 'a'"},
		{"--[[ endless\n\n", "main.lua:1: invalid multiline comment near the end of the file"},
		{"x = @", "main.lua:1: Invalid token near '@'"},
		{"\ngoto nowhere", "main.lua:2: no visible label 'nowhere' for goto"},
		{"\nbreak", "main.lua:2: no loop to break"},
		{"function f()\n return ...\nend", "main.lua:2: cannot use '...' outside a vararg function"},
		{"#!/bin/sh\nx =", "main.lua:2: syntax error near the end of the file"},
		{"f() = 1", "main.lua:1: syntax error near '='"},
		{"x = 3x", "main.lua:1: syntax error near the end of the file"},
		{"\x00\xff", "main.lua:1: Invalid token near '\x00'"},
		{big, "main.lua:1: a table constructor with 26000 items; at most 25550 are possible"},
	} {
		_, err := Load(memory{"main.lua": tt.source}, "/s/main.lua")
		if err == nil || err.Error() != tt.want {
			t.Errorf("%.40q: got %v, want %s", tt.source, err, tt.want)
		}
	}
}

func TestMissingScript(t *testing.T) {
	t.Parallel()
	_, err := Load(memory{}, "/s/main.lua")
	if err == nil || err.Error() != "main.lua: file does not exist" {
		t.Errorf("got %v", err)
	}
}

func TestRequire(t *testing.T) {
	t.Parallel()
	w := loadFiles(t, memory{
		"main.lua": `
local m = require "my.module"
local again = require("my.module")
local name = "computed"
local c = require(name)
function f() return m.value, m == again, c, require("my.module") == m, require "string" == string, require("_G") == _G, tostring(require "nothing"), require "nothing" == true end
function late() return pcall(require, "unknown") end`,
		"my/module.lua": `local name = ... return {value = name}`,
		"computed.lua":  `return "computed"`,
		"nothing.lua":   ``,
	})
	w.start("f").want(t, "my.module", "true", "computed", "true", "true", "true", "true", "true")
	w.start("late").want(t, "false", "require: module not found: 'unknown': its file is read while the script loads, when the main chunk requires it or its name is written in the source")
	if want := []string{"/s/computed.lua", "/s/main.lua", "/s/my/module.lua", "/s/nothing.lua"}; !slices.Equal(w.Program().Files(), want) {
		t.Errorf("files %v, want %v", w.Program().Files(), want)
	}
}

func TestModulesMayBeRequiredLate(t *testing.T) {
	t.Parallel()
	w := loadFiles(t, memory{
		"main.lua": `
function f() return require("lazy").value, require("lazy").value end
function waits() return pcall(function() return require "waits" end) end
function declares() return pcall(function() return require "declares" end) end
function fails() return pcall(function() return require "fails" end) end`,
		"lazy.lua":     `return {value = #coroutine.wrap(function() return "four" end)()}`,
		"waits.lua":    `sleep(1)`,
		"declares.lua": `undeclared = 1`,
		"fails.lua":    `error("broken")`,
	})
	w.start("f").want(t, "4", "4")
	for range 2 {
		w.start("waits").want(t, "false", "waits.lua:1: sleep: may not wait in a module required late")
		w.start("fails").want(t, "false", "fails.lua:1: broken")
	}
	if o := w.start("declares"); !strings.Contains(o.results[1], "declares.lua:1: attempt to write undeclared global") {
		t.Errorf("got %v", o.results)
	}
}

func TestRequireErrors(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		files memory
		want  string
	}{
		{memory{"main.lua": "require 'a'", "a.lua": "require 'b'", "b.lua": "\nrequire 'a'"}, "main chunk: b.lua:2: require: loop: 'a' is being loaded already"},
		{memory{"main.lua": "local n = 'a'\nrequire(n)"}, "main chunk: main.lua:2: require: module not found: 'a': a.lua: file does not exist"},
		{memory{"main.lua": "local n = 'a'\nrequire(n)", "a.lua": "\nx ="}, "main chunk: main.lua:2: require: module not found: 'a': a.lua:2: syntax error near the end of the file"},
		{memory{"main.lua": "local n = '/etc/x'\nrequire(n)"}, "main chunk: main.lua:2: require: module not found: '/etc/x' is no name of a module"},
		{memory{"main.lua": "\nrequire 'a'", "a.lua": "\n\nerror('broken')"}, "main chunk: a.lua:3: broken"},
	} {
		if _, err := tryLoad(t, tt.files); err == nil || err.Error() != tt.want {
			t.Errorf("got %v, want %s", err, tt.want)
		}
	}
}

func TestHashIsOfTheModuleGraph(t *testing.T) {
	t.Parallel()
	hash := func(files memory) string {
		p, err := Load(files, "/s/main.lua")
		if err != nil {
			t.Fatal(err)
		}
		return p.Hash()
	}
	one := hash(memory{"main.lua": "require 'a'", "a.lua": "x = 1"})
	if two := hash(memory{"main.lua": "require 'a'", "a.lua": "x = 1", "b.lua": "x = 2"}); one != two {
		t.Error("a file that is not required changes the hash")
	}
	seen := map[string]bool{one: true}
	for _, files := range []memory{
		{"main.lua": "require 'a'", "a.lua": "x = 2"},
		{"main.lua": "require 'a' ", "a.lua": "x = 1"},
		{"main.lua": "require 'a'  require 'b'", "a.lua": "x = 1", "b.lua": ""},
	} {
		if h := hash(files); seen[h] {
			t.Errorf("%v has a hash that another has", files)
		} else {
			seen[h] = true
		}
	}
}

func TestChangedSeesComputedModulesToo(t *testing.T) {
	t.Parallel()
	files := memory{"main.lua": "require 'a' local n = 'b' require(n)", "a.lua": "", "b.lua": ""}
	w := loadFiles(t, files)
	p := w.Program()
	if p.Changed() {
		t.Error("changed before anything changed")
	}
	for _, name := range []string{"main.lua", "a.lua", "b.lua"} {
		before := files[name]
		files[name] += " "
		if !p.Changed() {
			t.Errorf("a change of %s is not seen", name)
		}
		files[name] = before
	}
	delete(files, "a.lua")
	if !p.Changed() {
		t.Error("a missing file is not seen")
	}
}

func TestOneProgramServesManyVMsAtOnce(t *testing.T) {
	t.Parallel()
	p, err := Load(memory{
		"main.lua":     `local n = "computed" local c = require(n) x = x or 0 function f() x = x + c return x end`,
		"computed.lua": "return 1",
	}, "/s/main.lua")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			vm, err := NewVM(p, VMConfig{Loop: newLoop()})
			if err != nil {
				t.Error(err)
				return
			}
			defer vm.Close()
			fn := vm.globals.RawGetString("f").(*lua.LFunction)
			for i := 1; i <= 100; i++ {
				o := &outcome{}
				vm.Start("f", fn, Handler, nil, nil, o.done)
				if o.err != nil || o.results[0] != fmt.Sprint(i) {
					t.Errorf("call %d: %v %v", i, o.results, o.err)
				}
			}
		})
	}
	wg.Wait()
}

func TestReadErrorsAreNamed(t *testing.T) {
	t.Parallel()
	_, err := Load(failing{}, "/s/main.lua")
	if err == nil || err.Error() != "main.lua: permission denied" {
		t.Errorf("got %v", err)
	}
}

type failing struct{}

func (failing) ReadFile(path string) ([]byte, error) {
	return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrPermission}
}

// Whatever is in a file, loading it ends with a program or an error.
func FuzzLoad(f *testing.F) {
	for _, source := range []string{
		"", "x = 1", "local a, b = b, a", "return ...", "goto x ::x::", "while true do break end", "x = {1, 2, [3] = 4; 'a'}",
		"for i = 1, 2 do end", "#!\n", "\xef\xbb\xbf", "a.b[c], d = (f()), ...", "x = 'a' .. 1 .. nil", "--[==[", "\x00", "0x", "1..2", "(((((",
		"local function f(...) return (...) end", "repeat local x until x", "if nil then elseif false then else end", "x:y'z'{}()",
	} {
		f.Add(source)
	}
	f.Fuzz(func(t *testing.T, source string) {
		p, err := Load(memory{"main.lua": source}, "/s/main.lua")
		if err != nil {
			return
		}
		vm, err := NewVM(p, VMConfig{Loop: newLoop(), InitBudget: 10_000})
		if err != nil {
			if e := err.(*RunError); e.Cause == CauseBug {
				t.Errorf("%q: %v\n%s", source, e, e.Traceback)
			}
			return
		}
		vm.Close()
	})
}
