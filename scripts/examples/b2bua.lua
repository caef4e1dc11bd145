-- A back-to-back user agent: every call is two, with the server in the middle of both, and so is its media.
--
-- What a proxy shows to both sides, this hides: addresses, names, dialogs, codecs. The pair lives in the server when its
-- handler has ended, and when the script has been replaced.
--
--   domains: [example.org]
--   script:
--     users: {alice: wonderland, bob: builder}
--     ring: 20

local users = config.users or { alice = "wonderland", bob = "builder", carol = "christmas", dave = "goliath" }
local ring = config.ring or 20               -- seconds until somebody does not answer
local longest = config.longest or 4 * 3600   -- seconds that a call may last
local at_once = config.at_once or 2          -- calls that a user may have at the same time

sip.on("REGISTER", function(req)
  if auth.require(req, { users = users }) then
    registrar.save(req)
  end
end)

sip.on("INVITE", function(req)
  if not users[req.uri.user] then
    return req:reply(404)
  end
  local user = auth.require(req, { users = users })
  if not user then return end -- it has answered
  if not req:limit("user:" .. user, at_once) then
    return req:reply(486, "Too Many Calls")
  end

  local result = req:b2bua(location.lookup(req.uri), {
    timeout = ring,
    max_duration = longest,
    headers = { "Subject", "Alert-Info", "X-*" }, -- what may cross from one side to the other
  })
  if result.call then
    log.info("connected", { call = result.call.id, from = user, to = req.uri.user })
  end
  -- Whatever was not answered gets the best response that came.
end)

sip.on_end(function(cdr)
  log.info("over", { from = cdr.user, to = cdr.to, seconds = math.floor(cdr.duration + 0.5), cause = cdr.cause, by = cdr.ended_by })
end)
