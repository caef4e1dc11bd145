-- A hotline: first the desk, all together; then the office, one after the other; then the whole house at once.

local desk = config.desk or { "alice", "bob" }
local office = config.office or { "carol", "dave" }

-- The phones of all these users. A list of targets rings together, with `serial = true` in it one after the other.
local function phones(users, host, serial)
  local list = { serial = serial }
  for _, user in ipairs(users) do
    for _, phone in ipairs(location.lookup("sip:" .. user .. "@" .. host)) do
      list[#list + 1] = phone
    end
  end
  return list
end

sip.on("INVITE", function(req)
  local host = req.uri.host
  if not sip.is_local(req.uri) or req.uri.user ~= "hotline" then
    return req:reply(404)
  end

  -- A list of lists is tried in turn. Ten seconds each: the phones stop ringing, the next ones start.
  local result = req:proxy({ phones(desk, host), phones(office, host, true) }, { timeout = 10 })

  -- Nobody took the call. Everybody rings again, the office a little later so that the desk can be faster.
  if result.cause == "no_answer" or result.cause == "unavailable" or result.cause == "busy" then
    local everybody = phones(desk, host)
    for _, phone in ipairs(phones(office, host)) do
      everybody[#everybody + 1] = { uri = phone, after = 3 }
    end
    req:proxy(everybody, { timeout = 60 })
  end
end)

-- A closed network: whoever registers is believed. office.lua shows passwords.
sip.on("REGISTER", function(req)
  registrar.save(req)
end)
