-- A script with handlers that misbehave, for users of that name, beside one that does its work.

local hostile = {
  loop = function()
    while true do end -- HERE: loop
  end,
  wrapped = function()
    local busy = coroutine.wrap(function()
      while true do end -- HERE: wrapped
    end)
    busy()
  end,
  protected = function()
    while true do pcall(function() while true do end end) end -- HERE: protected
  end,
  pattern = function()
    local text = string.rep("a", 5000)
    for _ = 1, 100 do
      string.find(text, "(.-)(.-)(.-)(.-)x") -- HERE: pattern
    end
  end,
  raising = function()
    error("on purpose") -- HERE: raising
  end,
  silent = function()
    sleep(100000)
  end,
}

local function handle(req)
  local behave = hostile[req.uri.user]
  if behave then
    return behave()
  end
  req:proxy(location.lookup(req.uri))
end

sip.on("REGISTER", function(req)
  registrar.save(req)
end)
sip.on("INVITE", handle)
sip.on("MESSAGE", handle)
