package description

import (
	"encoding/base64"
	"strconv"
	"strings"
)

// parseSDES reads the value of a=crypto (RFC 4568 §9.1). It is not ok if it cannot be used: an unknown suite, several keys, or session
// parameters that would make media less than encrypted and authenticated, or that are not known and must be (§6.3.7). The others of the offer
// may do.
func parseSDES(value string) (c SDES, ok bool) {
	tag, rest := field(value)
	suite, rest := field(rest)
	keys, parameters := field(rest)
	if c.Tag, ok = number(tag, 999999999); !ok {
		return SDES{}, false
	}
	if c.Suite = suiteOf(suite); c.Suite == 0 || !c.inline(keys) {
		return SDES{}, false
	}
	for p, rest := field(parameters); p != ""; p, rest = field(rest) {
		name, value, _ := strings.Cut(p, "=")
		switch {
		case name == "WSH": // the size of our replay window is our own affair
		case name == "KDR" && value == "0": // the default
		case strings.HasPrefix(name, "-"): // may be ignored
		default:
			return SDES{}, false
		}
	}
	return c, true
}

func suiteOf(name string) Suite {
	for s := range suites {
		if s > 0 && suites[s].name == name {
			return Suite(s)
		}
	}
	return 0
}

// inline reads "inline:" key and salt in base64, perhaps with "|" lifetime and "|" MKI ":" length (RFC 4568 §6.1). The lifetime is not kept:
// no call lasts for 2^20 packets times the factor by which those who write it mean more.
func (c *SDES) inline(s string) bool {
	s, ok := strings.CutPrefix(s, "inline:")
	if !ok || strings.Contains(s, ";") {
		return false
	}
	key, rest, more := strings.Cut(s, "|")
	raw, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(key, "="))
	if err != nil || len(raw) != c.Suite.KeyLen()+c.Suite.SaltLen() {
		return false
	}
	c.Key = raw
	for more {
		var p string
		p, rest, more = strings.Cut(rest, "|")
		if id, length, isMKI := strings.Cut(p, ":"); isMKI && !c.mki(id, length) {
			return false
		}
	}
	return true
}

// maxMKI is the longest MKI that is read; the grammar allows 128 bytes, and those that exist have 1 or 4.
const maxMKI = 16

func (c *SDES) mki(id, length string) bool {
	n, ok := number(length, maxMKI)
	value, err := strconv.ParseUint(id, 10, 64)
	if !ok || n == 0 || err != nil || n < 8 && value>>(8*n) != 0 {
		return false
	}
	c.MKI = make([]byte, n)
	for i := n - 1; i >= 0; i-- {
		c.MKI[i], value = byte(value), value>>8
	}
	return true
}

// append writes the line a=crypto.
func (c *SDES) append(b []byte) []byte {
	b = append(b, "a=crypto:"...)
	b = strconv.AppendInt(b, int64(c.Tag), 10)
	b = append(b, ' ')
	b = append(b, c.Suite.String()...)
	b = append(b, " inline:"...)
	b = base64.StdEncoding.AppendEncode(b, c.Key)
	return append(b, "\r\n"...)
}

// equal says whether two are the same key for the same use, so that a relay goes on with the context it has: its packet counters must not
// begin anew under the same key (RFC 3711 §9.1).
func (c *SDES) equal(o *SDES) bool {
	return c.Suite == o.Suite && string(c.Key) == string(o.Key) && string(c.MKI) == string(o.MKI)
}
