package api

import (
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"

	"github.com/sipscript/sipscript/engine/audio"
	"github.com/sipscript/sipscript/engine/call"
	"github.com/sipscript/sipscript/engine/ivr"
	"github.com/sipscript/sipscript/lua/rt"
)

// recorded is how a recording has ended.
type recorded struct {
	ivr.Recorded
	err error
}

// formats are what files can hold.
var formats = []string{"wav", "wav-ulaw", "wav-alaw"}

func formatOption() rt.Option {
	return rt.Option{Name: "format", Kind: rt.String, Choices: formats, Default: `"wav"`, Doc: "of the file: WAV with linear samples of 16 bits, or with those of G.711, half as long"}
}

func encodingOf(opts rt.Options) audio.Encoding {
	switch opts.String("format", "wav") {
	case "wav-ulaw":
		return audio.MuLaw
	case "wav-alaw":
		return audio.ALaw
	}
	return audio.Linear
}

func recordMethods() []rt.Function {
	message := rt.NewOptionSet(
		rt.Option{Name: "beep", Kind: rt.Bool, Default: "true", Doc: "is heard before"},
		rt.Option{Name: "max_time", Kind: rt.Seconds, Doc: "ends it"},
		rt.Option{Name: "silence", Kind: rt.Seconds, Default: "3", Doc: "ends it; 0: no silence does"},
		rt.Option{Name: "silence_level", Kind: rt.Number, Doc: "in dBov, such as -45: below it there is silence; without it the level follows the noise of the line"},
		rt.Option{Name: "stop_on", Kind: rt.String, Default: `"#"`, Doc: "digits that end it, each of them"},
		formatOption(),
	)
	conversation := rt.NewOptionSet(
		rt.Option{Name: "stereo", Kind: rt.Bool, Default: "false", Doc: "what the peer says on the left, what it hears on the right; else both are mixed"},
		formatOption(),
	)
	return []rt.Function{
		{Name: "record", Signature: "(path: string, options?) → {path: string, duration: number, stopped_by: string, digit: string?}?, err: error?", Options: message, Phases: rt.MayWait, Waits: true,
			Doc: "Records what the peer says into a file of the folder `recordings`, and waits until that is over. The file is there under its name when it is complete, also when the caller has hung up: that is a normal end, and the line after `record` runs. `stopped_by` is `digit`, `silence`, `limit`, `caller` or `stopped`; `path` can be given to `call:play`.\n\n" +
				"Returns nil and an error where the file cannot be written; there is none then. A path that leads out of the folder raises.",
			Fn: func(L *lua.LState) int { return record(L, message) }},
		{Name: "start_recording", Signature: "(path: string, options?) → recording", Options: conversation, Phases: rt.MayWait,
			Doc: "Records the conversation from now on, through bridges and transfers, until `recording:stop` or the end of the call.",
			Fn:  func(L *lua.LState) int { return startRecording(L, conversation) }},
	}
}

// checkPath reads argument n as the path of a recording.
func checkPath(L *lua.LState, n int) string {
	path, err := ivr.InFolder(rt.CheckString(L, n))
	if err != nil {
		rt.ArgError(L, n, "%s", err)
	}
	return path
}

