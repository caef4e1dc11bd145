package scenario

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sipscript/sipscript/sip/siptest"
)

func TestKV(t *testing.T) {
	returns(t, Options{Config: map[string]any{"list": []any{1, 2}, "deep": map[string]any{"er": "yes"}}}, []example{
		{"return kv.get('none')", "nil", nil},
		{"kv.set('s', 'text') kv.set('n', 1.5) kv.set('b', false) return kv.get('s'), kv.get('n'), kv.get('b'), type(kv.get('n'))", "text 1.5 false number", nil},
		{"kv.set('t', { 1, 2, { deep = true }, name = 'x' }) local t = kv.get('t') return #t, t[3].deep, t.name", "3 true x", nil},
		{"local t = { 1 } kv.set('c', t) t[1] = 2 kv.get('c')[1] = 3 return kv.get('c')[1]", "1", nil},
		{"kv.set('u', req.uri) return kv.get('u'), type(kv.get('u'))", "sip:bob@192.0.2.1 string", nil},
		{"kv.set('x', 1) kv.set('x', nil) return kv.get('x')", "nil", nil},
		{"kv.set('d', 1) return kv.delete('d'), kv.delete('d'), kv.get('d')", "true false nil", nil},
		{"return kv.incr('i'), kv.incr('i', 5), kv.incr('i', -0.5), kv.get('i')", "1 6 5.5 5.5", nil},
		{"return kv.cas('a', nil, 1), kv.cas('a', nil, 2), kv.cas('a', 1, 2), kv.get('a'), kv.cas('a', 2, nil), kv.get('a')", "true false true 2 true nil", nil},
		{"kv.set('ttl', 1, 10) sleep(9) local there = kv.get('ttl') sleep(2) return there, kv.get('ttl')", "1 nil", nil},
		{"kv.incr('w', 1, 10) sleep(6) kv.incr('w', 1, 10) sleep(6) return kv.get('w')", "nil", nil}, // the time counts from the first
		{"kv.set(7, 'seven') return kv.get('7')", "seven", nil},
		{"kv.set('cfg', config) return #kv.get('cfg').list, kv.get('cfg').deep.er", "2 yes", nil},
	})
}

func TestKVUsesThatAreRefused(t *testing.T) {
	raises(t, Options{}, []example{
		{"kv.get()", "kv.get: bad argument #1 (string expected, got no value)", nil},
		{"kv.get({})", "kv.get: bad argument #1 (string expected, got table)", nil},
		{"kv.set('k', print)", "kv.set: bad argument #2 (string, number, boolean or plain table expected)", nil},
		{"kv.set('k', req)", "kv.set: bad argument #2 (string, number, boolean or plain table expected)", nil},
		{"kv.set('k', { a = { print } })", "kv.set: bad argument #2 (string, number, boolean or plain table expected)", nil},
		{"local t = {} t.t = t kv.set('k', t)", "kv.set: bad argument #2 (the table is nested too deep, or holds itself)", nil},
		{"kv.set('k', 1, -1)", "kv.set: bad argument #3 (seconds, 0 or more, expected)", nil},
		{"kv.set('k', 1, 'x')", "kv.set: bad argument #3 (number expected, got string)", nil},
		{"kv.set('s', 'text') kv.incr('s')", `kv.incr: bad argument #1 ("s" holds no number)`, nil},
		{"kv.incr('s', 'x')", "kv.incr: bad argument #2 (number expected, got string)", nil},
		{"kv.cas('k', print, 1)", "kv.cas: bad argument #2 (string, number, boolean or plain table expected)", nil},
		{"kv.cas('k', 1, print)", "kv.cas: bad argument #3 (string, number, boolean or plain table expected)", nil},
		{"kv.delete()", "kv.delete: bad argument #1 (string expected, got no value)", nil},
	})
}

// The store is one for all shards and outlives the version of the script.
func TestKVIsSharedByShardsAndVersions(t *testing.T) {
	const source = `
		local own = 0
		sip.on("MESSAGE", function(req)
			own = own + 1
			req:reply(200, { headers = { ["X-Shared"] = kv.incr("count"), ["X-Own"] = own } })
		end)`
	withAlice(t, source, Options{}, func(t *testing.T, s *siptest.Scene, srv *Server, alice *siptest.UA) {
		own := map[string]bool{}
		for i := range 16 {
			got := alice.Final(alice.Request("MESSAGE", "sip:x@192.0.2.1"))
			shared, _ := got.Get("X-Shared")
			if want := i + 1; shared != strconv.Itoa(want) {
				t.Errorf("shared count %s, want %d", shared, want)
			}
			n, _ := got.Get("X-Own")
			own[n] = true
		}
		if len(own) == 16 {
			t.Error("all requests met on one shard, so that this shows nothing")
		}
		if err := srv.Change(source + " -- another"); err != nil {
			t.Fatal(err)
		}
		got := alice.Final(alice.Request("MESSAGE", "sip:x@192.0.2.1"))
		shared, _ := got.Get("X-Shared")
		n, _ := got.Get("X-Own")
		if shared != "17" || n != "1" {
			t.Errorf("after the reload: shared %s, own %s", shared, n)
		}
	})
}

