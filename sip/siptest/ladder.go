package siptest

import (
	"bytes"
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/sipscript/sipscript/sip"
)

// LadderOption changes what Network.Ladder shows.
type LadderOption func(*ladder)

// OmitTimes leaves the column of times out.
func OmitTimes(l *ladder) { l.omitTimes = true }

// ShowConnections adds the opening, closing and resetting of streams.
func ShowConnections(l *ladder) { l.connections = true }

// ladder is a call flow drawn as text.
type ladder struct {
	omitTimes, connections bool
	columns                []string
	rows                   []row
}

// row is one arrow.
type row struct {
	sent     time.Duration
	from, to int // columns
	label    string
	fate     Fate
}

// Name gives an address a name in ladders. Port 0 names all ports of the address that have no name of their own.
func (n *Network) Name(addr netip.AddrPort, name string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.names[addr] = name
}

// nameUA names an address, and its host when that has no name yet: connections leave from other ports.
func (n *Network) nameUA(addr netip.AddrPort, name string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.names[addr] = name
	if host := netip.AddrPortFrom(addr.Addr(), 0); n.names[host] == "" {
		n.names[host] = name
	}
}

// Ladder draws the SIP messages so far as a call flow: a column per participant in order of appearance, an arrow per
// message, the milliseconds since the network was made at the left. What did not arrive ends in an x, what found nobody
// listening in an exclamation mark. Hosts are called what names or Network.Name say, else by their address.
//
// The same run draws the same ladder.
func (n *Network) Ladder(names map[netip.Addr]string, opts ...LadderOption) string {
	l := &ladder{}
	for _, o := range opts {
		o(l)
	}
	for _, e := range n.Trace().messages(l.connections) {
		l.add(e, n.nameOf(e.Src, names), n.nameOf(e.Dst, names))
	}
	return l.String()
}

func (n *Network) nameOf(a netip.AddrPort, names map[netip.Addr]string) string {
	if name, ok := names[a.Addr()]; ok {
		return name
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	return cmp.Or(n.names[a], n.names[netip.AddrPortFrom(a.Addr(), 0)], a.Addr().String())
}

func (l *ladder) add(e Entry, from, to string) {
	text := label(e.Bytes)
	if e.Kind != Datagram && e.Kind != Data && e.Kind != Clear {
		text = "(" + e.Kind.String() + ")"
	}
	if e.Copy {
		text += " (copy)"
	}
	l.rows = append(l.rows, row{sent: e.Sent, from: l.column(from), to: l.column(to), label: text, fate: e.Fate})
}

func (l *ladder) column(name string) int {
	if i := slices.Index(l.columns, name); i >= 0 {
		return i
	}
	l.columns = append(l.columns, name)
	return len(l.columns) - 1
}

func (l *ladder) String() string {
	gap := 12
	for _, r := range l.rows {
		gap = max(gap, len([]rune(r.label))+8)
	}
	for _, c := range l.columns {
		gap = max(gap, len([]rune(c))+2)
	}
	var b strings.Builder
	margin := "       "
	if l.omitTimes {
		margin = ""
	}
	left := 0
	if len(l.columns) > 0 {
		left = len([]rune(l.columns[0])) / 2
	}
	head := blank(left + gap*len(l.columns) + 1)
	for i, c := range l.columns {
		copy(head[left+gap*i-len([]rune(c))/2:], []rune(c))
	}
	line(&b, margin, head)
	for _, r := range l.rows {
		text := blank(left + gap*len(l.columns) + 1)
		for i := range l.columns {
			text[left+gap*i] = '|'
		}
		r.draw(text[left:], gap)
		if !l.omitTimes {
			margin = fmt.Sprintf("%6d ", r.sent.Milliseconds())
		}
		line(&b, margin, text)
	}
	return b.String()
}

// draw writes the arrow between the columns.
func (r row) draw(text []rune, gap int) {
	if r.from == r.to {
		copy(text[gap*r.from+1:], []rune(" "+r.label+" <-"))
		return
	}
	from, to := gap*min(r.from, r.to), gap*max(r.from, r.to)
	for i := from + 1; i < to; i++ {
		text[i] = '-'
	}
	copy(text[from+(to-from-len([]rune(r.label))-1)/2:], []rune(" "+r.label+" "))
	end, back, tip := to-1, to-2, '>'
	if r.to < r.from {
		end, back, tip = from+1, from+2, '<'
	}
	switch r.fate {
	case Delivered, InFlight:
		text[end] = tip
	case Refused:
		text[end], text[back] = '!', tip
	default:
		text[end], text[back] = ' ', 'x'
	}
}

func blank(n int) []rune { return []rune(strings.Repeat(" ", n)) }

func line(b *strings.Builder, margin string, text []rune) {
	b.WriteString(strings.TrimRight(margin+string(text), " "))
	b.WriteByte('\n')
}

// messages are the entries of a ladder: datagrams as they are, streams cut into their messages, each at the time its
// first byte was sent. Keep-alives are left out.
func (t Trace) messages(connections bool) []Entry {
	var all []Entry
	streams := map[[2]netip.AddrPort]*pending{}
	for _, e := range t {
		way := [2]netip.AddrPort{e.Src, e.Dst}
		switch e.Kind {
		case Datagram, Clear:
			if len(bytes.Trim(e.Bytes, "\r\n\x00")) > 0 {
				all = append(all, e)
			}
		case Data:
			if !e.Encrypted {
				if streams[way] == nil {
					streams[way] = &pending{}
				}
				all = append(all, streams[way].cut(e)...)
			}
		case Open, Finish, Reset:
			delete(streams, way)
			if connections {
				all = append(all, e)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b Entry) int { return cmp.Compare(a.Sent, b.Sent) })
	return all
}

// pending is the part of a message that a stream has carried so far.
type pending struct {
	first Entry // the segment it began in
	bytes []byte
}

func (p *pending) cut(e Entry) []Entry {
	var all []Entry
	if len(p.bytes) == 0 {
		p.first = e
	}
	p.bytes = append(p.bytes, e.Bytes...)
	for {
		skip, n, err := sip.Frame(p.bytes, sip.Limits{})
		if err != nil { // shown whole, as what it is
			n = len(p.bytes) - skip
		}
		p.bytes = p.bytes[skip:]
		if n == 0 {
			return all
		}
		m := p.first
		m.Bytes, p.bytes = p.bytes[:n:n], p.bytes[n:]
		all = append(all, m)
		p.first = e
	}
}