func record(L *lua.LState, options *rt.OptionSet) int {
	o, ok := liveCall(L)
	if !ok {
		return 2
	}
	path, opts := checkPath(L, 2), rt.CheckOptions(L, 3, options)
	if o.bridged() {
		rt.Raisef(L, "the call is bridged; start_recording records a conversation")
	}
	how := ivr.RecordOptions{
		Beep: opts.Bool("beep", true), MaxTime: opts.Seconds("max_time", 0), Silence: opts.Seconds("silence", 3*time.Second),
		SilenceLevel: opts.Number("silence_level", 0), Encoding: encodingOf(opts),
	}
	stopOn, digit := optionDigits(L, 3, opts, "stop_on", "#"), ""
	drop := func() {}
	wait := rt.Await[recorded]
	if o.run != nil { // the caller's own hang-up ends the message; that of somebody else would not, and ends the wait
		wait = rt.AwaitEnd[recorded]
	}
	r, err := perform(L, o, wait, func(stop func()) {
		drop = o.events.claim(&claim{digit: func(d byte) bool {
			if digit != "" || strings.IndexByte(stopOn, d) < 0 {
				return false
			}
			digit = string(d)
			stop()
			return true
		}})
	}, func(c *call.Call, done func(recorded)) func() {
		r := o.script.Engine.Studio.Record(c, path, how, func(r ivr.Recorded, err error) { done(recorded{r, err}) })
		return func() { r.Stop(ivr.ByStopped) }
	})
	drop()
	switch {
	case err != nil:
		return rt.Raise(L, err)
	case r.err != nil:
		return o.unheard(L, r.err)
	}
	t := L.CreateTable(0, 4)
	by := r.By
	if digit != "" {
		by = "digit"
		t.RawSetString("digit", lua.LString(digit))
	}
	t.RawSetString("path", lua.LString(r.Path))
	t.RawSetString("duration", lua.LNumber(r.Length.Seconds()))
	t.RawSetString("stopped_by", lua.LString(by))
	L.Push(t)
	return 1
}

// taping is the recording of a conversation or a room in a script.
type taping struct {
	o     *leg // nil: of a room
	stop  func()
	pause func(on bool)
	it    outcome[recorded]
}

// outcome is something that comes once, and that somebody may wait for.
type outcome[T any] struct {
	come    bool
	value   T
	waiting []func(T)
}

func (c *outcome[T]) set(v T) {
	c.come, c.value = true, v
	waiting := c.waiting
	c.waiting = nil
	for _, resume := range waiting {
		resume(v)
	}
}

func startRecording(L *lua.LState, options *rt.OptionSet) int {
	o, ok := liveCall(L)
	if !ok {
		return 2
	}
	path, opts := checkPath(L, 2), rt.CheckOptions(L, 3, options)
	how := ivr.RecordOptions{Conversation: true, Stereo: opts.Bool("stereo", false), Encoding: encodingOf(opts)}
	a := &taping{o: o}
	var r *ivr.Recording // the leg's shard's
	a.stop = func() { o.at(func(*call.Call) { r.Stop(ivr.ByStopped) }) }
	a.pause = func(on bool) { o.at(func(*call.Call) { r.Pause(on) }) }
	o.at(func(c *call.Call) {
		r = o.script.Engine.Studio.Record(c, path, how, func(r ivr.Recorded, err error) {
			o.home(func() { a.it.set(recorded{r, err}) })
		})
	})
	L.Push(o.script.vm.NewObject(o.script.types.recording, a))
	return 1
}

func newRecordingType() *rt.Type {
	pause := func(on bool) func(L *lua.LState) int {
		return func(L *lua.LState) int {
			checkObject[*taping](L, 1, "recording").pause(on)
			return 0
		}
	}
	return &rt.Type{
		Name: "recording",
		Doc:  "What `call:start_recording` or `conference.record` has begun. It ends with the call, or when the room is empty, at the latest.",
		Methods: []rt.Function{
			{Name: "pause", Signature: "()", Fn: pause(true), Doc: "Leaves out what is said, until it is resumed."},
			{Name: "resume", Signature: "()", Fn: pause(false), Doc: "Goes on."},
			{Name: "stop", Signature: "() → {path: string, duration: number}?, err: error?", Waits: true, Fn: stopRecording,
				Doc: "Ends it and waits until the file is there under its name. Returns nil and an error where that could not be written."},
		},
	}
}

func stopRecording(L *lua.LState) int {
	a := checkObject[*taping](L, 1, "recording")
	r, err := rt.AwaitFinish(L, func(resume func(recorded)) func() {
		if a.it.come {
			resume(a.it.value)
			return nil
		}
		a.it.waiting = append(a.it.waiting, resume)
		a.stop()
		return nil
	})
	switch {
	case err != nil:
		return rt.Raise(L, err)
	case r.err != nil:
		return a.o.outside(L, r.err)
	}
	t := L.CreateTable(0, 2)
	t.RawSetString("path", lua.LString(r.Path))
	t.RawSetString("duration", lua.LNumber(r.Length.Seconds()))
	L.Push(t)
	return 1
}
