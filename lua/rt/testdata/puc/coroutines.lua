local co = coroutine.create(function(a, b) local c = coroutine.yield(a + b) local d, e = coroutine.yield(c * 2) return d + e, "end" end)
print(coroutine.status(co), coroutine.resume(co, 1, 2)) print(coroutine.status(co), coroutine.resume(co, 10)) print(coroutine.resume(co, 3, 4)) print(coroutine.status(co), coroutine.resume(co))
local gen = coroutine.wrap(function() for i = 1, 3 do coroutine.yield(i) end end)
print(gen(), gen(), gen(), gen()) print(pcall(gen))
local function range(n) return coroutine.wrap(function() for i = 1, n do coroutine.yield(i, i * i) end end) end
for i, sq in range(4) do io.write(i, ":", sq, " ") end print()
local function permute(a, n) if n == 0 then coroutine.yield(a) else for i = 1, n do a[n], a[i] = a[i], a[n] permute(a, n - 1) a[n], a[i] = a[i], a[n] end end end
for p in coroutine.wrap(function() permute({1, 2, 3}, 3) end) do io.write(table.concat(p), " ") end print()
local function producer() return coroutine.create(function() for _, v in ipairs({"a", "b"}) do coroutine.yield(v) end end) end
local function filter(p) return coroutine.create(function() while true do local ok, v = coroutine.resume(p) if not v then return end coroutine.yield(v .. v) end end) end
local f = filter(producer()) while true do local ok, v = coroutine.resume(f) if not v then break end io.write(v, " ") end print()
print(coroutine.running())
co = coroutine.create(function() print(coroutine.running() == co, coroutine.status(co)) local inner = coroutine.create(function() print(coroutine.status(co)) end) coroutine.resume(inner) print(coroutine.resume(co)) end)
coroutine.resume(co)
print(pcall(coroutine.resume, coroutine.create(function() return 1 end)))
print(coroutine.resume(coroutine.create(function(...) return select("#", ...), ... end), nil, nil))
print(select("#", coroutine.resume(coroutine.create(function() end))))
local c2 = coroutine.wrap(function(...) local n = select("#", ...) while true do n = select("#", coroutine.yield(n)) end end)
print(c2(), c2(1), c2(1, 2), c2(nil, nil, nil))
co = coroutine.create(function() coroutine.yield(coroutine.yield(1)) end)
print(coroutine.resume(co)) print(coroutine.resume(co, "x")) print(coroutine.resume(co)) print(coroutine.resume(co))
local x = 0 co = coroutine.wrap(function() while true do x = x + 1 coroutine.yield() end end) co() co() co() print(x)
print(coroutine.resume(coroutine.create(function() local t = nil; return pcall(function() error("caught", 0) end) end)))
local many = {} for i = 1, 50 do many[i] = coroutine.wrap(function() for j = 1, 3 do coroutine.yield(i * j) end end) end
local sum = 0 for round = 1, 3 do for i = 1, 50 do sum = sum + many[i]() end end print(sum)
print(type(co), type(coroutine.create(function() end)), pcall(coroutine.create, 1) == false)
co = coroutine.create(function() return coroutine.status(coroutine.running()) end) print(coroutine.resume(co))
local function deep(n) if n == 0 then coroutine.yield("bottom") return "up" end return (deep(n - 1)) end
co = coroutine.create(function() return deep(50) end) print(coroutine.resume(co)) print(coroutine.resume(co))
