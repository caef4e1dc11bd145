package main

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/yuin/gopher-lua/parse"

	"github.com/sipscript/sipscript/lua/api"
	"github.com/sipscript/sipscript/lua/rt"
)

func TestGeneratedFilesAreFresh(t *testing.T) {
	t.Parallel()
	files, err := outputs()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		have, err := os.ReadFile(filepath.Join("..", "..", "..", f.path))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(have, f.text) {
			t.Errorf("%s is stale: make docs-update writes it anew", f.path)
		}
	}
}

func TestSignaturesAreRead(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text string
		want signature
	}{
		{"()", signature{}},
		{"(seconds: number)", signature{params: []param{{name: "seconds", typ: "number"}}}},
		{"(fn: fun(a: string, b: any): boolean?, ttl?: number)", signature{params: []param{
			{name: "fn", typ: "fun(a: string, b: any): boolean?"}, {name: "ttl", typ: "number", optional: true}}}},
		{"(options?) → target[]?, err: error?", signature{
			params: []param{{name: "options", optional: true}}, results: []param{{typ: "target[]?"}, {name: "err", typ: "error?"}}}},
		{"(...) → table<string, {a: integer, b: string}>", signature{
			params: []param{{name: "..."}}, results: []param{{typ: "table<string, {a: integer, b: string}>"}}}},
	} {
		got, err := parseSignature(c.text)
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v, %v", c.text, got, err)
		}
	}
}

func TestSignaturesWithoutTypesAreRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "seconds", "(seconds)", "(Seconds: number)", "(a: string) →", "() → a → b", "(a: string"} {
		if s, err := parseSignature(text); err == nil {
			t.Errorf("%q was taken for %+v", text, s)
		}
	}
}

// Whatever a script can call or read says what it is: the reference has no empty places.
func TestEverythingIsDocumented(t *testing.T) {
	t.Parallel()
	said := func(what, doc string) {
		if !strings.HasSuffix(doc, ".") || strings.TrimSpace(doc) == "." {
			t.Errorf("%s: %q is no sentence", what, doc)
		}
	}
	shown := func(what, text string) {
		if text == "" {
			t.Errorf("%s has no description or no type", what)
		}
	}
	options := func(what string, set *rt.OptionSet) {
		if set == nil {
			return
		}
		for i := range set.List {
			shown(what+" "+set.List[i].Name, set.List[i].Doc)
		}
	}
	for _, m := range api.Modules() {
		said("module "+m.Name, m.Doc)
		for i := range m.Functions {
			said(m.Name+"."+m.Functions[i].Name, m.Functions[i].Doc)
			options(m.Name+"."+m.Functions[i].Name, m.Functions[i].Options)
		}
		for _, s := range m.Shapes {
			said(s.Name, s.Doc)
			options(s.Name, s.Keys)
		}
		for _, v := range m.Values {
			said(v.Name, v.Doc)
			shown(v.Name, v.Type)
		}
		for _, o := range m.Types {
			said(o.Name, o.Doc)
			for i := range o.Fields {
				shown(o.Name+"."+o.Fields[i].Name, o.Fields[i].Doc)
				shown(o.Name+"."+o.Fields[i].Name, o.Fields[i].Type)
			}
			for i := range o.Methods {
				said(o.Name+":"+o.Methods[i].Name, o.Methods[i].Doc)
				options(o.Name+":"+o.Methods[i].Name, o.Methods[i].Options)
			}
		}
	}
}

func TestReferenceLinksLeadSomewhere(t *testing.T) {
	t.Parallel()
	text, err := reference(api.Modules())
	if err != nil {
		t.Fatal(err)
	}
	anchors := map[string]bool{}
	for line := range strings.SplitSeq(string(text), "\n") {
		if heading, ok := strings.CutPrefix(strings.TrimLeft(line, "#"), " "); ok && strings.HasPrefix(line, "##") {
			if a := anchor(heading); anchors[a] {
				t.Errorf("two headings are #%s", a)
			} else {
				anchors[a] = true
			}
		}
	}
	for _, piece := range strings.Split(string(text), "](#")[1:] {
		if a, _, _ := strings.Cut(piece, ")"); !anchors[a] {
			t.Errorf("#%s leads nowhere", a)
		}
	}
}

func TestStubsAreLua(t *testing.T) {
	t.Parallel()
	text, err := stubs(api.Modules())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parse.Parse(bytes.NewReader(text), "sipscript.d.lua"); err != nil {
		t.Error(err)
	}
}

func TestStubsNameOwnTypesInFull(t *testing.T) {
	t.Parallel()
	d := definitions{objects: map[string]bool{"uri": true, "request": true, "error": true}}
	for typ, want := range map[string]string{
		"string|uri":                      "string|sipscript.uri",
		"fun(uri: uri): request?":         "fun(uri: sipscript.uri): sipscript.request?",
		"{uri: string, request?: request": "{uri: string, request?: sipscript.request",
		"target[]":                        "target[]",
	} {
		if got := d.own(typ); got != want {
			t.Errorf("%s became %s, want %s", typ, got, want)
		}
	}
}
