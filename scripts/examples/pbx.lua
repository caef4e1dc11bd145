-- A telephone system in one file.
--
--   alice, bob, …   users: phones register with a password; who is busy, away or does not answer gets a message
--   600             a ring group: all its phones at once
--   700             a queue; agents come by *71 and go by *72
--   701 to 709      fetch who is parked there: a callee parks the caller by *3, and is told where
--   800             a conference
--   *97             one's messages, by PIN
--   *28             night mode, and day again: at night callers from outside are asked for a message
--
-- Phones transfer with their own buttons, to users of this server only.
--
--   domains: [example.org]
--   recordings: /var/lib/sipscript/recordings
--   script:
--     users: {alice: wonderland, bob: builder, carol: christmas}
--     pins: {alice: "1234", bob: "4711", carol: "2412"}
--     groups: {"600": [alice, bob]}
--     operator: alice
--
-- What it says lies in prompts/en, and is spoken by `make prompts`. Where a file is missing a tone is heard in its place.

local users = config.users or { alice = "wonderland", bob = "builder", carol = "christmas" }
local pins = config.pins or { alice = "1234", bob = "4711", carol = "2412" }
local groups = config.groups or { ["600"] = { "alice", "bob" } }
local operator = config.operator or "alice"                    -- gets the messages of the night, of groups and of the queue
local ring = config.ring or 20                                 -- seconds until somebody does not answer
local patience = config.patience or 120                        -- seconds that somebody stays parked
local music = config.music or "tone:350/300,0/4000;level=-30" -- any file will do

local function file(name) return "prompts/en/" .. name .. ".wav" end

-- play and ask are call:play and call:gather where prompts may be missing.
local function play(call, what)
  local played, err = call:play(what)
  if err and err.cause == "not_found" then
    log.warn(err.message .. ": make prompts speaks them; a tone is played")
    return call:play("tone:beep")
  end
  return played, err
end

local function ask(call, options)
  local digits, err = call:gather(options)
  if err and err.cause == "not_found" then
    log.warn(err.message .. ": make prompts speaks them; tones are played")
    options.prompt, options.invalid = "tone:beep", options.invalid and { "tone:beep", "tone:beep" }
    return call:gather(options)
  end
  return digits, err
end

-- The phones of one user or several, to ring together.
local function phones(names, domain)
  local targets = {}
  for _, name in ipairs(names) do
    for _, phone in ipairs(location.lookup("sip:" .. name .. "@" .. domain)) do
      table.insert(targets, phone)
    end
  end
  return targets
end

--- Messages: voicemail.lua says more of these. ---

local function change_mailbox(user, domain, fn)
  local before, messages
  repeat
    before, messages = kv.get("mailbox/" .. user), kv.get("mailbox/" .. user) or {}
    fn(messages)
  until kv.cas("mailbox/" .. user, before, messages)
  mwi.set("sip:" .. user .. "@" .. domain, #messages)
end

local function leave_message(call, user, greeting)
  call:answer()
  play(call, file(greeting))
  local message = call:record(user .. "/" .. call.id .. ".wav", { max_time = 120 })
  if message and message.duration >= (message.stopped_by == "silence" and 4 or 1) then -- more than the silence that ends it
    change_mailbox(user, call.to.host, function(messages) table.insert(messages, message.path) end)
  end
  play(call, file("message-saved"))
end

-- What was heard is not kept.
local function hear_messages(call, user)
  if not ask(call, { prompt = file("enter-pin"), max = 8, tries = 3, pattern = pins[user], invalid = file("wrong") }) then
    return
  end
  local messages = kv.get("mailbox/" .. user) or {}
  if #messages == 0 then
    return play(call, file("no-messages"))
  end
  play(call, { file("you-have"), "say:" .. #messages, file("messages") })
  for _, path in ipairs(messages) do
    play(call, path)
    change_mailbox(user, call.to.host, function(now)
      for i = #now, 1, -1 do
        if now[i] == path then table.remove(now, i) end
      end
    end)
  end
end

--- Calls between phones, and parking. ---

local connect

-- The caller waits in the first slot that is free, and comes back to who has parked it when nobody fetches it.
local function park(call, leg, names, mailbox)
  local slot
  for n = 701, 709 do
    if kv.cas("slot/" .. n, nil, call.id, patience + 60) then
      slot = tostring(n)
      break
    end
  end
  if not slot then
    play(leg, file("all-busy"))
    leg:hangup()
    return connect(call, names, mailbox)
  end
  task.spawn(function()
    play(leg, { file("parked"), "say:digits:" .. slot })
    leg:hangup()
  end)
  local _, err = call:park(slot, patience, { music = music })
  kv.delete("slot/" .. slot)
  if err then
    connect(call, names, mailbox)
  end
end

function connect(call, names, mailbox)
  local leg, result = call:dial(phones(names, call.to.host), { timeout = ring })
  if not leg then
    if result.cause == "canceled" then return end
    return leave_message(call, mailbox, "leave-message")
  end
  local parking = false
  call:bridge(leg, { keep_callee = true, keys = { ["*3"] = function(by)
    if by.id == leg.id then
      parking = true
      call:stop()
    end
  end } })
  if parking then
    park(call, leg, names, mailbox)
  end
end

local function fetch(call, slot)
  local _, err = call:pickup("park:" .. slot)
  if err then
    call:reject(404)
  end
end

sip.on_transfer(function(t)
  if users[t.to.user] and sip.is_local(t.to) then
    return location.lookup(t.to)
  end
end)

--- Numbers that anybody may call, and those of users alone. ---

local function wait_in_queue(call)
  call:answer()
  local got = queue.enter(call, "office", {
    music = music, max_wait = 300, strategy = "longest_idle", wrap_up = 10,
    announce = function(_, position) play(call, { file("position"), "say:" .. position }) end,
  })
  if got.cause ~= "answered" then
    leave_message(call, operator, "leave-message")
  end
end

local function meet(call)
  call:answer()
  if #conference.members("office") == 0 then
    play(call, file("alone"))
  end
  conference.join(call, "office", { music = music })
end

local services = {
  ["*97"] = hear_messages,
  ["*28"] = function(call)
    kv.set("night", not kv.get("night"))
    play(call, kv.get("night") and file("closed") or file("welcome"))
  end,
  ["*71"] = function(call, user)
    queue.login("office", "sip:" .. user .. "@" .. call.to.host)
    call:play("tone:beep")
  end,
  ["*72"] = function(call, user)
    queue.logout("office", "sip:" .. user .. "@" .. call.to.host)
    call:play("tone:beep")
  end,
}

sip.on("REGISTER", function(req)
  if auth.require(req, { users = users }) then
    registrar.save(req)
  end
end)

sip.on("INVITE", function(req)
  local wanted, inside = req.uri.user or "", sip.is_local(req.from.uri)
  if not sip.is_local(req.uri) then
    return req:reply(403, "Not Served Here")
  end
  local user = inside and auth.require(req, { users = users })
  if inside and not user then return end

  if user and services[wanted] then
    return services[wanted](req:answer(), user)
  elseif user and wanted:match("^70[1-9]$") then
    return fetch(req:accept(), wanted)
  elseif not user and kv.get("night") then
    return leave_message(req:accept(), operator, "closed")
  elseif wanted == "700" then
    return wait_in_queue(req:accept())
  elseif user and wanted == "800" then
    return meet(req:accept())
  elseif groups[wanted] then
    return connect(req:accept(), groups[wanted], operator)
  elseif users[wanted] then
    return connect(req:accept(), { wanted }, wanted)
  end
  req:reply(404)
end)
