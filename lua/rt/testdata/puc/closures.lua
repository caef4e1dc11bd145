local fs = {}
for i = 1, 3 do fs[i] = function() i = i + 1 return i end end
print(fs[1](), fs[1](), fs[2](), fs[3]())
local gs = {}
local j = 0
while j < 3 do j = j + 1 local k = j gs[j] = {function() k = k + 10 return k end, function() return k end} end
print(gs[1][1](), gs[1][2](), gs[2][2](), gs[3][1](), gs[3][2]())
local function counter() local n = 0 return function() n = n + 1 return n end, function() return n end end
local inc, get = counter() local inc2 = counter()
inc() inc() inc2() print(get())
-- a closure keeps the variable, not the value, across errors that are caught
local x = 1
local function read() return x end
pcall(function() error("e") end)
x = 2 print(read())
pcall(function() x = 3 error("e") end) print(x, read())
xpcall(function() local y = 5 fs[1] = function() y = y + 1 return y end error("e") end, function() return end)
local a, b, c, d, e = 9, 9, 9, 9, 9
print(fs[1](), fs[1]())
local function outer()
  local v = "outer"
  local function mid()
    local ok = pcall(function() local function inner() v = v .. "!" error(v) end inner() end)
    return v
  end
  return mid(), v
end
print(outer())
-- upvalues shared by siblings and through levels
local function share()
  local n = 0
  local function a() return function() n = n + 1 return n end end
  local function b() return function() n = n * 2 return n end end
  return a(), b()
end
local p, q = share() p() p() q() print(p(), q())
local t = {}
for _, name in ipairs({"x", "y"}) do t[name] = function(v) if v then name = v end return name end end
print(t.x(), t.y("changed"), t.y(), t.x())
local function late() return after end
after = "global" print(late())
repeat local z = 3 local function f() return z end until f() == 3
local acc = {}
for i = 1, 5 do local v = i * i if i % 2 == 0 then acc[#acc + 1] = function() return v end end end
print(#acc, acc[1](), acc[2]())
local function va(...) local n = select("#", ...) local args = {...} return function() return n, args[n] end end
print(va(1, 2, 3)())
do
  local function even(n) if n == 0 then return true end return odd(n - 1) end
  function odd(n) if n == 0 then return false end return even(n - 1) end
  print(even(10), odd(7))
end
local env = {} for i = 1, 10 do local prev = env[i - 1] env[i] = function() return (prev and prev() or 0) + i end end
print(env[10]())
for i = 1, 2 do local up = i
  local ok, err = pcall(function() up = up + 1 local f = function() return up end if i == 2 then error(f()) end return f() end)
  print(ok, err, up)
end
