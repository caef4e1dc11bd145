package description

import (
	"slices"
	"strconv"
	"strings"
)

// numbering gives the formats of one description their payload types on another side. Within a session a number never comes to mean another
// format (RFC 3264 §8.3.2), so each line remembers what its numbers have meant.
type numbering struct {
	bound []Format   // what numbers mean on this side already
	taken payloads   // numbers given in this description
	names [128]uint8 // which number each of the source's has become; NoPayload: it is left out
}

// free says whether a number means nothing yet, or f.
func (n *numbering) free(payload uint8, f *Format) bool {
	for i := range n.bound {
		if n.bound[i].Payload == payload && !n.bound[i].same(f) {
			return false
		}
	}
	return !n.taken.has(payload)
}

// all numbers formats for an offer or answer, and returns those that have a number: first codecs, then those that refer to them by number.
func (n *numbering) all(formats []Format, role Role, events uint8) (numbered []Format, changed bool) {
	numbered = make([]Format, len(formats))
	for pass := range 2 {
		for i := range formats {
			f := formats[i]
			if f.refers() != (pass == 1) {
				continue
			}
			if f.refers() {
				var ok bool
				if f.Parameters, ok = n.references(&f); !ok {
					continue
				}
			}
			payload, ok := n.one(&f, role, events)
			if !ok {
				continue
			}
			if payload != f.Payload {
				n.names[f.Payload], changed = payload, true
				f.Payload, f.Token = payload, strconv.Itoa(int(payload))
			} else if payload != NoPayload {
				n.names[payload] = payload
			}
			numbered[i] = f
		}
	}
	return slices.DeleteFunc(numbered, func(f Format) bool { return f.Token == "" }), changed
}

func (n *numbering) one(f *Format, role Role, events uint8) (uint8, bool) {
	if role == Answer {
		return n.answer(f)
	}
	wanted := f.Payload
	if events != 0 && f.Clock == 8000 && f.Is("telephone-event") {
		wanted = events
	}
	return n.offer(f, wanted)
}

// offer returns the number of a format in an offer: the one it has had on this side, or the one that is wanted, or one that is free.
func (n *numbering) offer(f *Format, wanted uint8) (uint8, bool) {
	if f.Payload == NoPayload {
		return NoPayload, true
	}
	if payload, ok := n.answer(f); ok {
		return payload, true
	}
	if n.free(wanted, f) {
		return wanted, n.taken.take(wanted)
	}
	if f.Name == "" {
		return 0, false // it is its number
	}
	for p := uint8(firstDynamic); p < 128; p++ {
		if n.free(p, f) {
			return p, n.taken.take(p)
		}
	}
	for p := uint8(35); p < 64; p++ { // unassigned; those above look like RTCP where both share a port (RFC 5761 §4)
		if n.free(p, f) {
			return p, n.taken.take(p)
		}
	}
	return 0, false
}

// answer returns the number that a format has on this side, if it has one that is not given yet.
func (n *numbering) answer(f *Format) (uint8, bool) {
	if f.Payload == NoPayload {
		return NoPayload, true
	}
	i := find(n.bound, f, &n.taken)
	if i < 0 {
		return 0, false
	}
	return n.bound[i].Payload, n.taken.take(n.bound[i].Payload)
}

// bind remembers what the numbers of formats mean. The list is never changed in place.
func bind(bound, formats []Format) []Format {
	for i := range formats {
		f := &formats[i]
		if f.Payload == NoPayload || isBound(bound, f.Payload) {
			continue
		}
		bound = append(bound[:len(bound):len(bound)], *f)
	}
	return bound
}

func isBound(bound []Format, payload uint8) bool {
	for i := range bound {
		if bound[i].Payload == payload {
			return true
		}
	}
	return false
}

// references renumbers the payload types that parameters name: apt of rtx (RFC 4588 §8.1), and the list of red (RFC 2198 §5). The result is not ok if
// one of them is not there any more.
func (n *numbering) references(f *Format) (parameters string, ok bool) {
	switch {
	case f.Is("rtx"):
		old, valid := number(f.parameter("apt"), 127)
		if !valid || n.names[old] == NoPayload {
			return "", false
		}
		return f.repeating(n.names[old]), true
	case f.Is("red") && f.Parameters != "":
		list := strings.Split(f.Parameters, "/")
		for i, p := range list {
			old, valid := number(p, 127)
			if !valid || n.names[old] == NoPayload {
				return "", false
			}
			list[i] = strconv.Itoa(int(n.names[old]))
		}
		return strings.Join(list, "/"), true
	}
	return f.Parameters, true
}

// refers says whether parameters of the format name other payload types.
func (f *Format) refers() bool { return f.Is("rtx") || f.Is("red") }

// repeating returns the parameters of rtx for another codec.
func (f *Format) repeating(payload uint8) string {
	apt := f.parameter("apt")
	if was, ok := number(apt, 127); ok && was == int(payload) {
		return f.Parameters
	}
	return strings.Replace(f.Parameters, "apt="+apt, "apt="+strconv.Itoa(int(payload)), 1)
}
