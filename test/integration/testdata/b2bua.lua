-- Two dialogs and a relay between the phones of one house.
local users = config.users or { alice = "wonderland", bob = "builder", carol = "christmas" }

sip.on("REGISTER", function(req)
  if auth.require(req, { users = users }) then
    registrar.save(req)
  end
end)

sip.on("INVITE", function(req)
  if not auth.require(req, { users = users }) then
    return
  end
  req:b2bua(location.lookup(req.uri), { timeout = 20, srtp = config.srtp })
end)

-- How many calls are up.
sip.on("OPTIONS", function(req)
  req:reply(200, "Calls " .. #sip.calls())
end)
