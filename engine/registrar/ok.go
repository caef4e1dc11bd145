package registrar

import (
	"strconv"
	"strings"
	"time"

	"github.com/sipscript/sipscript/engine/location"
	"github.com/sipscript/sipscript/sip"
)

// dateFormat is a SIP-date (RFC 3261 §20.17): always GMT.
const dateFormat = "Mon, 02 Jan 2006 15:04:05 GMT"

// ok is the 200 that lists all bindings with the time they really have left (RFC 3261 §10.3 item 8).
func (r *register) ok(bindings []location.Binding) Outcome {
	headers := make([]sip.Field, 0, len(bindings)+2)
	for i := range bindings {
		headers = append(headers, sip.Field{Name: "Contact", Value: contactValue(&bindings[i], r.now)})
	}
	if len(r.path) > 0 {
		headers = append(headers, sip.Field{Name: "Path", Value: strings.Join(r.path, ", ")}) // RFC 3327 §5.3
	}
	headers = append(headers, sip.Field{Name: "Date", Value: r.now.UTC().Format(dateFormat)})
	return Outcome{Code: 200, Reason: sip.Reason(200), Headers: headers, Bindings: bindings}
}

// contactValue writes a binding as a Contact. The URI stands as it was registered, with its header part, and always in angle brackets: what
// follows without them would become a parameter of another thing (RFC 3261 §20.10, RFC 8217 §4).
func contactValue(b *location.Binding, now time.Time) string {
	v := make([]byte, 0, len(b.Name)+len(b.URI)+len(b.Params)+32)
	if b.Name != "" {
		v = append(v, '"')
		for i := range len(b.Name) {
			if c := b.Name[i]; c == '"' || c == '\\' {
				v = append(v, '\\')
			}
			v = append(v, b.Name[i])
		}
		v = append(v, `" `...)
	}
	v = append(append(append(v, '<'), b.URI...), '>')
	v = append(v, b.Params...)
	if b.Q < 1000 {
		v = append(v, ";q="...)
		v = append(v, qvalue(b.Q)...)
	}
	// Whole seconds that have not begun are not promised; 0 would say that the binding is gone.
	left := max(1, int64(b.Expires.Sub(now)/time.Second))
	v = append(v, ";expires="...)
	return string(strconv.AppendInt(v, left, 10))
}

// qvalue writes thousandths below 1000 as RFC 3261 §25.1 has it.
func qvalue(thousandths int) string {
	if thousandths == 0 {
		return "0"
	}
	return "0." + strings.TrimRight(strconv.Itoa(1000 + thousandths)[1:], "0")
}
