package description

import (
	"slices"
	"strconv"
	"strings"
)

// choose returns the indices of the formats that a list of codecs leaves, in its order. An empty list leaves all.
//
// Additions (DTMF, comfort noise, redundancy) stand behind the codecs as they stood; rtx goes with the codec it repeats (RFC 4588 §8.1). An
// addition can be taken out by its name, too.
func choose(formats []Format, codecs []string) []int {
	chosen := make([]int, 0, len(formats))
	if len(codecs) == 0 {
		for i := range formats {
			chosen = append(chosen, i)
		}
		return chosen
	}
	// A list of removals only means: all but these.
	rest := !slices.ContainsFunc(codecs, func(c string) bool { return !strings.HasPrefix(c, "-") })
	place := func(want string) {
		for i := range formats {
			f := &formats[i]
			if !f.codec() || slices.Contains(chosen, i) || removed(f, codecs) {
				continue
			}
			if want == "*" && !named(f, codecs) || want != "*" && f.matches(want) {
				chosen = append(chosen, i)
			}
		}
	}
	for _, c := range codecs {
		if !strings.HasPrefix(c, "-") {
			place(c)
		}
	}
	if rest {
		place("*")
	}
	codecsLeft := len(chosen)
	for i := range formats {
		if f := &formats[i]; !f.codec() && !removed(f, codecs) && (!f.Is("rtx") || repeats(f, formats, chosen[:codecsLeft])) {
			chosen = append(chosen, i)
		}
	}
	return chosen
}

func removed(f *Format, codecs []string) bool {
	return slices.ContainsFunc(codecs, func(c string) bool { return strings.HasPrefix(c, "-") && f.matches(c[1:]) })
}

func named(f *Format, codecs []string) bool {
	return slices.ContainsFunc(codecs, f.matches)
}

// matches says whether a format is meant by "PCMA", "opus/48000" or "opus/48000/2".
func (f *Format) matches(codec string) bool {
	name, clock, hasClock := strings.Cut(codec, "/")
	clock, channels, hasChannels := strings.Cut(clock, "/")
	return f.Is(name) && (!hasClock || clock == strconv.Itoa(f.Clock)) && (!hasChannels || channels == strconv.Itoa(f.Channels))
}

// repeats says whether rtx is a retransmission of one of the codecs.
func repeats(rtx *Format, formats []Format, codecs []int) bool {
	apt := rtx.parameter("apt")
	return slices.ContainsFunc(codecs, func(i int) bool { return formats[i].Token == apt })
}

// leaves says whether a list of codecs leaves anything of formats that can be used.
func leaves(formats []Format, codecs []string) bool {
	return suffices(filter(formats, codecs), formats)
}

// suffices says whether what is left of formats can be used: there must be a codec, and not only additions to one; unless there was none, since
// telephone-events may have an m-line of their own (RFC 4317 §2.4).
func suffices(left, formats []Format) bool {
	return len(left) > 0 && (hasCodec(left) || !hasCodec(formats))
}

func hasCodec(formats []Format) bool {
	for i := range formats {
		if formats[i].codec() {
			return true
		}
	}
	return false
}

// Choose returns the formats of an m-line that the options leave, in their order. They are not to be used if no codec is left: the error is then
// an *Error that wraps ErrNoCodec.
func (o *Options) Choose(m *Media) ([]Format, error) {
	left := filter(m.Formats, o.codecs(m.Kind))
	if m.RTP() && !suffices(left, m.Formats) {
		return nil, refuse(ErrNoCodec, "no %s codec that may be used", m.Kind)
	}
	return left, nil
}

// filter returns the formats that a list of codecs leaves.
func filter(formats []Format, codecs []string) []Format {
	if len(codecs) == 0 {
		return formats
	}
	chosen := choose(formats, codecs)
	left := make([]Format, len(chosen))
	for i, from := range chosen {
		left[i] = formats[from]
	}
	return left
}
