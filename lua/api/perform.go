package api

import (
	"errors"
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"github.com/sipscript/sipscript/engine"
	"github.com/sipscript/sipscript/engine/audio"
	"github.com/sipscript/sipscript/engine/call"
	"github.com/sipscript/sipscript/engine/ivr"
	"github.com/sipscript/sipscript/engine/media"
	"github.com/sipscript/sipscript/engine/shard"
	"github.com/sipscript/sipscript/engine/web"
	"github.com/sipscript/sipscript/lua/rt"
)

// claim is an operation that listens to a call: it has the digits before all others, and is told of the end.
type claim struct {
	digit func(digit byte) bool // whether it had a use for it
	gone  func()                // the call is over
}

// claim makes c the first to be given digits. drop takes that back.
func (q *events) claim(c *claim) (drop func()) {
	q.claims = append(q.claims, c)
	return func() { q.claims = slices.DeleteFunc(q.claims, func(other *claim) bool { return other == c }) }
}

// claimed offers a digit to those who listen, the last one first.
func (q *events) claimed(digit string) bool {
	for _, c := range slices.Backward(q.claims) {
		if c.digit != nil && c.digit(digit[0]) {
			return true
		}
	}
	return false
}

// ahead gives the digits that were typed ahead to use, until it has no use for one: that and all behind it stay.
func (q *events) ahead(use func(digit byte) bool) {
	q.kept = slices.DeleteFunc(q.kept, func(e event) bool {
		return e.name == eventDigit && use != nil && func() bool {
			if use(e.digit[0]) {
				return true
			}
			use = nil
			return false
		}()
	})
}

// perform starts something that this server does with the peer of a call, and waits for its outcome. start runs on the leg's
// shard, and so do done and what ends it. begun, which may be nil, is given what ends it on the script's shard, as call:stop
// does.
func perform[T any](L *lua.LState, o *leg, wait func(*lua.LState, func(func(T)) func()) (T, error), begun func(stop func()), start func(c *call.Call, done func(T)) (stop func())) (T, error) {
	s := new(stopper)
	defer o.unlist(s)
	return wait(L, func(resume func(T)) func() {
		var stop func() // the leg's shard alone touches it
		o.at(func(c *call.Call) {
			stop = start(c, func(v T) { o.home(func() { resume(v) }) })
		})
		s.stop = func() { o.at(func(*call.Call) { stop() }) }
		o.stops = append(o.stops, s)
		if begun != nil {
			begun(s.stop)
		}
		return s.stop
	})
}

// unlist takes an operation out of those that call:stop ends.
func (o *leg) unlist(s *stopper) {
	o.stops = slices.DeleteFunc(o.stops, func(other *stopper) bool { return other == s })
}

// unheard turns what a performance has failed by into what a script sees. A call that cannot hear yet raises.
func (o *leg) unheard(L *lua.LState, err error) int {
	if errors.Is(err, call.ErrState) {
		return rt.Raisef(L, "%s", cannotHear)
	}
	if cause, message := whyUnheard(err); cause != "" {
		return rt.Fail(L, cause, message, 0)
	}
	return o.fail(L, err)
}

const cannotHear = "the call cannot hear anything yet: answer it first, or open early media by call:progress()"

// whyUnheard is what performances alone fail by, in words; "" for anything else.
func whyUnheard(err error) (cause, message string) {
	switch {
	case errors.Is(err, ivr.ErrUnheard):
		return causeUnsupported, err.Error()
	case errors.Is(err, media.ErrUnsupported):
		return causeUnsupported, "media of this call is not handled by this process (media.backend is rtpengine, or there are no media.interfaces)"
	case errors.Is(err, ivr.ErrNoSpeech):
		return causeUnsupported, "no speech is configured: speech.command in the config file names a program"
	case errors.Is(err, ivr.ErrMissing):
		return causeMissing, err.Error()
	case errors.Is(err, audio.ErrFormat), errors.Is(err, audio.ErrTooLong):
		return causeUnreadable, err.Error()
	case errors.Is(err, web.ErrTimeout), errors.Is(err, web.ErrUnreachable), errors.Is(err, web.ErrTooLarge), errors.Is(err, web.ErrRedirects):
		return causeOfPage(err), err.Error()
	case errors.Is(err, shard.ErrOverload):
		return engine.CauseOverload, "too many files are being read or written"
	}
	return "", ""
}

// Causes that only what plays and records has.
const (
	causeUnsupported = "unsupported" // no sound can be made or heard there
	causeMissing     = "not_found"   // there is no such file
	causeUnreadable  = "unreadable"  // it is none that can be played
)

// checkPrompt reads argument n as what is to be played: a string, or a list of them.
func checkPrompt(L *lua.LState, n int) ivr.Prompt {
	p, wrong := readPrompt(L.Get(n))
	if wrong != "" {
		rt.ArgError(L, n, "%s", wrong)
	}
	return p
}

// optionPrompt reads an option as what is to be played; nil where it was not given.
func optionPrompt(L *lua.LState, n int, opts rt.Options, name string) ivr.Prompt {
	if !opts.Has(name) {
		return nil
	}
	p, wrong := readPrompt(opts.Value(name))
	if wrong != "" {
		rt.ArgError(L, n, "option '%s': %s", name, wrong)
	}
	return p
}

// readPrompt returns what is wrong, "" when nothing is.
func readPrompt(v lua.LValue) (ivr.Prompt, string) {
	var texts []string
	switch v := rt.Plain(v).(type) {
	case lua.LString:
		texts = []string{string(v)}
	case *lua.LTable:
		for i := 1; i <= v.Len(); i++ {
			s, ok := v.RawGetInt(i).(lua.LString)
			if !ok {
				return nil, "list of names expected, got " + v.RawGetInt(i).Type().String() + " in it"
			}
			texts = append(texts, string(s))
		}
		if len(texts) == 0 {
			return nil, "empty list"
		}
	default:
		return nil, "name of a file, tone:…, silence:…, an address, or a list of these expected, got " + v.Type().String()
	}
	p, err := ivr.ParsePrompt(texts...)
	if err != nil {
		return nil, err.Error()
	}
	return p, ""
}

// optionDigits reads an option as a set of digits.
func optionDigits(L *lua.LState, n int, opts rt.Options, name, otherwise string) string {
	digits := opts.String(name, otherwise)
	for _, d := range []byte(digits) {
		if strings.IndexByte(allDigits, d) < 0 {
			rt.ArgError(L, n, "option '%s': digits of %s expected, got %q", name, allDigits, digits)
		}
	}
	return digits
}
