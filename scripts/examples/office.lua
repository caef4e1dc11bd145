-- An office: phones register with a password and call each other; who is busy or does not answer is forwarded.
--
-- `make run` starts it as it is: the server's own addresses are its domain, so a phone needs an address, a name and a
-- password. A config file gives it a domain, users and forwarding of its own:
--
--   domains: [example.org]
--   script:
--     users: {alice: wonderland, bob: builder}
--     forward: {bob: alice}
--     ring: 15

local users = config.users or { alice = "wonderland", bob = "builder", carol = "christmas", dave = "goliath" }
local forward = config.forward or { bob = "carol" } -- who takes the calls that bob does not
local ring = config.ring or 20                      -- seconds until somebody does not answer

-- Who claims to be one of us has to prove it; anybody else may call us, and nobody but us.
local function admitted(req)
  if not sip.is_local(req.uri) then
    return req:reply(403, "Not Served Here")
  end
  if not users[req.uri.user] then
    return req:reply(404)
  end
  return not sip.is_local(req.from.uri) or auth.require(req, { users = users })
end

sip.on("REGISTER", function(req)
  if auth.require(req, { users = users }) then
    registrar.save(req)
  end
end)

sip.on("INVITE", function(req)
  if not admitted(req) then return end

  -- Rings all phones of the user and waits until one of them answers, or none does.
  local result = req:proxy(location.lookup(req.uri), { timeout = ring })

  local deputy = forward[req.uri.user]
  if deputy and (result.cause == "busy" or result.cause == "no_answer") then
    log.info("forwarded", { from = req.uri.user, to = deputy, cause = result.cause })
    req.uri.user = deputy
    req:proxy(location.lookup(req.uri), { timeout = ring })
  end
  -- Whatever has not been answered now gets the best response of all that have come: 486, or 480 where nobody is
  -- registered.
end)

sip.on("MESSAGE", function(req)
  if admitted(req) then
    req:proxy(location.lookup(req.uri))
  end
end)
