package description

import (
	"slices"
	"strconv"
	"strings"
)

// numbering gives the formats of one description their payload types on another side. Within a session a number never comes to mean another
// format (RFC 3264 §8.3.2), so each line remembers what its numbers have meant.
type numbering struct {
	bound []Format // what numbers mean on this side already
	taken payloads // numbers given in this description
}

// names says what each payload type of the source becomes, and what parameters then say of it.
type names [128]struct {
	payload    uint8 // NoPayload: it is left out
	parameters string
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

// all numbers formats for an offer or answer, first codecs, then those that refer to them by number. It returns those that have a number. Filtered
// says that there were more of them; names are nil if nothing changes.
func (n *numbering) all(formats []Format, filtered bool, role Role, events uint8) ([]Format, *names) {
	if n.stay(formats, filtered, role, events) {
		return formats, nil
	}
	n.taken = payloads{}
	became := new(names)
	for i := range became {
		became[i].payload = NoPayload
	}
	numbered := make([]Format, len(formats))
	for pass := range 2 {
		for i := range formats {
			f := formats[i]
			if f.refers() != (pass == 1) || f.refers() && !f.renumber(became) {
				continue
			}
			payload, ok := n.one(&f, role, events)
			if !ok {
				continue
			}
			if payload != NoPayload {
				became[f.Payload].payload, became[f.Payload].parameters = payload, f.Parameters
			}
			if payload != f.Payload {
				f.Payload, f.Token = payload, strconv.Itoa(int(payload))
			}
			numbered[i] = f
		}
	}
	return slices.DeleteFunc(numbered, func(f Format) bool { return f.Token == "" }), became
}

// stay says whether all formats keep their numbers and none is left out, as nearly always.
func (n *numbering) stay(formats []Format, filtered bool, role Role, events uint8) bool {
	for i := range formats {
		if payload, ok := n.one(&formats[i], role, events); !ok || payload != formats[i].Payload {
			return false
		}
	}
	return !filtered
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
	if len(bound) == 0 {
		return formats
	}
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

// refers says whether parameters of the format name other payload types.
func (f *Format) refers() bool { return f.Is("rtx") || f.Is("red") }

// renumber renumbers the payload types that the parameters name: apt of rtx (RFC 4588 §8.1), and the list of red (RFC 2198 §5). It is not ok if one of
// them is left out.
func (f *Format) renumber(became *names) (ok bool) {
	now := func(token string) uint8 {
		if old, valid := number(token, 127); valid {
			return became[old].payload
		}
		return NoPayload
	}
	if f.Is("rtx") {
		codec := now(f.parameter("apt"))
		if codec == NoPayload {
			return false
		}
		f.Parameters = f.repeating(codec)
		return true
	}
	if f.Parameters == "" {
		return true
	}
	list := strings.Split(f.Parameters, "/")
	for i := range list {
		codec := now(list[i])
		if codec == NoPayload {
			return false
		}
		list[i] = strconv.Itoa(int(codec))
	}
	f.Parameters = strings.Join(list, "/")
	return true
}

// repeating returns the parameters of rtx for another codec.
func (f *Format) repeating(payload uint8) string {
	apt := f.parameter("apt")
	if was, ok := number(apt, 127); ok && was == int(payload) {
		return f.Parameters
	}
	return strings.Replace(f.Parameters, "apt="+apt, "apt="+strconv.Itoa(int(payload)), 1)
}
