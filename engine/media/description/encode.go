package description

import (
	"net/netip"
	"strconv"
)

func appendUint(b []byte, n uint64) []byte { return strconv.AppendUint(b, n, 10) }

func (w *writer) mline(kind string, port uint16, proto string, formats []Format) {
	w.text("m=")
	w.text(kind)
	w.text(" ")
	w.buf = appendUint(w.buf, uint64(port))
	w.text(" ")
	w.text(proto)
	for i := range formats {
		w.text(" ")
		w.text(formats[i].Token)
	}
	if len(formats) == 0 {
		w.text(" 0")
	}
	w.text("\r\n")
}

func (w *writer) connection(a netip.Addr) {
	w.text("c=IN ")
	w.addr(a)
}

func (w *writer) attribute(name string) {
	w.text("a=")
	w.line(name)
}

// addr writes the type of address, the address and the end of the line.
func (w *writer) addr(a netip.Addr) {
	switch {
	case !a.IsValid():
		w.text("IP4 0.0.0.0") // nothing is relayed, and nothing ever was
	case a.Is4():
		w.text("IP4 ")
		w.buf = a.AppendTo(w.buf)
	default:
		w.text("IP6 ")
		w.buf = a.AppendTo(w.buf)
	}
	w.text("\r\n")
}

func (w *writer) text(s string) { w.buf = append(w.buf, s...) }

func (w *writer) line(s string) {
	w.buf = append(w.buf, s...)
	w.buf = append(w.buf, '\r', '\n')
}
