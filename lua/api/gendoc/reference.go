package main

import (
	"fmt"
	"strings"

	"github.com/sipscript/sipscript/lua/rt"
)

const referenceHead = `# Lua reference

All that a script can call, made from the tables that bind it. [The guide](lua.md) says how to use it.

In signatures a type stands behind each name, and a ` + "`?`" + ` behind what may be left out. Times are seconds. ` + "`options`" + ` is a table with the
keys listed; an unknown key raises. Wrong use raises an error with file and line; what the network or a peer can cause returns ` + "`nil, err`" + `, where
` + "`err`" + ` has ` + "`cause`" + ` (a word), ` + "`message`" + ` and, where a response was the reason, ` + "`code`" + `.

A function marked **waits** returns when its result is there, and other calls go on meanwhile. It may not be called in the main chunk, in
` + "`on_branch`" + ` and ` + "`on_reply`" + `, and in the handler of an ACK.
`

// page is Markdown that is being written.
type page struct {
	strings.Builder
	err error // of the first signature that cannot be read
}

func (p *page) line(format string, args ...any) {
	fmt.Fprintf(p, format+"\n", args...)
}

// reference renders docs/reference.md.
func reference(modules []rt.Module) ([]byte, error) {
	p := &page{}
	p.WriteString(referenceHead)
	p.contents(modules)
	for i := range modules {
		p.module(&modules[i])
	}
	for i := range modules {
		for _, t := range modules[i].Types {
			p.object(t)
		}
	}
	return []byte(p.String()), p.err
}

// contents lists everything on the page.
func (p *page) contents(modules []rt.Module) {
	p.line("\n| | |\n|---|---|")
	for i := range modules {
		m := &modules[i]
		var links []string
		for _, v := range m.Values {
			links = append(links, link(qualified(m, v.Name)))
		}
		for j := range m.Functions {
			links = append(links, link(qualified(m, m.Functions[j].Name)))
		}
		for _, t := range m.Shapes {
			links = append(links, link(t.Name))
		}
		p.line("| [%s](#%s) | %s |", heading(m), anchor(heading(m)), strings.Join(links, " "))
	}
	for i := range modules {
		for _, t := range modules[i].Types {
			var links []string
			for j := range t.Methods {
				links = append(links, link(t.Name+":"+t.Methods[j].Name))
			}
			p.line("| [%s](#%s) | %s |", objectHeading(t), anchor(objectHeading(t)), strings.Join(links, " "))
		}
	}
}

func link(name string) string { return fmt.Sprintf("[`%s`](#%s)", name, anchor(name)) }

// anchor is what GitHub makes of a heading.
func anchor(heading string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '_' || r == '-':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		case r == ' ':
			return '-'
		}
		return -1
	}, heading)
}

func heading(m *rt.Module) string {
	if m.Name == "" {
		return "Globals"
	}
	return "Module " + m.Name
}

func objectHeading(t *rt.Type) string { return "Object " + t.Name }

func qualified(m *rt.Module, name string) string {
	if m.Name == "" {
		return name
	}
	return m.Name + "." + name
}

func (p *page) module(m *rt.Module) {
	p.line("\n## %s\n\n%s", heading(m), m.Doc)
	for _, v := range m.Values {
		p.line("\n### %s\n\n`%s: %s`\n\n%s", qualified(m, v.Name), qualified(m, v.Name), v.Type, v.Doc)
	}
	for i := range m.Functions {
		p.function(qualified(m, m.Functions[i].Name), &m.Functions[i])
	}
	for i := range m.Shapes {
		t := &m.Shapes[i]
		p.line("\n### %s\n\n%s", t.Name, t.Doc)
		if t.Type != "" {
			p.line("\n`%s`", t.Type)
		}
		p.options(t.Keys)
	}
}

func (p *page) object(t *rt.Type) {
	p.line("\n## %s\n\n%s\n", objectHeading(t), t.Doc)
	p.line("| field | type | |\n|---|---|---|")
	for i := range t.Fields {
		f := &t.Fields[i]
		doc := f.Doc
		if f.Set != nil {
			doc = "*writable* · " + doc
		}
		p.line("| `%s` | `%s` | %s |", f.Name, cell(f.Type), doc)
	}
	for i := range t.Methods {
		p.function(t.Name+":"+t.Methods[i].Name, &t.Methods[i])
	}
}

func (p *page) function(name string, f *rt.Function) {
	if _, err := parseSignature(f.Signature); err != nil && p.err == nil {
		p.err = fmt.Errorf("%s: %w", name, err)
	}
	p.line("\n### %s\n\n`%s%s`%s\n\n%s", name, name, f.Signature, marks(f), f.Doc)
	p.options(f.Options)
}

func (p *page) options(set *rt.OptionSet) {
	if set == nil {
		return
	}
	p.line("\n| key | type | default | |\n|---|---|---|---|")
	for i := range set.List {
		o := &set.List[i]
		p.line("| `%s` | `%s` | %s | %s |", o.Name, cell(optionType(o)), otherwise(o), o.Doc)
	}
}

// marks says where a function may be called, if not anywhere, and whether it waits.
func marks(f *rt.Function) string {
	var all []string
	if f.Waits {
		all = append(all, "**waits**")
	}
	switch f.Phases {
	case 0, rt.MayWait:
	case ^rt.Init:
		all = append(all, "not in the main chunk")
	default:
		all = append(all, "in "+f.Phases.String())
	}
	if len(all) == 0 {
		return ""
	}
	return " · " + strings.Join(all, " · ")
}

// optionType is the type of an option as the language server writes it.
func optionType(o *rt.Option) string {
	switch {
	case o.Type != "":
		return o.Type
	case o.Choices != nil:
		return `"` + strings.Join(o.Choices, `"|"`) + `"`
	}
	switch o.Kind {
	case rt.Integer:
		return "integer"
	case rt.Number, rt.Seconds:
		return "number"
	case rt.Code:
		return "integer|string"
	case rt.Func:
		return "function"
	case rt.Callable:
		return "function|table"
	}
	return o.Kind.String()
}

// cell writes text into a table, where a bar would end the cell.
func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }

// otherwise is what stands for a key that is not given.
func otherwise(o *rt.Option) string {
	switch {
	case o.Must:
		return "*must be given*"
	case o.Default == "":
		return "–"
	}
	return "`" + cell(o.Default) + "`"
}
