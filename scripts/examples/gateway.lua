-- Calls to the telephone network over a list of gateways: when one fails the next is tried, and only then.

local gateways = config.gateways or { "sip:gw1.example.net", "sip:gw2.example.net", "sip:gw3.example.net" }
local trusted = config.trusted or { "192.0.2.10" } -- PBXs that may call out; anybody else would do so at our expense

local may_call = {}
for _, ip in ipairs(trusted) do
  may_call[ip] = true
end

-- The number at each gateway, one after the other.
local function ways(number)
  local list = { serial = true }
  for i, gateway in ipairs(gateways) do
    list[i] = gateway:gsub("^(sips?:)", "%1" .. number .. "@", 1)
  end
  return list
end

sip.on("INVITE", function(req)
  if not may_call[req.source.ip] then
    return req:reply(403)
  end
  local number = (req.uri.user or ""):match("^%+?%d+$")
  if not number then
    return req:reply(484)
  end

  local result = req:proxy(ways(number), {
    next_on = { "failed" }, -- 5xx, unreachable, silent. Busy or rejected is the callee's own answer: no gateway has another
    response_timeout = 3,   -- a gateway that has said nothing for so long is dead
    on_branch = function(branch)
      branch:remove_header("X-Internal") -- what only the PBX should know
    end,
  })

  for _, branch in ipairs(result.branches) do
    if branch.cause == "failed" then
      log.warn("gateway failed", { gateway = branch.target, code = branch.code })
    end
  end
end)
