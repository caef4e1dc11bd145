package track

import (
	"bytes"
	"mime"
	"strings"

	"github.com/sipscript/sipscript/sip"
)

const sdpType = "application/sdp"

// described is the session description in m, nil for none: the body, or a part of it (RFC 5621 §3). What is encoded cannot be read.
func described(m *sip.Message) []byte {
	body := m.Body()
	if len(body) == 0 || m.Has(sip.ContentEncoding) {
		return nil
	}
	text, _ := m.Value(sip.ContentType)
	kind, params, err := mime.ParseMediaType(text)
	switch {
	case err != nil:
		return nil
	case kind == sdpType:
		return body
	case strings.HasPrefix(kind, "multipart/") && params["boundary"] != "":
		return part(body, params["boundary"])
	}
	return nil
}

// part finds the description in a multipart body.
func part(body []byte, boundary string) []byte {
	mark := []byte("--" + boundary)
	for i, piece := range bytes.Split(body, mark) {
		if i == 0 || bytes.HasPrefix(piece, []byte("--")) {
			continue
		}
		head, content, ok := bytes.Cut(piece, []byte("\r\n\r\n"))
		if ok && bytes.Contains(bytes.ToLower(head), []byte(sdpType)) {
			return bytes.TrimSuffix(content, []byte("\r\n"))
		}
	}
	return nil
}

// replace puts out in the place of a description that described has found in m.
func replace(m *sip.Message, sdp, out []byte) {
	body := m.Body()
	if len(sdp) == len(body) {
		m.SetBody("", out)
		return
	}
	m.SetBody("", bytes.Replace(body, sdp, out, 1))
}