func TestJSON(t *testing.T) {
	returns(t, Options{Config: map[string]any{"list": []any{1, 2}}}, []example{
		{"return json.encode(nil), json.encode(true), json.encode(1), json.encode(1.5), json.encode(1e20)", "null true 1 1.5 100000000000000000000", nil},
		{`return json.encode("a\"b\\\n<&>ü")`, `"a\"b\\\n<&>ü"`, nil},
		{"return json.encode({ 1, 'two', { three = 3 } })", `[1,"two",{"three":3}]`, nil},
		{"return json.encode({ b = 1, a = { 2 }, ['10'] = 'x' })", `{"10":"x","a":[2],"b":1}`, nil},
		{"return json.encode({ [10] = 'x', [20] = 'y' }), json.encode({ 1, nil, 3 })", `{"10":"x","20":"y"} [1,null,3]`, nil},
		{"return json.encode({})", "{}", nil},
		{"return json.encode({ uri = req.uri, from = req.from })", `{"from":"<sip:phone@192.0.2.1>;tag=7","uri":"sip:bob@192.0.2.1"}`,
			[]siptest.Option{siptest.Set("From", "<sip:phone@192.0.2.1>;tag=7")}},
		{"return json.encode(config)", `{"list":[1,2]}`, nil},
		{`local v = json.decode('{"a":[1,2.5,null,"x"],"b":{"c":false},"d":null}') return #v.a, v.a[2], v.a[4], v.b.c, v.d`, "4 2.5 x false nil", nil},
		{`return json.decode("5"), json.decode('"x"'), json.decode("true"), json.decode(" null ")`, "5 x true nil", nil},
		{`local v, err = json.decode("{") return v, err.cause, err`, "nil invalid invalid: unexpected EOF", nil},
		{`local v, err = json.decode("1 2") return v, err`, "nil invalid: more than one value", nil},
		{`local v, err = json.decode("") return v, err.cause`, "nil invalid", nil},
		{`local v, err = json.decode(("["):rep(20000)) return v, err.cause`, "nil invalid", nil},
	})
}

func TestJSONUsesThatAreRefused(t *testing.T) {
	raises(t, Options{}, []example{
		{"json.encode()", "json.encode: bad argument #1 (value expected)", nil},
		{"json.encode(print)", "json.encode: bad argument #1 (function cannot be written as JSON)", nil},
		{"json.encode(req)", "json.encode: bad argument #1 (userdata cannot be written as JSON)", nil},
		{"json.encode(0/0)", "json.encode: bad argument #1 (NaN is no JSON number)", nil},
		{"json.encode(1/0)", "json.encode: bad argument #1 (+Inf is no JSON number)", nil},
		{"json.encode({ 1, a = 2 })", "json.encode: bad argument #1 (a table with both list and named entries is neither a JSON array nor an object)", nil},
		{"local t = {} t[1] = t json.encode(t)", "json.encode: bad argument #1 (the table is nested too deep, or holds itself)", nil},
		{"json.decode(nil)", "json.decode: bad argument #1 (string expected, got nil)", nil},
	})
}

func TestConfig(t *testing.T) {
	returns(t, withConfig(), []example{
		{"return config.name, config.number, config.on, config.none", "office 20 true nil", nil},
		{"return #config.list, config.list[2], config.deep.er[1].x", "2 b 1", nil},
		{"local n = {} for k in pairs(config) do n[#n + 1] = k end table.sort(n) return table.concat(n, ' ')", "deep list name number on", nil},
		{"local n = '' for _, v in ipairs(config.list) do n = n .. v end return n", "ab", nil},
	})
}

func TestConfigIsReadOnly(t *testing.T) {
	raises(t, withConfig(), []example{
		{"config.name = 'x'", "attempt to write field 'name' of a read-only table", nil},
		{"config.deep.er[1].x = 2", "attempt to write field 'x' of a read-only table", nil},
		{"table.insert(config.list, 'c')", "table.insert: bad argument #1 (the table is read-only)", nil},
	})
}

