package main

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/sipscript/sipscript/lua/rt"
)

const stubsHead = `---@meta
-- What scripts can call, for the Lua language server: made from the tables that bind it, like docs/reference.md.

---@class sipscript.error What the network, a peer or a database has caused; it prints itself.
---@field cause string a word: see the reference
---@field message string
---@field code? integer the SIP status that was the reason
`

// definitions is a file of annotations that is being written.
type definitions struct {
	strings.Builder
	objects map[string]bool // names of our own types
	err     error
}

func (d *definitions) line(format string, args ...any) {
	fmt.Fprintf(d, format+"\n", args...)
}

// stubs renders scripts/sipscript.d.lua.
func stubs(modules []rt.Module) ([]byte, error) {
	d := &definitions{objects: objectNames(modules)}
	d.WriteString(stubsHead)
	for i := range modules {
		for j := range modules[i].Shapes {
			d.shape(&modules[i].Shapes[j])
		}
		for _, t := range modules[i].Types {
			d.object(t)
		}
	}
	for i := range modules {
		d.module(&modules[i])
	}
	return []byte(d.String()), d.err
}

// objectNames are the types that this file defines, under names that are out of the way of others in the editor.
func objectNames(modules []rt.Module) map[string]bool {
	names := map[string]bool{"error": true}
	for i := range modules {
		for _, t := range modules[i].Types {
			names[t.Name] = true
		}
		for _, t := range modules[i].Shapes {
			names[t.Name] = true
		}
	}
	return names
}

// own writes a type with our own types under their full names. What stands before a colon is the name of a parameter
// or a key, and stays.
func (d *definitions) own(typ string) string {
	return words.ReplaceAllStringFunc(typ, func(word string) string {
		if d.objects[strings.TrimSuffix(word, "?")] {
			return "sipscript." + word
		}
		return word
	})
}

// words matches identifiers, the colon behind a name with them.
var words = regexp.MustCompile(`[a-z_]+\??:?`)

func (d *definitions) object(t *rt.Type) {
	d.line("\n---@class sipscript.%s %s", t.Name, oneLine(t.Doc))
	for i := range t.Fields {
		f := &t.Fields[i]
		d.line("---@field %s %s %s", f.Name, d.own(f.Type), oneLine(f.Doc))
	}
	d.line("do local %s = {} -- a module may have this name too", t.Name)
	for i := range t.Methods {
		d.function(t.Name+":"+t.Methods[i].Name, &t.Methods[i])
	}
	d.line("end")
}

func (d *definitions) shape(t *rt.Shape) {
	d.comment(t.Doc)
	if t.Type != "" {
		d.line("---@alias sipscript.%s %s", t.Name, d.own(t.Type))
	}
	if t.Keys != nil {
		d.class("sipscript."+t.Name, t.Keys)
	}
}

func (d *definitions) class(name string, keys *rt.OptionSet) {
	d.line("---@class %s", name)
	for i := range keys.List {
		o := &keys.List[i]
		d.line("---@field %s%s %s %s", o.Name, question(!o.Must), d.own(optionType(o)), oneLine(withDefault(o)))
	}
}

func (d *definitions) module(m *rt.Module) {
	if m.Name != "" {
		d.comment(m.Doc)
		d.line("%s = {}", m.Name)
	}
	for _, v := range m.Values {
		d.comment(v.Doc)
		d.line("---@type %s\n%s = nil", d.own(v.Type), qualified(m, v.Name))
	}
	for i := range m.Functions {
		d.function(qualified(m, m.Functions[i].Name), &m.Functions[i])
	}
}

func (d *definitions) function(name string, f *rt.Function) {
	s, err := parseSignature(f.Signature)
	if err != nil {
		if d.err == nil {
			d.err = fmt.Errorf("%s: %w", name, err)
		}
		return
	}
	class := "sipscript." + strings.ReplaceAll(name, ":", ".") + ".options"
	if f.Options != nil {
		d.line("")
		d.class(class, f.Options)
	}
	d.comment(f.Doc)
	for _, p := range s.params {
		typ := d.own(p.typ)
		switch {
		case p.name == "options":
			typ = class
		case p.typ == "":
			typ = "any"
		}
		d.line("---@param %s%s %s", p.name, question(p.optional), typ)
	}
	for _, r := range s.results {
		d.line("---@return %s", strings.TrimSpace(d.own(r.typ)+" "+r.name))
	}
	d.line("function %s(%s) end", name, s.names())
}

func withDefault(o *rt.Option) string {
	if o.Default == "" {
		return o.Doc
	}
	return o.Doc + "; default " + o.Default
}

func question(optional bool) string {
	if optional {
		return "?"
	}
	return ""
}

// comment writes documentation in front of what follows.
func (d *definitions) comment(doc string) {
	d.line("")
	for line := range strings.SplitSeq(doc, "\n") {
		d.line("%s", strings.TrimRight("--- "+line, " "))
	}
}

func oneLine(doc string) string { return strings.Join(strings.Fields(doc), " ") }
