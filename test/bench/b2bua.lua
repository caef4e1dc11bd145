-- What the benchmark runs for calls of two legs: registrar in memory, every call answered here and made anew, its media left alone.

sip.on("REGISTER", function(req)
  registrar.save(req)
end)

sip.on("INVITE", function(req)
  req:b2bua(location.lookup(req.uri), { media = "direct" })
end)
