local V = {}
V.__index = V
local function new(x, y) return setmetatable({x = x, y = y}, V) end
V.__add = function(a, b) if type(b) == "number" then return new(a.x + b, a.y + b) elseif type(a) == "number" then return new(a + b.x, a + b.y) end return new(a.x + b.x, a.y + b.y) end
V.__sub = function(a, b) return new(a.x - b.x, a.y - b.y) end
V.__mul = function(a, b) return a.x * b.x + a.y * b.y end
V.__div = function(a, b) return new(a.x / b, a.y / b) end
V.__mod = function(a, b) return new(a.x % b, a.y % b) end
V.__pow = function(a, b) return new(a.x ^ b, a.y ^ b) end
V.__unm = function(a) return new(-a.x, -a.y) end
V.__eq = function(a, b) return a.x == b.x and a.y == b.y end
V.__lt = function(a, b) return a.x < b.x end
V.__le = function(a, b) return a.x <= b.x end
V.__tostring = function(a) return "(" .. a.x .. "," .. a.y .. ")" end
V.__concat = function(a, b) return tostring(a) .. tostring(b) end
V.__call = function(self, ...) return self.x, ... end
local a, b = new(1, 2), new(3, 4)
print(tostring(a + b), tostring(a + 1), tostring(1 + a), tostring(a - b), a * b, tostring(b / 2), tostring(b % 2), tostring(a ^ 2), tostring(-a))
print(a == b, a == new(1, 2), a ~= b, a < b, a <= b, a > b, a >= b)
print(a .. b, a .. "s", "s" .. a, 1 .. a, a .. 1, "x" .. a .. "y" .. b)
print(a(5, 6))
print(a.missing, a.x, V.x)
local log = {}
local proxy = setmetatable({}, {
  __index = function(_, k) log[#log + 1] = "get " .. tostring(k) return k end,
  __newindex = function(_, k, v) log[#log + 1] = "set " .. tostring(k) .. "=" .. tostring(v) end,
})
proxy.a = 1 local _ = proxy.b, proxy[3] proxy[3] = nil
print(table.concat(log, "; "))
local base = {greet = function(self) return "hello " .. self.name end}
local derived = setmetatable({}, {__index = base})
local object = setmetatable({name = "x"}, {__index = derived})
print(object:greet(), rawget(object, "greet"), rawget(derived, "greet"))
local store = {} local w = setmetatable({}, {__newindex = store}) w.x = 5 print(rawget(w, "x"), store.x)
local t = setmetatable({}, {__metatable = "locked"})
print(getmetatable(t), (pcall(setmetatable, t, {})))
print(getmetatable({}), getmetatable("").__index == string)
local m = {} local u = setmetatable({}, m) print(getmetatable(u) == m, setmetatable(u, nil) == u, getmetatable(u))
local d = setmetatable({}, {__index = function(t, k) local v = k * 2 rawset(t, k, v) return v end})
print(d[21], rawget(d, 21), d[21])
local e1, e2 = setmetatable({}, {__eq = function() return true end}), setmetatable({}, {__eq = function() return true end})
print(e1 == e2, rawequal(e1, e2), e1 == 1)
local mt = {__lt = function(a, b) return a.v < b.v end, __le = function(a, b) return a.v <= b.v end}
local l1, l2 = setmetatable({v = 1}, mt), setmetatable({v = 2}, mt)
print(l1 < l2, l1 <= l2, l1 > l2, l1 >= l2)
local list = {} for i = 1, 5 do list[i] = setmetatable({v = 6 - i}, mt) end
table.sort(list) local s = "" for i = 1, 5 do s = s .. list[i].v end print(s)
local callable = setmetatable({}, {__call = function(self, a, b) return a, b, self ~= nil end})
print(callable(1, 2)) print(pcall(callable, 3, 4)) print(select("#", callable()))
local cc = setmetatable({}, {__concat = function(a, b) return type(a) .. type(b) end})
print(cc .. cc, cc .. 1, "a" .. cc, 1 .. "b" .. cc, cc .. "a" .. "b")
