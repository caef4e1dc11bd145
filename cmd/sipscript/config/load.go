package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"github.com/sipscript/sipscript/sip/transport"
)

// Load reads the config file at path; "" stands for a file that says nothing. listen, when given, takes the place of the file's listeners: it
// has the values of --listen flags. The error is a Problems with everything that is wrong, in the file and between file and flags.
func Load(path string, listen []string) (*Config, error) {
	if path == "" {
		return parse("", nil, listen)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, Problems{{Place{File: path}, "cannot be read: " + cause(err).Error()}}
	}
	return parse(path, text, listen)
}

// parse is Load, for the text of the file.
func parse(path string, text []byte, listen []string) (*Config, error) {
	file, problem := parseYAML(path, text)
	if problem != nil {
		return nil, Problems{*problem}
	}
	c := Default()
	c.file, c.places = path, make(map[string]Place)
	problems := c.read(file)
	c.replaceListeners(listen, &problems)
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

// element is the path of one element of a list.
func element(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }
