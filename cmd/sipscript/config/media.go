package config

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"github.com/sipscript/sipscript/engine/media"
	"github.com/sipscript/sipscript/engine/media/ng"
)

// Media is the `media` part. All of it is restart.
type Media struct {
	// Backend is who relays: "builtin" (default), which needs an interface, or "rtpengine", which needs one.
	Backend string
	// Interfaces are the addresses that media is received at. Default none: then media goes from peer to peer.
	Interfaces []media.Interface
	// Ports are those used at each interface. Default 20000 to 39999.
	Ports media.Ports
	// Threads is how many relay threads there are. Default 0: a quarter of the cores granted, at least one.
	Threads int
	// Timeout is after how long without a packet a call is over. Default 60 s.
	Timeout time.Duration
	// Rtpengine is the relay farm. Default none.
	Rtpengine []ng.Node
}

// Builtin says that this process relays.
func (m *Media) Builtin() bool { return m.Backend == "builtin" && len(m.Interfaces) > 0 }

// interfaces is the list of interfaces, each the text of an address or a mapping with `address` and `advertise`.
func interfaces(field *[]media.Interface) value {
	read := func(r *reader, n ast.Node, path string) {
		*field = nil
		for i, item := range r.list(n, path) {
			if in, ok := r.iface(item, element(path, i)); ok {
				*field = append(*field, in)
			}
		}
	}
	return value{field, "list", read, func() string { return "[]" }}
}

func (r *reader) iface(n ast.Node, path string) (in media.Interface, ok bool) {
	var address, advertise string
	if text, plain := scalar(n); plain {
		address = text
	} else if !r.texts(n, path, map[string]*string{"address": &address, "advertise": &advertise}, "address") {
		return in, false
	}
	in.Address, ok = r.ip(n, path, address)
	if ok && advertise != "" {
		in.Advertise, ok = r.ip(n, path, advertise)
	}
	if ok {
		if err := (&media.Config{Interfaces: []media.Interface{in}}).Validate(); err != nil {
			r.problem(n, "%s: %s", path, strings.TrimPrefix(err.Error(), "media: "))
			return in, false
		}
	}
	return in, ok
}

func (r *reader) ip(n ast.Node, path, text string) (netip.Addr, bool) {
	ip, err := netip.ParseAddr(strings.Trim(text, "[]"))
	if err != nil {
		r.problem(n, "%s: want an IP address, got %q", path, text)
	}
	return ip.Unmap(), err == nil
}

// ports is a range, "20000-39999".
func ports(field *media.Ports) value {
	read := func(r *reader, n ast.Node, path string) {
		text, _ := scalar(n)
		first, last, _ := strings.Cut(text, "-")
		low, errLow := strconv.ParseUint(strings.TrimSpace(first), 10, 16)
		high, errHigh := strconv.ParseUint(strings.TrimSpace(last), 10, 16)
		const lowest = 1024 // below, the system asks for privileges
		if errLow != nil || errHigh != nil || low < lowest || (low+1)&^1+1 > high {
			r.problem(n, "%s: want a range of ports of %d to 65535 with two in it, as 20000-39999, got %s", path, lowest, describe(n))
			return
		}
		*field = media.Ports{First: uint16(low), Last: uint16(high)}
	}
	return value{field, "range", read, func() string { return fmt.Sprintf("%d-%d", field.First, field.Last) }}
}

// nodes is the list of rtpengines, each the text of an address or a mapping with `address` and `weight`.
func nodes(field *[]ng.Node) value {
	read := func(r *reader, n ast.Node, path string) {
		*field = nil
		for i, item := range r.list(n, path) {
			if node, ok := r.node(item, element(path, i)); ok {
				*field = append(*field, node)
			}
		}
	}
	return value{field, "list", read, func() string { return "[]" }}
}

func (r *reader) node(n ast.Node, path string) (node ng.Node, ok bool) {
	address, weight := "", "1"
	if text, plain := scalar(n); plain {
		address = text
	} else if !r.texts(n, path, map[string]*string{"address": &address, "weight": &weight}, "address") {
		return node, false
	}
	var err error
	if node.Address, err = netip.ParseAddrPort(address); err != nil || node.Address.Port() == 0 {
		r.problem(n, "%s: want an IP address and a port, as 192.0.2.1:2223, got %q", path, address)
		return node, false
	}
	if node.Weight, err = strconv.Atoi(weight); err != nil || node.Weight < 1 || node.Weight > 1000 {
		r.problem(n, "%s: want a weight of 1 to 1000, got %q", path, weight)
		return node, false
	}
	return node, true
}

// validateMedia adds what is missing for the backend.
func (c *Config) validateMedia(at func(...string) Place, problems *Problems) {
	m := &c.Media
	if m.Backend == "rtpengine" && len(m.Rtpengine) == 0 {
		problems.add(at("media.rtpengine", "media.backend"), "media.rtpengine: want at least one address for media.backend rtpengine")
	}
	for i, in := range m.Interfaces {
		for _, other := range m.Interfaces[:i] {
			if other.Address == in.Address {
				problems.add(at("media.interfaces"), "media.interfaces: %v is named twice", in.Address)
			}
		}
	}
}
