package config

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"github.com/sipscript/sipscript/engine/media"
	"github.com/sipscript/sipscript/sip/transport"
)

// Flags are what the command line says in the place of the file. nil stands for a flag that was not given.
type Flags struct {
	Listen []string // the values of --listen
	Media  []string // those of --media: addresses for media.interfaces
}

// Load reads the config file at path; "" stands for a file that says nothing. The error is a Problems with everything that is wrong, in the file
// and between file and flags.
func Load(path string, flags Flags) (*Config, error) {
	if path == "" {
		return parse("", nil, flags)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, Problems{{Place{File: path}, "cannot be read: " + cause(err).Error()}}
	}
	return parse(path, text, flags)
}

// parse is Load, for the text of the file.
func parse(path string, text []byte, flags Flags) (*Config, error) {
	file, problem := parseYAML(path, text)
	if problem != nil {
		return nil, Problems{*problem}
	}
	c := Default()
	c.file, c.places = path, make(map[string]Place)
	problems := c.read(file)
	c.replaceListeners(flags.Listen, &problems)
	c.replaceInterfaces(flags.Media, &problems)
	c.validate(&problems)
	if err := problems.err(); err != nil {
		return nil, err
	}
	return c, nil
}

// cause is err without the name of the file, which the problem's place says already.
func cause(err error) error {
	var pathError *fs.PathError
	if errors.As(err, &pathError) {
		return pathError.Err
	}
	return err
}

func parseYAML(path string, text []byte) (*ast.File, *Problem) {
	file, err := parser.ParseBytes(text, 0)
	if err == nil {
		return file, nil
	}
	var at yaml.Error
	if errors.As(err, &at) && at.GetToken() != nil {
		return nil, &Problem{Place{path, at.GetToken().Position.Line}, at.GetMessage()}
	}
	return nil, &Problem{Place{path, 1}, err.Error()}
}

// read takes file into c, leaving alone what the file does not say.
func (c *Config) read(file *ast.File) Problems {
	r := &reader{file: c.file, places: c.places}
	root := newSection(keys(c))
	for i, doc := range file.Docs {
		switch {
		case doc.Body == nil:
		case i == 0:
			r.section(doc.Body, root)
		default:
			r.problem(doc.Body, "a config file is one YAML document, this is another")
		}
	}
	return r.problems
}

// replaceListeners puts the listeners of the command line in the place of the file's.
func (c *Config) replaceListeners(flags []string, problems *Problems) {
	if len(flags) == 0 {
		return
	}
	c.Engine.Listen = nil
	delete(c.places, "listen")
	for _, text := range flags {
		flag := Place{File: "--listen " + text}
		spec, err := transport.ParseListen(text)
		if err != nil {
			problems.add(flag, "%v", err)
			continue
		}
		c.places[element("listen", len(c.Engine.Listen))] = flag
		c.Engine.Listen = append(c.Engine.Listen, spec)
	}
}

// replaceInterfaces puts the addresses of the command line in the place of the file's interfaces.
func (c *Config) replaceInterfaces(flags []string, problems *Problems) {
	if len(flags) == 0 {
		return
	}
	c.Media.Interfaces = nil
	delete(c.places, "media.interfaces")
	for _, text := range flags {
		flag := Place{File: "--media " + text}
		in := media.Interface{}
		var err error
		if in.Address, err = netip.ParseAddr(strings.Trim(text, "[]")); err != nil {
			problems.add(flag, "want an IP address")
			continue
		}
		if err := (&media.Config{Interfaces: []media.Interface{in}}).Validate(); err != nil {
			problems.add(flag, "%s", strings.TrimPrefix(err.Error(), "media: "))
			continue
		}
		c.Media.Interfaces = append(c.Media.Interfaces, in)
	}
}

// element is the path of one element of a list.
func element(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }
