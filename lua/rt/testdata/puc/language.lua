-- control structures, scopes, varargs, multiple results
local function f(...) return select("#", ...), ... end
print(f()) print(f(nil)) print(f(1, nil, 3)) print((f(1, 2)))
print(f(f(1), f(2)))
local t = {f(1, 2), f(3)}
print(#t, t[1], t[2], t[3])
local function g(a, b, ...) local c, d = ... return a, b, c, d end
print(g()) print(g(1)) print(g(1, 2, 3)) print(g(1, 2, 3, 4, 5))
do local a = 1; do local a = 2; print(a) end print(a) end
for i = 1, 3 do io.write(i, " ") end print()
for i = 3, 1, -1 do io.write(i, " ") end print()
for i = 1, 0 do print("never") end
for i = 1, 2, 0.5 do io.write(i, " ") end print()
local i = 0
while true do i = i + 1 if i == 3 then break end end print(i)
repeat local done = i == 5; i = i + 1 until done print(i)
for k, v in ipairs({"a", "b", nil, "d"}) do io.write(k, v, " ") end print()
local keys = {}
for k in pairs({10, 20, x = 1}) do keys[#keys + 1] = tostring(k) end
table.sort(keys) print(table.concat(keys, ","))
for w, n in (function(s, c) if c < 3 then return c + 1, c * c end end), nil, 0 do io.write(w, ":", n, " ") end print()
print(1 == 1.0, "1" == 1, nil == false, 0 == -0, "a" < "b", "a" < "B", "" < "a", "Z" < "a", "a\0b" < "a\0c")
print(not nil, not 0, not "", nil and 1, false or nil, 1 and 2, nil or "x")
print(2 ^ 3 ^ 2, -2 ^ 2, not 1 == 2, 1 .. 2 .. 3, "a" .. 1 + 2, #"abc" + 1, -3 % 5, 3 % -5, -3 % -5, 5.5 % 2)
print(7 / 2, 1 / 0, -1 / 0, 10 % 3.5, 2 ^ 0.5 == math.sqrt(2), 1e3, 0x1F, .5, 3., 1e-2)
print("10" + 5, "3" * "4", 10 .. "", "0x10" + 0, " 5 " + 1, -"2")
print(#"", #"a\0b", #{}, #{1, 2, 3}, #{n = 1})
local s = [[
first newline dropped
]]  print(s, #s)
print([==[ ]] ]=] ]==])
print("\65\066\10x", 'a\
b', "\a\b\f\v\\\"\'" == "\7\8\12\11\92\34\39", "\z" == "z")
local a, b, c = (function() return 1, 2, 3 end)()
print(a, b, c)
local a, b, c = (function() return 1, 2, 3 end)(), 10
print(a, b, c)
local x, y = 1 print(x, y)
local o = {n = 0}
function o:inc(by) self.n = self.n + (by or 1) return self end
print(o:inc():inc(5).n)
function o.sub() return "static" end print(o.sub())
o.deep = {er = {}}
function o.deep.er.f(x) return x end
function o.deep.er:m(x) return self == o.deep.er, x end
print(o.deep.er.f(1), o.deep.er:m(2))
local function fact(n) if n <= 1 then return 1 end return n * fact(n - 1) end
print(fact(10), fact(20))
local fib fib = function(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end
print(fib(20))
local function loop(n) if n > 0 then return loop(n - 1) end return "tail" end
print(loop(10000))
print(type(nil), type(1), type("x"), type({}), type(print), type(function() end), type(coroutine.create(function() end)))
print(select(-1, 1, 2, 3), select(2, "a", "b", "c"), select("#"))
print(tostring(nil), tostring(true), tostring(12), tostring(-0.5), tostring("s"))
print(rawequal("a", "a"), rawequal({}, {}), rawget({5}, 1), next({}), next({7}))
print(unpack({1, 2, 3})) print(unpack({1, 2, 3}, 2)) print(unpack({1, 2, 3}, 2, 5)) print(unpack({}, 1, 0))
print((("x"):rep(3)), ("%d"):format(3), #("abc"):upper())
local t = {1, 2, 3, [2] = "x", n = 4, ["key with space"] = 5, [1.5] = 6, [true] = 7}
print(t[1], t[2], t[3], t.n, t["key with space"], t[1.5], t[true], t[false])
local t = {[1] = "a", "b"} print(t[1])
local t = {} t[1], t[2], t[1] = "a", "b", t[1] print(t[1], t[2])
local t = {} t.x = t print(t.x.x.x == t)
local n = 0 local t = setmetatable({}, {__index = function(_, k) n = n + 1 return k end})
print(t.a, t[1], t.a, n)
local big = {} for i = 1, 300 do big[i] = i end print(#big, big[300], select("#", unpack(big)))
local long = {1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31,32,33,34,35,36,37,38,39,40,41,42,43,44,45,46,47,48,49,50,51,52,53,54,55, unpack(big)}
print(#long, long[50], long[51], long[56], long[355])
local v = 5
do local function set() v = v + 1 end set() set() end print(v)
if v == 1 then print(1) elseif v == 7 then print("seven") else print("else") end
if false then elseif nil then else print("neither") end
while false do end
local function none() end print(none()) print((none()))
print(pcall(none)) print(#{none()}, #{none(), none()}, #{(none())})
