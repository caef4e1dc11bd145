-- Text messages: to the phones of a user or of a whole group, from registered users only, and not too many.

local groups = config.groups or { team = { "alice", "bob", "carol" } }
local limit = config.messages_per_minute or 20

-- kv is shared by all calls. The script's own variables are not: there is a set of them for each of the server's shards.
local function too_many(sender)
  return kv.incr("messages:" .. sender, 1, 60) > limit -- begins anew 60 seconds after the first
end

-- The phones of the user, or of all members of the group but the sender.
local function phones(req)
  local members = groups[req.uri.user]
  if not members then
    return location.lookup(req.uri)
  end
  local all = {}
  for _, member in ipairs(members) do
    if member ~= req.from.uri.user then
      for _, phone in ipairs(location.lookup("sip:" .. member .. "@" .. req.uri.host)) do
        all[#all + 1] = phone
      end
    end
  end
  return all
end

sip.on("MESSAGE", function(req)
  if not sip.is_local(req.uri) or #location.lookup(req.from.uri) == 0 then
    return req:reply(403)
  end
  if too_many(tostring(req.from.uri)) then
    return req:reply(480, "Too Many Messages", { headers = { ["Retry-After"] = 60 } })
  end
  if req.content_type ~= "text/plain" then
    return req:reply(415, { headers = { Accept = "text/plain" } })
  end

  -- Every phone gets a copy; the first one that takes it decides the answer.
  local result = req:proxy(phones(req))
  log.info("message", { from = req.from.uri, to = req.uri, bytes = #req.body, cause = result.cause })
end)

-- A closed network: whoever registers is believed. office.lua shows passwords.
sip.on("REGISTER", function(req)
  registrar.save(req)
end)
