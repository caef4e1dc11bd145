package api

import (
	"time"

	lua "github.com/yuin/gopher-lua"

	"github.com/sipscript/sipscript/engine"
	"github.com/sipscript/sipscript/engine/proxy"
	"github.com/sipscript/sipscript/engine/registrar"
	"github.com/sipscript/sipscript/lua/rt"
	"github.com/sipscript/sipscript/sip"
)

func registrarModule() rt.Module {
	options := rt.NewOptionSet(
		rt.Option{Name: "max_contacts", Kind: rt.Integer, Default: "10", Doc: "of one address of record"},
		rt.Option{Name: "when_full", Kind: rt.String, Choices: []string{registrar.Refuse, registrar.Replace}, Default: `"refuse"`, Doc: "what a contact too many gets: 403, or the place of the one that was refreshed longest ago"},
		rt.Option{Name: "min_expires", Kind: rt.Seconds, Default: "60", Doc: "shorter registrations get 423"},
		rt.Option{Name: "max_expires", Kind: rt.Seconds, Default: "86400", Doc: "longer ones are shortened"},
		rt.Option{Name: "default_expires", Kind: rt.Seconds, Default: "3600", Doc: "of a contact that asks for none"},
		rt.Option{Name: "path", Kind: rt.Bool, Default: "false", Doc: "takes Path also from a phone that does not say it supports it (RFC 3327 §5.3)"},
		rt.Option{Name: "third_party", Kind: rt.Bool, Default: "false", Doc: "whether one user may register another"},
	)
	return rt.Module{
		Name: "registrar",
		Doc:  "The registrar of RFC 3261 §10.3. Four of its defaults can be set in the config file.",
		Functions: []rt.Function{{
			Name: "save", Signature: "(req: request, options?) → target[]?, err: error?", Options: options,
			Phases: rt.Handler | rt.Task, Waits: true,
			Doc: "Does what a REGISTER asks for and answers it: 200 with all contacts once they are stored, else 423, 400, 403 … It is 403 when `req.user` is not the user in To.",
			Fn:  func(L *lua.LState) int { return registrarSave(L, options) },
		}},
	}
}

func registrarSave(L *lua.LState, options *rt.OptionSet) int {
	s, o := scriptOf(L), checkRequest(L, 1)
	opts := rt.CheckOptions(L, 2, options)
	if n := opts.Int("max_contacts", 1); n < 1 {
		rt.ArgError(L, 2, "option 'max_contacts': at least 1 expected, got %d", n)
	}
	if m := o.peek().Method(); m != sip.REGISTER {
		rt.ArgError(L, 1, "REGISTER expected, got %s", m)
	}
	if o.req.HungUp() || o.req.Answered() {
		raise(L, engine.ErrAnswered)
	}
	if !o.req.BecomeUAS() {
		return rt.Fail(L, "rejected", "merged request", 482)
	}
	defaults := s.Engine.Registrar()
	names := s.Engine.Names()
	ro := registrar.Options{
		MaxContacts:    opts.Int("max_contacts", defaults.MaxContacts),
		WhenFull:       opts.String("when_full", registrar.Refuse),
		MinExpires:     opts.Seconds("min_expires", defaults.MinExpires),
		MaxExpires:     opts.Seconds("max_expires", defaults.MaxExpires),
		DefaultExpires: opts.Seconds("default_expires", defaults.DefaultExpires),
		Path:           opts.Bool("path", false),
		ThirdParty:     opts.Bool("third_party", false),
		Direct:         !proxy.BehindNAT(o.peek(), o.req.Flow),
		AOR:            names.AOR,
	}
	if u, ok := o.user.(lua.LString); ok {
		ro.User = string(u)
	}
	out, err := rt.AwaitFinish(L, func(resume func(registrar.Outcome)) func() {
		registrar.Save(s.Engine.Location, o.message(), o.req.Flow, ro, names.IsLocal, time.Now(), func(out registrar.Outcome) {
			s.loop.Post(func() { resume(out) })
		})
		return nil
	})
	if err != nil {
		rt.Raise(L, err)
	}
	if err := o.req.Reply(out.Code, out.Reason, engine.Content{Headers: out.Headers}); err != nil {
		raise(L, err)
	}
	if out.Code != 200 {
		return rt.Fail(L, "rejected", out.Reason, out.Code)
	}
	L.Push(targetList(L, out.Bindings))
	return 1
}
