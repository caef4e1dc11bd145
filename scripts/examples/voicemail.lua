-- Voicemail: who does not answer gets a message, a lamp on the phone that says so, and hears it by calling *97.
--
--   domains: [example.org]
--   recordings: /var/lib/sipscript/recordings
--   script:
--     users: {alice: wonderland, bob: builder}
--     pins: {alice: "1234", bob: "4711"}
--     ring: 20
--
-- A message is a file, <user>/<call>.wav in the folder of recordings; which of them are whose is remembered as long as the
-- server runs. Files are left where they are when a message is deleted: how long they are kept is not a phone's affair.
--
-- What it says lies in prompts/en, and is spoken by `make prompts`. Where a file is missing a tone is heard in its place.

local users = config.users or { alice = "wonderland", bob = "builder" }
local pins = config.pins or { alice = "1234", bob = "4711" }
local ring = config.ring or 20       -- seconds until somebody does not answer
local longest = config.longest or 120 -- seconds of a message

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

-- A mailbox is a list of { path, from, at, heard } in kv. change lets fn edit it, again if another call was faster, and
-- tells the phones what waits now.
local function messages_of(user)
  return kv.get("mailbox/" .. user) or {}
end

local function change(user, domain, fn)
  local before, messages
  repeat
    before, messages = kv.get("mailbox/" .. user), messages_of(user)
    fn(messages)
  until kv.cas("mailbox/" .. user, before, messages)
  local heard = 0
  for _, message in ipairs(messages) do
    if message.heard then heard = heard + 1 end
  end
  mwi.set("sip:" .. user .. "@" .. domain, #messages - heard, heard)
end

local function find(messages, path)
  for i, message in ipairs(messages) do
    if message.path == path then return i, message end
  end
end

-- The line behind record runs for who has hung up to finish the message, too.
local function leave_message(call, user)
  play(call, file("leave-message"))
  local message, err = call:record(user .. "/" .. call.id .. ".wav", { max_time = longest })
  if not message then
    log.error("no message was taken", { user = user, why = err })
    return play(call, file("unavailable"))
  end
  local least = message.stopped_by == "silence" and 4 or 1 -- 3 seconds of silence end it: who says nothing leaves nothing
  if message.duration >= least then
    change(user, call.to.host, function(messages)
      table.insert(messages, { path = message.path, from = tostring(call.from), at = time.now() })
    end)
  end
  play(call, file("message-saved"))
end

local function hear_messages(call, user)
  local pin = ask(call, { prompt = file("enter-pin"), max = 8, tries = 3, pattern = pins[user], invalid = file("wrong") })
  if not pin then
    return play(call, file("goodbye"))
  end
  local messages = messages_of(user)
  if #messages == 0 then
    return play(call, file("no-messages"))
  end
  play(call, { file("you-have"), "say:" .. #messages, file("messages") })
  for _, message in ipairs(messages) do
    play(call, message.path)
    change(user, call.to.host, function(now)
      local _, this = find(now, message.path)
      if this then this.heard = true end
    end)
    local key = ask(call, { prompt = file("next-or-delete"), max = 1, tries = 2, pattern = "[12]", invalid = file("wrong") })
    if key == "2" then
      change(user, call.to.host, function(now)
        local at = find(now, message.path)
        if at then table.remove(now, at) end
      end)
      play(call, file("deleted"))
    end
  end
  play(call, file("goodbye"))
end

sip.on("REGISTER", function(req)
  if auth.require(req, { users = users }) then
    registrar.save(req)
  end
end)

sip.on("INVITE", function(req)
  local wanted = req.uri.user
  if wanted == "*97" then
    local user = auth.require(req, { users = users })
    if user then
      hear_messages(req:answer(), user)
    end
    return
  end
  if not users[wanted] or not sip.is_local(req.uri) then
    return req:reply(404)
  end
  local result = req:proxy(location.lookup(req.uri), { timeout = ring })
  if result.cause == "busy" or result.cause == "no_answer" or result.cause == "unavailable" then
    leave_message(req:answer(), wanted)
  end
end)
