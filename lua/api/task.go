package api

import (
	"github.com/sipscript/sipscript/lua/rt"
)

func taskModule(t *types) rt.Module {
	return rt.Module{
		Name: "task",
		Doc: "Several things at once. A task is a function that runs beside the handler that started it, and ends with it. Between two waits nothing else of the script runs on its shard: there are no locks, but look again after a wait.\n\n" +
			"Cancelling a task undoes its wait, which raises an error with cause `canceled`: `dial` and `proxy` send CANCEL, and legs that it has dialed and not returned are hung up. Returned ones pass to whoever started it. An error in a task is an error of its handler.",
		Types: []*rt.Type{t.task},
		Functions: []rt.Function{
			{Name: "any", Signature: "(tasks: {timeout?: number, [any]: fun(): any}) → key: integer|string?, ...: any", Waits: true, Fn: rt.TaskAny,
				Doc: "Runs all functions of the table and waits for the first that returns a value, which is neither nil nor false: that one wins, and the others are cancelled. Returns its key and what it has returned; where none does, nil and an error with cause `none`, or `timeout` after the seconds of `timeout`. An error in one is raised here."},
			{Name: "all", Signature: "(tasks: table<any, fun(): any>) → table<any, any>", Waits: true, Fn: rt.TaskAll,
				Doc: "Runs all functions of the table and waits for all of them. Returns the first result of each, by its key. An error in one is raised here, and the others are cancelled."},
			{Name: "spawn", Signature: "(fn: fun(...), ...) → task", Phases: rt.MayWait, Fn: rt.TaskSpawn(t.task),
				Doc: "Runs `fn(...)` beside the handler, from the handler's next wait on. An error in it unwinds the handler: a request gets 500, a call ends."},
		},
	}
}

func newTaskType() *rt.Type {
	return &rt.Type{
		Name: "task",
		Doc:  "What `task.spawn` has started.",
		Fields: []rt.Field{
			{Name: "ended", Type: "boolean", Doc: "whether it has ended", Get: rt.TaskEnded},
		},
		Methods: []rt.Function{
			{Name: "wait", Signature: "(timeout?: number) → ...: any", Waits: true, Fn: rt.TaskWait,
				Doc: "Waits for its end and returns what it has returned; nil and an error with cause `timeout` when that has not come after so many seconds, `canceled` when it was cancelled."},
			{Name: "cancel", Signature: "()", Fn: rt.TaskCancel, Doc: "Ends it: its wait, and each later one, raises `canceled`."},
		},
	}
}

func deferFunction() rt.Function {
	return rt.Function{
		Name: "defer", Signature: "(fn: fun())", Phases: rt.MayWait, Fn: rt.Defer,
		Doc: "Calls `fn()` when this handler or task ends, however it ends: it returns, the caller goes, it fails or is cancelled. The last one deferred is called first. It may wait, for at most 30 seconds.",
	}
}
