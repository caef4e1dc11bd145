package config

import (
	"net/netip"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/transport"
)

// defaultListeners are UDP and TCP on the port of SIP at every IPv4 address.
func defaultListeners() []transport.ListenSpec {
	everywhere := netip.AddrPortFrom(netip.IPv4Unspecified(), sip.UDP.DefaultPort())
	return []transport.ListenSpec{{Transport: sip.UDP, Addr: everywhere}, {Transport: sip.TCP, Addr: everywhere}}
}

// listeners is the list of listeners, each the text of an address or a mapping with `address` and `advertise`.
func listeners(field *[]transport.ListenSpec) value {
	read := func(r *reader, n ast.Node, path string) {
		*field = nil
		for i, item := range r.list(n, path) {
			spec, ok := r.listener(item, element(path, i))
			if !ok {
				continue
			}
			r.places[element(path, len(*field))] = r.place(item)
			*field = append(*field, spec)
		}
	}
	show := func() string {
		texts := make([]string, len(*field))
		for i, spec := range *field {
			texts[i] = spec.String()
		}
		return strings.Join(texts, ", ")
	}
	return value{field, "list", read, show}
}

func (r *reader) listener(n ast.Node, path string) (transport.ListenSpec, bool) {
	if text, ok := scalar(n); ok {
		return r.address(n, path, text)
	}
	var address, advertise string
	if !r.texts(n, path, map[string]*string{"address": &address, "advertise": &advertise}, "address") {
		return transport.ListenSpec{}, false
	}
	spec, ok := r.address(n, path, address)
	spec.Advertise = advertise
	return spec, ok
}

func (r *reader) address(n ast.Node, path, text string) (transport.ListenSpec, bool) {
	spec, err := transport.ParseListen(text)
	if err != nil {
		r.problem(n, "%s: %v", path, err)
		return spec, false
	}
	return spec, true
}

// certificates is the list of certificates with their keys.
func certificates(field *[]transport.Certificate) value {
	read := func(r *reader, n ast.Node, path string) {
		*field = nil
		for i, item := range r.list(n, path) {
			var c transport.Certificate
			if r.files(item, element(path, i), map[string]*string{"cert": &c.Cert, "key": &c.Key}, "cert", "key") {
				*field = append(*field, c)
			}
		}
	}
	return value{field, "list", read, func() string { return "[]" }}
}

// texts reads a mapping of texts, of which some are required, and reports whether it is one without a problem.
func (r *reader) texts(n ast.Node, path string, fields map[string]*string, required ...string) bool {
	return r.mapping(n, path, fields, required, func(n ast.Node, path string) string {
		text, ok := scalar(n)
		if !ok {
			r.problem(n, "%s: want text, got %s", path, describe(n))
		}
		return text
	})
}

// files is texts, of paths of files.
func (r *reader) files(n ast.Node, path string, fields map[string]*string, required ...string) bool {
	return r.mapping(n, path, fields, required, r.path)
}
