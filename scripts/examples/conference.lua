-- Conferences: whoever calls the number of a room and knows its PIN talks with all who are there.
--
--   domains: [example.org]
--   recordings: /var/lib/sipscript/recordings
--   script:
--     users: {alice: wonderland, bob: builder}
--     rooms:
--       "801": {pin: "1111", moderator: "9999"}   # begins and ends with who gives the moderator's PIN
--       "802": {max: 5}
--
-- Keys: *6 is heard no more, and is again; *0 tells how many are there; *5, of a moderator, records and ends that.
--
-- What it says lies in prompts/en, and is spoken by `make prompts`. Where a file is missing a tone is heard in its place.

local users = config.users or { alice = "wonderland", bob = "builder" }
local rooms = config.rooms or { ["801"] = { pin = "1111", moderator = "9999" }, ["802"] = { max = 5 } }
local music = config.music or "tone:350/300,0/4000;level=-30" -- for who waits: any file will do

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

-- What the keys of one call in a room do.
local function keys_of(name, moderator)
  local muted, recording = false, nil
  local keys = {
    ["*6"] = function(call)
      muted = not muted
      conference.mute(name, call, muted)
    end,
    ["*0"] = function(call)
      play(call, "say:" .. #conference.members(name))
    end,
  }
  if moderator then
    keys["*5"] = function(call)
      if recording then
        recording:stop()
        recording = nil
      else
        recording = conference.record(name, name .. "/" .. call.id .. "-" .. os.date("%H%M%S") .. ".wav")
      end
    end
  end
  return keys
end

sip.on("REGISTER", function(req)
  if auth.require(req, { users = users }) then
    registrar.save(req)
  end
end)

sip.on("INVITE", function(req)
  local name = req.uri.user
  local room = rooms[name]
  if not room then
    return req:reply(404)
  end
  local call, moderator = req:answer(), false
  if room.pin then
    local either = room.moderator and room.pin .. "|" .. room.moderator or room.pin
    local pin = ask(call, { prompt = file("enter-pin"), max = 8, tries = 3, pattern = either, invalid = file("wrong") })
    if not pin then
      return play(call, file("goodbye"))
    end
    moderator = pin == room.moderator
  end
  if #conference.members(name) == 0 then
    play(call, file("alone"))
  end
  local moderated = room.moderator ~= nil
  local stay, err = conference.join(call, name, {
    moderator = moderator, wait_for_moderator = moderated, end_with_moderator = moderated,
    max = room.max, music = music, keys = keys_of(name, moderator),
  })
  if err then
    return play(call, file("room-full"))
  end
  log.info("left the conference", { room = name, who = call.from.user, by = stay.ended_by, seconds = math.floor(stay.duration) })
  play(call, file("goodbye"))
end)