func withConfig() Options {
	return Options{Config: map[string]any{
		"name": "office", "number": 20, "on": true, "list": []any{"a", "b"}, "deep": map[string]any{"er": []any{map[string]any{"x": 1}}},
	}}
}

func TestConfigIsEmptyWhereThereIsNone(t *testing.T) {
	returns(t, Options{}, []example{{"return type(config), next(config)", "table nil", nil}})
}

func TestTimeAndSleep(t *testing.T) {
	returns(t, Options{}, []example{
		{"local before = time.now() sleep(1.5) return string.format('%.2f', time.now() - before)", "1.50", nil},
		{"local before = time.now() sleep(0) return string.format('%.2f', time.now() - before)", "0.00", nil},
		{"local before = time.now() sleep('2') return string.format('%.2f', time.now() - before)", "2.00", nil},
		{"return math.floor(time.now()) == os.time(), time.now() > 9e8", "true true", nil},
	})
}

func TestSleepUsesThatAreRefused(t *testing.T) {
	raises(t, Options{}, []example{
		{"sleep()", "sleep: bad argument #1 (number expected, got no value)", nil},
		{"sleep(-1)", "sleep: bad argument #1 (seconds, 0 or more, expected)", nil},
		{"sleep('soon')", "sleep: bad argument #1 (number expected, got string)", nil},
		{"sleep(0/0)", "sleep: bad argument #1 (seconds, 0 or more, expected)", nil},
	})
}

func TestLog(t *testing.T) {
	withAlice(t, `
		log.info("loaded", { where = "main chunk" })
		sip.on("MESSAGE", function(req)
			log.debug("one")
			log.info("two", { b = 2, a = "x y", uri = req.uri, from = req.from, t = { 1 }, f = 0.5, no = false, err = select(2, json.decode("{")) })
			log.warn("three")
			log.error("four")
			print("five", 5)
			req:reply(200)
		end)`, Options{}, func(t *testing.T, s *siptest.Scene, srv *Server, alice *siptest.UA) {
		req := alice.Request("MESSAGE", "sip:x@192.0.2.1")
		alice.Final(req)
		id := "call_id=" + req.CallID()
		for _, line := range [][]string{
			{"level=INFO", "msg=loaded", "at=main.lua:2", `where="main chunk"`, "version=1"},
			{"level=DEBUG", "msg=one", "at=main.lua:4", "handler=MESSAGE", "version=1", id},
			{"level=INFO", "msg=two", `a="x y" b=2 err="invalid: unexpected EOF" f=0.5 from=`, "no=false", "uri=sip:x@192.0.2.1", id},
			{"level=WARN", "msg=three", "at=main.lua:6", id},
			{"level=ERROR", "msg=four", "at=main.lua:7", id},
			{"level=INFO", `msg="five\t5"`, "at=main.lua:8", id},
		} {
			if !srv.logged(line...) {
				t.Errorf("no line with %q in\n%s", line, srv.Log)
			}
		}
		if n := strings.Count(srv.Log.String(), "msg=loaded"); n != 1 {
			t.Errorf("the main chunk was heard %d times, once for each shard and not once", n)
		}
	})
}

func TestLogUsesThatAreRefused(t *testing.T) {
	raises(t, Options{}, []example{
		{"log.info()", "log.info: bad argument #1 (string expected, got no value)", nil},
		{"log.warn({})", "log.warn: bad argument #1 (string expected, got table)", nil},
		{"log.info('x', 'y')", "log.info: bad argument #2 (table expected, got string)", nil},
	})
}

// What a peer has sent does not make lines of its own, nor passwords appear.
func TestLogKeepsToItsLine(t *testing.T) {
	withAlice(t, `
		sip.on("MESSAGE", function(req)
			log.info("a\nlevel=ERROR msg=forged", { ["b\n"] = "c\nd", auth = req:header("Authorization") })
			req:reply(200)
		end)`, Options{}, func(t *testing.T, s *siptest.Scene, srv *Server, alice *siptest.UA) {
		alice.Final(alice.Request("MESSAGE", "sip:x@192.0.2.1", siptest.Header("Authorization", `Digest username="alice", response="c0ffee"`)))
		time.Sleep(time.Second)
		for line := range strings.SplitSeq(strings.TrimSpace(srv.Log.String()), "\n") {
			if !strings.HasPrefix(line, "time=") {
				t.Errorf("a line of the script's own: %s", line)
			}
		}
	})
}
