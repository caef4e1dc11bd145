package api

import "github.com/sipscript/sipscript/lua/rt"

// Modules is the one list of what scripts can call.
func Modules() []rt.Module {
	t := newTypes()
	return modules(&t)
}

func modules(t *types) []rt.Module {
	return []rt.Module{
		sipModule(t),
		registrarModule(),
		locationModule(),
		authModule(),
		taskModule(t),
		conferenceModule(),
		queueModule(),
		mwiModule(),
		kvModule(),
		logModule(),
		httpModule(t),
		jsonModule(),
		timeModule(),
		globalModule(),
	}
}
