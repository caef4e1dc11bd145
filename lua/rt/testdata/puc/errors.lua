-- messages of the interpreter differ by design; what is compared is what scripts raise, and where
print(pcall(error, "plain", 0)) print(pcall(error)) print(pcall(error, nil)) print(pcall(error, 42)) print(pcall(error, true))
local e = {code = 1} local ok, r = pcall(error, e) print(ok, r == e)
print(pcall(function() error("here") end))
print(pcall(function() error("level1", 1) end))
local function raise(level) error("at level " .. level, level) end
print(pcall(function() raise(1) end))
print(pcall(function() raise(2) end))
print(pcall(function() error() end))
print(pcall(function() error({}) end) == false)
print(select("#", pcall(error)))
print(pcall(pcall, error, "x")) print(pcall(pcall, pcall, error, "y"))
print(xpcall(function() error("x", 0) end, function(m) return "handled " .. m end))
print(xpcall(function() return 1, 2, 3 end, print))
print(xpcall(function() error({1}) end, function(m) return type(m), 2 end))
print(assert(1, 2, 3)) print(pcall(assert, false)) print(pcall(assert, nil, "msg")) print(pcall(assert, false, {1}) == false)
print(pcall(function() assert(false, "no position") end))
local function nested() local ok, e = pcall(function() local ok, e = pcall(error, "inner", 0) error("outer after " .. e, 0) end) return ok, e end
print(nested())
local t = setmetatable({}, {__index = function(_, k) error("index " .. k, 0) end, __newindex = function(_, k) error("newindex " .. k, 0) end,
  __add = function() error("add", 0) end, __call = function() error("call", 0) end, __concat = function() error("concat", 0) end,
  __eq = function() error("eq", 0) end, __lt = function() error("lt", 0) end, __unm = function() error("unm", 0) end})
local t2 = setmetatable({}, getmetatable(t))
print(pcall(function() return t.x end)) print(pcall(function() t.y = 1 end)) print(pcall(function() return t + 1 end))
print(pcall(t)) print(pcall(function() return t .. "x" end)) print(pcall(function() return t == t2 end))
print(pcall(function() return t < t2 end)) print(pcall(function() return -t end))
print(pcall(function() for _ in function() error("iter", 0) end do end end))
print(pcall(table.sort, {3, 2, 1}, function() error("compare", 0) end))
print(pcall(string.gsub, "abc", ".", function() error("replace", 0) end))
print(pcall(coroutine.wrap(function() coroutine.yield(1) end)))
local co = coroutine.create(function() error("in co", 0) end)
print(coroutine.resume(co)) print(coroutine.status(co)) print(coroutine.resume(co))
for _, f in ipairs({function() return nil + 1 end, function() return {} < {} end, function() return #5 end, function() return nil .. "x" end,
  function() local x x.y = 1 end, function() return ("x").y.z end, function() undefined() end, function() return 1 < "2" end, function() return -{} end,
  function() return {} .. "x" end, function() string.rep() end, function() ("x"):bad() end, function() setmetatable(1, {}) end,
  function() for i = "a", 2 do end end, function() for i = 1, {} do end end, function() local t = {} t[nil] = 1 end, function() local t = {} t[0/0] = 1 end,
  function() return math.floor({}) end, function() return ("x"):rep({}) end, function() tostring() end, function() ipairs() end,
  function() return "a" + 1 end, function() return {} == nil < 1 end}) do print((pcall(f))) end
-- state after errors
local n = 0 local function up() n = n + 1 if n < 5 then local ok, e = pcall(up) error(e, 0) end error("deep", 0) end
print(pcall(up)) print(n)
local function finally() local log = "" local ok = pcall(function() log = log .. "a" error("x") end) log = log .. "b" return log end print(finally())
