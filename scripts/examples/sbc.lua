-- A session border controller: phones inside, a trunk to the telephone network outside, and nothing of one side in the other.
--
-- Inside media is encrypted (SRTP), outside it is not, as most trunks want it; the server translates. The trunk is known by
-- its address, a phone by its password, and only phones may call out.
--
--   media: {ports: 20000-29999}
--   script:
--     trunk: {uri: "sip:trunk.example.net", addresses: [192.0.2.50], lines: 30}
--     users: {alice: {password: wonderland, number: "+493012345610"}}

local trunk = config.trunk or { uri = "sip:192.0.2.50", addresses = { "192.0.2.50" }, lines = 30 }
local users = config.users or {
  alice = { password = "wonderland", number = "+493012345610" },
  bob = { password = "builder", number = "+493012345611" },
}

local passwords, by_number, outside = {}, {}, {}
for name, user in pairs(users) do
  passwords[name], by_number[user.number] = user.password, name
end
for _, ip in ipairs(trunk.addresses) do
  outside[ip] = true
end

-- What each side is offered, and what is accepted from it.
local to_phone = { srtp = "require", codecs = { "opus", "G722", "PCMA", "PCMU" } }
local to_trunk = { srtp = "off", codecs = { "PCMA", "PCMU" } }

-- Takes the caller with what its side may have, and calls the callee with what the other may. The pair then lives in the
-- server, without this handler.
local function connect(req, own, targets, other, caller_id)
  local call = req:accept(own)
  local leg, result = call:dial(targets, {
    timeout = 60,
    srtp = other.srtp, codecs = other.codecs,
    headers = { "Subject" }, -- all that crosses besides
    caller_id = caller_id,
  })
  if not leg then
    return call:reject(result)
  end
  call:bridge(leg, { max_duration = 4 * 3600, detach = true })
end

local function from_trunk(req)
  local name = by_number[req.uri.user]
  if not name then
    return req:reply(404)
  end
  connect(req, to_trunk, location.lookup("sip:" .. name .. "@" .. req.uri.host), to_phone)
end

local function from_phone(req, user)
  local other = by_number[req.uri.user] or users[req.uri.user] and req.uri.user
  if other then
    return connect(req, to_phone, location.lookup("sip:" .. other .. "@" .. req.uri.host), to_phone)
  end
  local number = (req.uri.user or ""):match("^%+?%d+$")
  if not number then
    return req:reply(484)
  end
  if not req:limit("trunk", trunk.lines) then
    return req:reply(503, "All Lines Busy")
  end
  -- The trunk sees the number that belongs to the user, whatever the phone has claimed.
  connect(req, to_phone, (trunk.uri:gsub("^(sips?:)", "%1" .. number .. "@")), to_trunk, users[user].number)
end

sip.on("REGISTER", function(req)
  if auth.require(req, { users = passwords }) then
    registrar.save(req)
  end
end)

sip.on("INVITE", function(req)
  if outside[req.source.ip] then
    return from_trunk(req)
  end
  local user = auth.require(req, { users = passwords })
  if user then
    from_phone(req, user)
  end
end)
