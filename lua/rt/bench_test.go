package rt

import (
	"runtime"
	"testing"

	lua "github.com/yuin/gopher-lua"
)

const benchScript = `
function hot(m) local n=0; for i=1,10 do n = n + i end; if m == "INVITE" then return "relay" elseif m=="REGISTER" then return "save" end return "x"..n end
function empty() end
function waits() return gate() end
function waits_in_pcall() local ok, v = pcall(function() return gate() end) return v end
function protected() return pcall(empty) end
local user, host = "alice", "example.org"
function concatenates() return "sip:" .. user .. "@" .. host end
function matches() return ("sip:alice@example.org;transport=tcp"):match("^sip:([^@]+)@([^;]+)") end
function coroutines() return coroutine.wrap(empty)() end
function park() local v = gate() return v end
function park_in_pcall() local ok, v = pcall(function() return gate() end) return v end
`

func benchWorld(b testing.TB) (*world, *gate) {
	g := &gate{}
	return load(b, benchScript, withGate(g)), g
}

func benchCall(b *testing.B, name string) {
	w, _ := benchWorld(b)
	fn, args := w.fn(name), []lua.LValue{lua.LString("INVITE")}
	b.ReportAllocs()
	for b.Loop() {
		w.Start(name, fn, Handler, nil, args, nil)
	}
}

// BenchmarkHandler is a handler that does not wait, from Start to done.
func BenchmarkHandler(b *testing.B)   { benchCall(b, "hot") }
func BenchmarkEmpty(b *testing.B)     { benchCall(b, "empty") }
func BenchmarkPcall(b *testing.B)     { benchCall(b, "protected") }
func BenchmarkConcat(b *testing.B)    { benchCall(b, "concatenates") }
func BenchmarkMatch(b *testing.B)     { benchCall(b, "matches") }
func BenchmarkCoroutine(b *testing.B) { benchCall(b, "coroutines") }

func benchWait(b *testing.B, name string) {
	w, g := benchWorld(b)
	fn := w.fn(name)
	b.ReportAllocs()
	for b.Loop() {
		w.Start(name, fn, Handler, nil, nil, nil)
		g.resume("v")
	}
}

// BenchmarkWait is a handler with one suspension.
func BenchmarkWait(b *testing.B)        { benchWait(b, "waits") }
func BenchmarkWaitInPcall(b *testing.B) { benchWait(b, "waits_in_pcall") }

// BenchmarkCall is a call that may not wait, such as on_branch.
func BenchmarkCall(b *testing.B) {
	w, _ := benchWorld(b)
	fn := w.fn("empty")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := w.Call(nil, "empty", fn, Branch); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkKill kills a run that catches everything.
func BenchmarkKill(b *testing.B) {
	g := &gate{}
	w := load(b, `function f() while true do pcall(gate) end end`, withGate(g))
	fn := w.fn("f")
	b.ReportAllocs()
	for b.Loop() {
		w.Start("f", fn, Handler, nil, nil, func(*Run, []lua.LValue, error) {}).Kill("")
	}
}

func TestMemoryOfAParkedRun(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector changes sizes")
	}
	for _, tt := range []struct {
		name string
		most uint64 // bytes, heap and stack
	}{{"park", 12 << 10}, {"park_in_pcall", 16 << 10}} {
		w, _ := benchWorld(t)
		fn := w.fn(tt.name)
		const n = 5000
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		for range n {
			w.Start(tt.name, fn, Handler, nil, nil, nil)
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		heap, stack := (after.HeapAlloc-before.HeapAlloc)/n, (after.StackInuse-before.StackInuse)/n
		t.Logf("%s: %d bytes heap, %d bytes stack", tt.name, heap, stack)
		if heap+stack > tt.most {
			t.Errorf("%s: %d bytes heap and %d stack, want at most %d together", tt.name, heap, stack, tt.most)
		}
		w.Close()
	}
}

func TestHotHandlerAllocatesOnce(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	w, _ := benchWorld(t)
	fn, args := w.fn("hot"), []lua.LValue{lua.LString("INVITE")}
	// The run itself is the one: whoever holds it after its end must not meet another run.
	if n := testing.AllocsPerRun(1000, func() { w.Start("hot", fn, Handler, nil, args, nil) }); n > 1 {
		t.Errorf("%v allocations a call, want at most 1", n)
	}
}
