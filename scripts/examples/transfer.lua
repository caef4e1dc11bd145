-- Transfers: blind and attended by the phones' own buttons, by a key during the call for phones that have none, and picking
-- up what rings on another desk.
--
-- A transfer must not be a free call to the world: users can be sent to users, and to numbers only by who may call them.
--
--   script:
--     users: {alice: wonderland, bob: builder, carol: christmas}
--     gateway: "sip:gw.example.net"
--     may_call_out: {alice: true}
--     desk: carol

local users = config.users or { alice = "wonderland", bob = "builder", carol = "christmas" }
local gateway = config.gateway
local may_call_out = config.may_call_out or {}
local desk = config.desk or "carol" -- takes what others send away by *1

local function phones(user, domain)
  return location.lookup("sip:" .. user .. "@" .. domain)
end

sip.on("REGISTER", function(req)
  if auth.require(req, { users = users }) then
    registrar.save(req)
  end
end)

-- A phone wants to send whom it talks with to somebody else (REFER). Attended ones, to a call that the phone has here, need
-- no target and do not come by.
sip.on_transfer(function(t)
  if users[t.to.user] and sip.is_local(t.to) then
    return phones(t.to.user, t.to.host)
  end
  local by = t.by.direction == "in" and t.by.from.user or t.by.to.user
  if gateway and may_call_out[by] and t.to.user:match("^%+?%d+$") then
    return (gateway:gsub("^(sips?:)", "%1" .. t.to.user .. "@"))
  end
  log.warn("transfer refused", { by = by, to = t.to })
end)

-- *8 and a user: takes the call that rings there.
local function pick_up(req, user)
  for _, ringing in ipairs(sip.calls { user = user, state = "unanswered" }) do
    return req:accept():pickup(ringing)
  end
  req:reply(404, "Nothing Rings There")
end

sip.on("INVITE", function(req)
  if not auth.require(req, { users = users }) then return end
  local wanted, domain = req.uri.user or "", req.uri.host
  if wanted:match("^%*8") then
    return pick_up(req, wanted:sub(3))
  end
  if not users[wanted] then
    return req:reply(404)
  end

  local call = req:accept()
  local leg, result = call:dial(phones(wanted, domain), { timeout = 20 })
  if not leg then
    return call:reject(result)
  end

  -- *1 by one of the two sends the caller to the desk; the other one is out of it.
  local sent = false
  local ended = call:bridge(leg, {
    keys = { ["*1"] = function()
      sent = true
      call:stop()
    end },
  })
  if sent and ended.ended_by == "stopped" then
    leg, result = call:dial(phones(desk, domain), { timeout = 20 })
    if not leg then
      return call:hangup(result.cause)
    end
    call:bridge(leg)
  end
end)
