package location

import (
	"encoding/binary"
	"net/netip"
	"strings"
	"time"

	"github.com/sipscript/sipscript/sip"
)

// packed is the bindings of one AOR at rest: one allocation of some 180 bytes, where the strings, times and addresses of an
// unpacked Binding take 600 and as many pointers for the garbage collector to follow. Unpacked strings are slices of it.
//
//	count, then for each binding
//	expires registered              varint, Unix nanoseconds; 0: none
//	q cseq reg-id conn transport    uvarint
//	local remote source             length byte, netip.AddrPort in binary; source without length and bytes when it is remote
//	agent                           uvarint: number in the table of agents, 0: its text follows
//	uri name params call-id       uvarint length, text
//	instance                      uvarint: 1 + where in params it stands, then its length; 0: length, text
//	number of paths, each path    uvarint, as uri
type packed string

// packer packs; it belongs to the committer.
type packer struct {
	agents  agents
	scratch []byte
}

func newPacker() *packer { return &packer{agents: agents{numbers: make(map[string]uint64)}} }

func (p *packer) pack(bindings []Binding) packed {
	b := binary.AppendUvarint(p.scratch[:0], uint64(len(bindings)))
	for i := range bindings {
		b = packBinding(b, &bindings[i], &p.agents)
	}
	if cap(b) <= maxScratch {
		p.scratch = b
	}
	return packed(b)
}

// A scratch buffer that one giant row has grown is not kept.
const maxScratch = 1 << 16

func packBinding(b []byte, v *Binding, ag *agents) []byte {
	b = packTime(b, v.Expires)
	b = packTime(b, v.Registered)
	b = binary.AppendUvarint(b, uint64(v.Q))
	b = binary.AppendUvarint(b, uint64(v.CSeq))
	b = binary.AppendUvarint(b, uint64(v.RegID))
	b = binary.AppendUvarint(b, v.Flow.Conn)
	b = binary.AppendUvarint(b, uint64(v.Flow.Transport))
	b = packAddr(b, v.Flow.Local)
	b = packAddr(b, v.Flow.Remote)
	if v.Source == v.Flow.Remote {
		b = append(b, sameAddr)
	} else {
		b = packAddr(b, v.Source)
	}
	agent := ag.number(v.UserAgent)
	b = binary.AppendUvarint(b, agent)
	if agent == 0 {
		b = packText(b, v.UserAgent)
	}
	b = packText(b, v.URI)
	b = packText(b, v.Name)
	b = packText(b, string(v.Params))
	b = packText(b, v.CallID)
	b = packSlice(b, v.Instance, string(v.Params))
	b = binary.AppendUvarint(b, uint64(len(v.Path)))
	for _, p := range v.Path {
		b = packText(b, p)
	}
	return b
}

// sameAddr stands for the length of an address that equals the one before it.
const sameAddr = 0xff

func packTime(b []byte, t time.Time) []byte {
	if t.IsZero() {
		return binary.AppendVarint(b, 0)
	}
	return binary.AppendVarint(b, t.UnixNano())
}

func packAddr(b []byte, a netip.AddrPort) []byte {
	at := len(b)
	b = append(b, 0)
	if !a.IsValid() {
		return b
	}
	b, _ = a.AppendBinary(b) // never fails
	if len(b)-at-1 >= sameAddr {
		return b[:at+1] // an interface name of over 200 characters is no address of ours
	}
	b[at] = byte(len(b) - at - 1)
	return b
}

func packText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// packSlice packs a text that probably stands in another one, as an instance does in the contact's parameters.
func packSlice(b []byte, s, in string) []byte {
	at := strings.Index(in, s)
	b = binary.AppendUvarint(b, uint64(at+1))
	if at < 0 {
		return packText(b, s)
	}
	return binary.AppendUvarint(b, uint64(len(s)))
}

// count returns the number of bindings.
func (p packed) count() int {
	r := reader{rest: string(p)}
	return int(r.uvarint())
}

