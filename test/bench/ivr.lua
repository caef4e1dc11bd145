-- What the benchmark runs for calls that this server answers itself: a prompt, and a wait for digits that nobody presses.

sip.on("INVITE", function(req)
  local call = req:answer()
  repeat
    local _, err = call:gather{ prompt = "tone:440/3000;once", max = 4, timeout = 5 }
  until not err or err.cause ~= "timeout"
end)
