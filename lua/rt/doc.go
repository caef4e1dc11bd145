// Package rt runs Lua scripts for a server that must never block: it compiles a script and its modules once,
// instantiates them as virtual machines, and runs their functions as coroutines that can wait anywhere.
// It knows nothing of SIP.
//
// A [Program] is the immutable result of loading a script: the compiled code of its whole module graph. A [VM] is
// one instance of it, with its own globals. A VM and all that belongs to it are used by one goroutine at a time, the
// shard's; only [Load] and [NewVM] may run elsewhere, before the VM is handed to its shard.
//
// A [Run] is one call of a script function from the outside, the handling of a request for instance. It is a
// coroutine with a Go stack of its own ([iter.Pull]), so that a Go function called from Lua can wait: [Await] parks
// the run with everything on its stack, be it inside pcall, a metamethod, an iterator, the comparator of table.sort,
// the callback of gsub or a coroutine of the script's own, and control returns to the shard. Resuming puts the run
// back where it was. Await is the only place where anything waits. Runs never nest: what would start or resume one
// while another runs is posted to the [Loop]. A call that must not wait and returns its results at once, such as
// on_branch, is [VM.Call].
//
// A run ends by returning, by an error, by [Run.Unwind], which makes its present wait and all later ones raise, or
// by [Run.Kill], which nothing in the script can resist. An error reaches the caller of [VM.Start] as a [*RunError]
// that says what was raised, where, and why.
//
// A run may have tasks, which are runs too ([Run.Spawn]) and end with it: they are unwound when it ends, and it is when
// one of them fails. What it has deferred runs then, and what it owns ([Run.Own]) is given up.
//
// Each slice of a run, from one wait to the next, may execute [VMConfig.Budget] instructions. What Go code does in
// proportion to its input (patterns, sort, concat) is charged to the same account by [Charge]. A spent account stays
// spent, so that pcall cannot swallow the error; the run ends with cause "budget".
//
// The sandbox has no io, no load, no debug but debug.traceback, and of os only the clock and an allow list of the
// environment. Writing an undeclared global after loading raises. Differences from Lua 5.1 that a script can see:
// coroutine.yield works across pcall, metamethods and iterators; a coroutine ends with the run that created it; numbers
// print all digits of an integer up to 2^53; a list has at most 262,143 items; string.format("%s") takes any value; goto
// exists.
//
// Functions reach scripts through one table, [Module], which also says in which [Phase] each may be called and
// whether it waits, so that the check, the reference and the editor stubs cannot drift from the binding.
package rt
