-- The caller's handler stays with the call: it waits in its bridge as long as they talk.
local users = config.users or { alice = "wonderland", bob = "builder" }

sip.on("REGISTER", function(req)
  if auth.require(req, { users = users }) then
    registrar.save(req)
  end
end)

sip.on("INVITE", function(req)
  if not auth.require(req, { users = users }) then
    return
  end
  local call = req:accept()
  local leg, result = call:dial(location.lookup(req.uri), { timeout = 20 })
  if not leg then
    return call:reject(result)
  end
  call:bridge(leg)
end)

-- A handler that waits, so that its version stays.
sip.on("MESSAGE", function(req)
  req:reply(202)
  sleep(25)
end)
