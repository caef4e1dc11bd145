package siptest

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/sipscript/sipscript/sip"
)

// pattern describes messages: requests by method, responses by status, both narrowed by the method they belong to.
type pattern struct {
	status string // "", or three characters of which an x is any digit
	method string // "" is any
}

func parsePattern(s string) (pattern, error) {
	words := strings.Fields(s)
	if len(words) == 0 || len(words) > 2 {
		return pattern{}, fmt.Errorf("siptest: pattern %q is no method, no status and no status with a method", s)
	}
	p := pattern{method: words[len(words)-1]}
	if first := words[0]; first[0] >= '1' && first[0] <= '6' {
		if len(first) != 3 || strings.Trim(first, "0123456789x") != "" {
			return pattern{}, fmt.Errorf("siptest: pattern %q has no status of three digits", s)
		}
		p.status = first
		if len(words) == 1 {
			p.method = ""
		}
		return p, nil
	}
	if len(words) == 2 {
		return pattern{}, fmt.Errorf("siptest: pattern %q does not begin with a status", s)
	}
	return p, nil
}

func (p pattern) matches(m *sip.Message) bool {
	if m.IsRequest() != (p.status == "") || p.method != "" && p.method != m.Method() {
		return false
	}
	if p.status == "" {
		return true
	}
	for i, digit := range strconv.Itoa(m.Status()) {
		if p.status[i] != 'x' && rune(p.status[i]) != digit {
			return false
		}
	}
	return true
}

// Matching is a pattern of Expect as a function for Lose: Matching("200 INVITE"). It panics on a bad pattern.
func Matching(pattern string) func(datagram []byte) bool {
	p, err := parsePattern(pattern)
	if err != nil {
		panic(err)
	}
	return func(b []byte) bool {
		m, err := sip.ReadDatagram(b, sip.Limits{})
		if m == nil {
			return false
		}
		defer m.Release()
		return err == nil && p.matches(m)
	}
}