// unpack returns the bindings that are live at now; a zero now means all. The order is kept.
func (p packed) unpack(now time.Time, agents []string) []Binding {
	r := reader{rest: string(p)}
	n := int(r.uvarint())
	if n == 0 {
		return nil
	}
	out := make([]Binding, 0, n)
	for range n {
		out = out[:len(out)+1]
		b := &out[len(out)-1]
		r.binding(b, agents)
		if !now.IsZero() && !b.Live(now) {
			*b = Binding{}
			out = out[:len(out)-1]
		}
	}
	return out
}

// reader reads what pack wrote.
type reader struct {
	rest string
}

func (r *reader) binding(b *Binding, agents []string) {
	b.Expires = r.time()
	b.Registered = r.time()
	b.Q = int(r.uvarint())
	b.CSeq = uint32(r.uvarint())
	b.RegID = uint32(r.uvarint())
	b.Flow.Conn = r.uvarint()
	b.Flow.Transport = sip.Transport(r.uvarint())
	b.Flow.Local = r.addr(netip.AddrPort{})
	b.Flow.Remote = r.addr(netip.AddrPort{})
	b.Source = r.addr(b.Flow.Remote)
	if n := r.uvarint(); n > 0 {
		b.UserAgent = agents[n-1]
	} else {
		b.UserAgent = r.text()
	}
	b.URI = r.text()
	b.Name = r.text()
	b.Params = sip.Params(r.text())
	b.CallID = r.text()
	b.Instance = r.slice(string(b.Params))
	if n := r.uvarint(); n > 0 {
		b.Path = make([]string, n)
		for i := range b.Path {
			b.Path[i] = r.text()
		}
	}
}

func (r *reader) uvarint() uint64 {
	var v uint64
	for i := range len(r.rest) {
		c := r.rest[i]
		v |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			r.rest = r.rest[i+1:]
			return v
		}
	}
	return 0
}

func (r *reader) time() time.Time {
	u := r.uvarint()
	if u == 0 {
		return time.Time{}
	}
	return time.Unix(0, int64(u>>1)^-int64(u&1)) // zigzag, as encoding/binary writes a varint
}

func (r *reader) text() string {
	n := r.uvarint()
	s := r.rest[:n]
	r.rest = r.rest[n:]
	return s
}

func (r *reader) slice(in string) string {
	at := r.uvarint()
	if at == 0 {
		return r.text()
	}
	return in[at-1 : at-1+r.uvarint()]
}

func (r *reader) addr(before netip.AddrPort) netip.AddrPort {
	n := int(r.rest[0])
	r.rest = r.rest[1:]
	if n == sameAddr {
		return before
	}
	raw := r.rest[:n]
	r.rest = r.rest[n:]
	if n == 0 {
		return netip.AddrPort{}
	}
	ip, port := raw[:n-2], uint16(raw[n-2])|uint16(raw[n-1])<<8
	switch len(ip) {
	case 4:
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte([]byte(ip))), port)
	case 16:
		return netip.AddrPortFrom(netip.AddrFrom16([16]byte([]byte(ip))), port)
	}
	zoned := netip.AddrFrom16([16]byte([]byte(ip[:16]))).WithZone(ip[16:])
	return netip.AddrPortFrom(zoned, port)
}

// conns yields the stream connections by which the bindings came.
func conns(bindings []Binding, yield func(conn uint64)) {
	for i := range bindings {
		if c := bindings[i].Flow.Conn; c != 0 {
			yield(c)
		}
	}
}

// agents numbers the User-Agent values in use. A site has few makes of phones: each is stored once. The table is
// bounded, since a value can be anything; what finds no room in it is packed as text.
type agents struct {
	numbers map[string]uint64
	names   []string // append-only: a slice once published stays right
}

const (
	maxAgents   = 4096
	maxAgentLen = 256
)

// number returns the number of an agent from 1 on, 0 when it is to be packed as text.
func (a *agents) number(name string) uint64 {
	if n, ok := a.numbers[name]; ok {
		return n
	}
	if name == "" || len(name) > maxAgentLen || len(a.names) == maxAgents {
		return 0
	}
	name = strings.Clone(name)
	a.names = append(a.names, name)
	n := uint64(len(a.names))
	a.numbers[name] = n
	return n
}
