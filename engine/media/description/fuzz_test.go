package description

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

// FuzzExchange lets one peer offer anything and the other answer anything.
func FuzzExchange(f *testing.F) {
	for _, x := range exchanges {
		for i := 0; i+1 < len(x.steps); i += 2 {
			f.Add(session("alice", 1, x.steps[i].body), session("bob", 1, x.steps[i+1].body))
		}
	}
	f.Add(lines(odd), lines(odd))
	f.Add(lines(browser), lines(browser))
	f.Add(lines(secure("alice", "RTP/SAVP", crypto(1, AES128SHA80))), lines(secure("bob", "RTP/SAVP", crypto(1, AES256GCM))))
	f.Fuzz(func(t *testing.T, offer, answer []byte) {
		r := newRig(t)
		sent := through(t, r, r.alice, r.bob, Offer, offer)
		if sent == nil {
			return
		}
		if again := through(t, r, r.alice, r.bob, Offer, offer); !bytes.Equal(sent, again) {
			t.Fatalf("the same offer again\n%s\nwas\n%s", again, sent)
		}
		answered := through(t, r, r.bob, r.alice, Answer, answer)
		if answered == nil {
			return
		}
		fits(t, r.alice.Received(), answered)
		for _, s := range []*Side{r.alice, r.bob} {
			for i := range s.Lines {
				l := &s.Lines[i]
				if l.Local.Encrypted() && l.Alive() && (l.Encrypt == nil || l.Decrypt == nil) {
					t.Fatalf("line %d is to be encrypted and has no keys", i)
				}
				Renumber(l.Local.Formats, l.Remote.Formats)
			}
		}
		if b, err := r.bob.Reoffer(r.open(r.bob)); err == nil {
			written(t, b)
		}
	})
}

func through(t *testing.T, r *rig, from, to *Side, role Role, b []byte) []byte {
	t.Helper()
	d, err := Parse(b)
	if err == nil {
		err = from.Receive(d, role)
	}
	var out []byte
	if err == nil {
		out, err = to.Write(from, role, r.open(to))
	}
	if err != nil {
		var refused *Error
		if !errors.As(err, &refused) || refused.Status != 488 {
			t.Fatalf("error %v", err)
		}
		return nil
	}
	written(t, out)
	return out
}

// written holds what is written against what this server itself reads.
func written(t *testing.T, b []byte) {
	t.Helper()
	d, err := Parse(b)
	if err != nil {
		t.Fatalf("%v in\n%s", err, b)
	}
	for i, m := range d.Media {
		if m.Relayable() && m.Port != 0 && (!m.Address.IsValid() || m.ICE || m.DTLS) {
			t.Fatalf("line %d: %+v in\n%s", i, m, b)
		}
	}
	if strings.Count(string(b), "\r\n") != strings.Count(string(b), "\n") {
		t.Fatalf("ends of lines in %q", b)
	}
}

// fits holds an answer against its offer (RFC 3264 §6).
func fits(t *testing.T, offer *Description, b []byte) {
	t.Helper()
	answer, err := Parse(b)
	if err != nil || len(answer.Media) != len(offer.Media) {
		t.Fatalf("%v, %d m-lines in answer to %d", err, len(answer.Media), len(offer.Media))
	}
	for i := range answer.Media {
		a, o := &answer.Media[i], &offer.Media[i]
		if a.Kind != o.Kind || a.Proto != o.Proto || a.Port != 0 && o.Port == 0 {
			t.Fatalf("line %d: %s over %s at %d answers %s over %s at %d", i, a.Kind, a.Proto, a.Port, o.Kind, o.Proto, o.Port)
		}
		if a.Port == 0 || !a.RTP() {
			continue
		}
		if a.Direction.Sends() && !o.Direction.Receives() || a.Direction.Receives() && !o.Direction.Sends() {
			t.Fatalf("line %d: %v answers %v", i, a.Direction, o.Direction)
		}
		for j := range a.Formats {
			if f := &a.Formats[j]; !isBound(o.Formats, f.Payload) {
				t.Fatalf("line %d: %s was not offered", i, f.Token)
			}
		}
		if len(a.Crypto) > 1 || len(a.Crypto) == 1 && len(o.Crypto) == 0 {
			t.Fatalf("line %d: %d keys answer %d", i, len(a.Crypto), len(o.Crypto))
		}
	}
}
