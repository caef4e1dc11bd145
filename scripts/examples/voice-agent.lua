-- A voice agent: who calls talks with a program over a WebSocket, in the messages of Twilio's Media Streams, until that program
-- hangs up or asks for a human.
--
--   script:
--     agent: wss://agent.example.org/media
--     token: secret                      # sent as a bearer's, where there is one
--     human: sip:desk@example.org
--
-- The program asks for a human by a message of its own: {"event": "handover", "reason": "…"}. A caller who presses 0 asks for
-- one, too. Where the program cannot be reached the human is asked as well. docs/ivr-stream.md tells what the program is told.

local agent = config.agent or "ws://127.0.0.1:8765/media"
local human = config.human or "sip:desk@example.org"
local headers = config.token and { Authorization = "Bearer " .. config.token } or nil

-- talk returns true when the agent has done what the caller wanted.
local function talk(call)
  local r = call:stream {
    url = agent, headers = headers, reconnect = 1,
    params = { caller = call.from.user or "anonymous", called = call.to.user or "" },
    on_message = function(m)
      if type(m) == "table" and m.event == "handover" then call:send("app.handover", { reason = m.reason }) end
    end,
  }
  if r.ended_by == "error" then
    log.error("the voice agent cannot be talked to", { cause = r.cause, reason = r.reason })
    return false
  end
  log.info("the voice agent is done", { ended_by = r.ended_by, seconds = math.floor(r.duration) })
  return true
end

local function ask_human(call, why)
  log.info("a human is asked", { why = why })
  local leg = call:dial(human, { timeout = 30, early_media = "ringback" })
  if leg then return call:bridge(leg) end
  call:play { "tone:sit", "silence:0.5" }
end

sip.on("INVITE", function(req)
  local call = req:answer()
  local why, result = task.any {
    agent = function() return { done = talk(call) } end,
    key = function()
      repeat local event = call:wait("dtmf") until event.digit == "0"
      return true
    end,
    handover = function() return call:wait("app.handover") end,
  }
  if why ~= "agent" then
    ask_human(call, why)
  elseif not result.done then
    ask_human(call, "no agent")
  end
end)
