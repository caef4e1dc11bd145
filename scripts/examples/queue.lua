-- A queue: callers of 700 wait for an agent, hear their place, and can leave by 0; agents come by *71, go by *72, and have a
-- break by *73 and *74.
--
--   domains: [example.org]
--   script:
--     users: {alice: wonderland, bob: builder}
--     max_wait: 300
--
-- What it says lies in prompts/en, and is spoken by `make prompts`. Where a file is missing a tone is heard in its place.

local users = config.users or { alice = "wonderland", bob = "builder" }
local max_wait = config.max_wait or 300
local music = config.music or "tone:350/300,0/4000;level=-30" -- any file will do

local function file(name) return "prompts/en/" .. name .. ".wav" end

-- play is call:play where prompts may be missing.
local function play(call, what)
  local played, err = call:play(what)
  if err and err.cause == "not_found" then
    log.warn(err.message .. ": make prompts speaks them; a tone is played")
    return call:play("tone:beep")
  end
  return played, err
end

local function wait_for_agent(call)
  play(call, file("welcome"))
  local got = queue.enter(call, "support", {
    strategy = "longest_idle", ring = 15, wrap_up = 10, max_wait = max_wait, exit_keys = "0", music = music, every = 30,
    announce = function(call, position) play(call, { file("position"), "say:" .. position }) end,
  })
  log.info("has left the queue", { who = call.from.user, cause = got.cause, agent = got.agent, seconds = math.floor(got.waited) })
  if got.cause ~= "answered" then
    play(call, file(got.cause == "key" and "goodbye" or "all-busy"))
  end
end

-- What agents dial. Each is told by a tone that it has been done.
local agents = {
  ["*71"] = function(agent) return queue.login("support", agent) end,
  ["*72"] = function(agent) return queue.logout("support", agent) end,
  ["*73"] = function(agent) return queue.pause("support", agent) end,
  ["*74"] = function(agent) return queue.pause("support", agent, false) end,
}

sip.on("REGISTER", function(req)
  if auth.require(req, { users = users }) then
    registrar.save(req)
  end
end)

sip.on("INVITE", function(req)
  local wanted = req.uri.user
  if wanted == "700" then
    return wait_for_agent(req:answer())
  end
  local user = auth.require(req, { users = users })
  if not user then return end
  if agents[wanted] then
    local call = req:answer()
    agents[wanted]("sip:" .. user .. "@" .. req.to.uri.host)
    return call:play("tone:beep")
  end
  req:proxy(location.lookup(req.uri))
end)
