-- What the benchmark runs: registrar in memory, stateful record-routing proxy, Lua on every request. peer/route.lua is the same for Kamailio.
-- Max-Forwards, screening, CANCEL and retransmissions are the engine's own.

sip.on("REGISTER", function(req)
  registrar.save(req)
end)

sip.on("*", function(req)
  local targets = location.lookup(req.uri)
  if #targets == 0 then
    return req:reply(404)
  end
  req:proxy(targets)
end)

sip.on_indialog(function(req)
  req:proxy()
end)
