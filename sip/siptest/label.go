package siptest

import (
	"bytes"
	"fmt"
	"strings"
)

// label is a message in a few words: "INVITE", "180 Ringing", "200 OK (BYE)". It takes anything, so that a ladder shows
// what a parser would refuse.
func label(b []byte) string {
	start, rest, ok := bytes.Cut(b, []byte("\r\n"))
	if !ok {
		return fmt.Sprintf("%d bytes", len(b))
	}
	if code, isResponse := bytes.CutPrefix(start, []byte("SIP/2.0 ")); isResponse {
		if method := cseqMethod(rest); method != "" && method != "INVITE" {
			return fmt.Sprintf("%s (%s)", code, method)
		}
		return string(code)
	}
	words := strings.Fields(string(start))
	if len(words) == 0 || !strings.HasPrefix(words[len(words)-1], "SIP/") {
		return fmt.Sprintf("%d bytes", len(b))
	}
	return words[0]
}

func cseqMethod(b []byte) string {
	for line := range bytes.Lines(b) {
		name, value, _ := bytes.Cut(line, []byte(":"))
		if strings.EqualFold(strings.TrimSpace(string(name)), "CSeq") {
			if words := strings.Fields(string(value)); len(words) == 2 {
				return words[1]
			}
			return ""
		}
	}
	return ""
}
