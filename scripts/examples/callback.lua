-- Calling back: who calls 555 says by the keys when to be called, and hangs up; the server calls then, and puts the two of
-- them through.
--
--   domains: [example.org]
--   script:
--     users: {alice: wonderland, bob: builder}
--     agent: bob
--
-- The time is four digits of the clock, or a # for as soon as possible. What is to come is remembered by the version of the
-- script that has promised it, and lost when the server ends.
--
-- What it says lies in prompts/en, and is spoken by `make prompts`. Where a file is missing a tone is heard in its place.

local users = config.users or { alice = "wonderland", bob = "builder" }
local agent = config.agent or "bob" -- whom callers are put through to
local tries = config.tries or 3     -- how often somebody who does not answer is called
local pause = config.pause or 300   -- seconds between two

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

-- The seconds until the clock says so next, today or tomorrow.
local function until_clock(digits)
  local now = os.date("*t")
  local minutes = tonumber(digits:sub(1, 2)) * 60 + tonumber(digits:sub(3, 4))
  return (minutes * 60 - now.hour * 3600 - now.min * 60 - now.sec) % (24 * 3600)
end

-- The handler of a call to the user, who is the caller in it.
local function put_through(domain)
  return function(call)
    play(call, file("please-hold"))
    call:music("tone:ringback-us")
    local leg = call:dial(location.lookup("sip:" .. agent .. "@" .. domain), { timeout = 30 })
    call:music()
    if not leg then
      return play(call, file("unavailable"))
    end
    call:bridge(leg)
  end
end

local function call_back(user, domain, left)
  local phones = location.lookup("sip:" .. user .. "@" .. domain)
  local call, result = sip.originate(phones, { timeout = 20, from = "sip:555@" .. domain }, put_through(domain))
  if call then
    return log.info("called back", { user = user })
  end
  log.info("not called back", { user = user, cause = result.cause, left = left - 1 })
  if left > 1 then
    sip.after(pause, function() call_back(user, domain, left - 1) end)
  end
end

sip.on("REGISTER", function(req)
  if auth.require(req, { users = users }) then
    registrar.save(req)
  end
end)

sip.on("INVITE", function(req)
  local user = auth.require(req, { users = users })
  if not user then return end
  if req.uri.user ~= "555" then
    return req:proxy(location.lookup(req.uri))
  end
  local call, domain = req:answer(), req.to.uri.host
  local digits = ask(call, {
    prompt = file("when"), invalid = file("wrong"), max = 4, min = 0, tries = 3, timeout = 10, pattern = "|([01][0-9]|2[0-3])[0-5][0-9]",
  })
  if not digits then
    return play(call, file("goodbye"))
  end
  local seconds = digits == "" and 5 or until_clock(digits)
  sip.after(seconds, function() call_back(user, domain, tries) end)
  log.info("to be called back", { user = user, seconds = seconds })
  play(call, digits == "" and file("call-back") or { file("call-back-at"), "say:time:" .. digits:sub(1, 2) .. ":" .. digits:sub(3, 4) })
end)
