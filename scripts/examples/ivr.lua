-- A talking menu: callers choose by their keys, are asked for a PIN, hear it read back, and are put through to a phone.
--
--   domains: [example.org]
--   script:
--     pin: "4711"
--     users: {alice: wonderland, bob: builder}
--     sales: alice
--
-- What it says lies in prompts/en, and is spoken by `make prompts`. Where a file is missing a tone is heard in its place.

local users = config.users or { alice = "wonderland", bob = "builder" }
local pin = tostring(config.pin or "4711")
local sales, support = config.sales or "alice", config.support or "bob"

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

-- The caller talks with a phone that has registered, and comes back to the menu when that hangs up.
local function put_through(call, user)
  play(call, file("please-hold"))
  call:music("tone:ringback-us")
  local leg = call:dial(location.lookup("sip:" .. user .. "@" .. call.to.host), { timeout = 20 })
  call:music()
  if leg then
    call:bridge(leg)
  else
    play(call, file("unavailable"))
  end
end

local function check_pin(call)
  local entered = ask(call, { prompt = file("enter-pin"), max = 8, tries = 3, pattern = pin, invalid = file("wrong") })
  if entered then
    play(call, { file("you-entered"), "say:digits:" .. entered })
  end
  return entered
end

local choices = {
  ["1"] = function(call) put_through(call, sales) end,
  ["2"] = function(call) if check_pin(call) then put_through(call, support) end end,
  ["3"] = function(call) play(call, "say:time:" .. os.date("%H:%M")) end,
}

sip.on("REGISTER", function(req)
  if auth.require(req, { users = users }) then
    registrar.save(req)
  end
end)

sip.on("INVITE", function(req)
  local call = req:answer()
  play(call, file("welcome"))
  while true do
    local choice = ask(call, { prompt = file("menu"), max = 1, tries = 3, pattern = "[123]", invalid = file("wrong") })
    if not choice then break end
    choices[choice](call)
  end
  play(call, file("goodbye"))
end)
