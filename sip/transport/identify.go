package transport

import (
	"bytes"
	"strings"
)

// identify reads what names a message's transaction off its first bytes, which may be cut anywhere: a value that the
// cut may have shortened is left empty.
func identify(b []byte) Failure {
	f := Failure{Response: isResponse(b)}
	via := false
	_, b, _ = bytes.Cut(b, []byte("\n")) // the start line
	for {
		line, rest, whole := field(b)
		if !whole || len(line) == 0 {
			return f
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		switch strings.ToLower(string(bytes.TrimRight(name, " \t"))) {
		case "v", "via":
			if !via {
				via = true
				f.Branch = branchOf(string(value))
			}
		case "i", "call-id":
			f.CallID = string(bytes.TrimSpace(value))
		case "cseq":
			if words := strings.Fields(string(value)); len(words) == 2 {
				f.Method = words[1]
			}
		}
		b = rest
	}
}

// field returns the first header field of b without its line end, folded lines included. It is whole when the line
// after it has begun, for only then is it known not to be continued.
func field(b []byte) (line, rest []byte, whole bool) {
	for end := 0; ; {
		i := bytes.IndexByte(b[end:], '\n')
		if i < 0 {
			return nil, nil, false
		}
		end += i + 1
		line = bytes.TrimRight(b[:end], "\r\n")
		if len(line) == 0 {
			return nil, b[end:], true
		}
		if end == len(b) {
			return line, nil, bytes.HasSuffix(b[:end], []byte("\r\n"))
		}
		if b[end] != ' ' && b[end] != '\t' {
			return line, b[end:], true
		}
	}
}

// branchOf finds the branch parameter of the first element of a Via.
func branchOf(via string) string {
	via, _, _ = strings.Cut(via, ",")
	for param := range strings.SplitSeq(via, ";") {
		name, value, _ := strings.Cut(param, "=")
		if strings.EqualFold(strings.TrimSpace(name), "branch") {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
