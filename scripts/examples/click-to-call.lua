-- Click to call: an application says who is to talk with whom; the server rings the one, then the other, and joins them.
--
-- It says so by a MESSAGE to sip:click@ this server, with the user's own password, whose text is the number or user to
-- call: from a directory on a web page, for instance. The answer is 202 as soon as the user's phone is being called.
--
--   script:
--     users: {alice: wonderland, bob: builder}
--     gateway: "sip:gw.example.net"

local users = config.users or { alice = "wonderland", bob = "builder" }
local gateway = config.gateway -- nil: only users can be called

-- Where to reach what the user has asked for: somebody here, or a number over the gateway.
local function targets_of(wanted, domain)
  if users[wanted] then
    return location.lookup("sip:" .. wanted .. "@" .. domain)
  end
  if gateway and wanted:match("^%+?%d+$") then
    return (gateway:gsub("^(sips?:)", "%1" .. wanted .. "@"))
  end
end

-- The handler of the call to the user, who is the caller in it from now on.
local function connect(user, wanted, domain)
  return function(call)
    local leg, result = call:dial(targets_of(wanted, domain), { timeout = 60 })
    if not leg then
      log.info("not connected", { user = user, wanted = wanted, cause = result.cause })
      return call:hangup(result.cause)
    end
    local ended = call:bridge(leg, { max_duration = 4 * 3600 })
    log.info("connected", { user = user, wanted = wanted, seconds = math.floor(ended.duration + 0.5) })
  end
end

sip.on("REGISTER", function(req)
  if auth.require(req, { users = users }) then
    registrar.save(req)
  end
end)

sip.on("MESSAGE", function(req)
  local user = auth.require(req, { users = users })
  if not user then return end
  local wanted, domain = req.body:match("^%s*(%S+)%s*$"), req.uri.host
  if req.uri.user ~= "click" or not wanted or not targets_of(wanted, domain) then
    return req:reply(404)
  end
  local phones = location.lookup("sip:" .. user .. "@" .. domain)
  if #phones == 0 then
    return req:reply(480)
  end
  req:reply(202)

  -- The phone shows whom it is going to talk to.
  local call, result = sip.originate(phones, { timeout = 20, from = "sip:" .. wanted .. "@" .. domain }, connect(user, wanted, domain))
  if not call then
    log.info("the user has not answered", { user = user, cause = result.cause })
  end
end)
