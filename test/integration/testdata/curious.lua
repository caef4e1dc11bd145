-- Reads all that a request has, so that every parser is asked, and then tries to serve it.

local function look(req)
  for _, field in ipairs { "method", "uri", "from", "to", "contact", "call_id", "cseq", "user_agent", "body", "content_type", "source" } do
    local _, value = pcall(function() return req[field] end)
    pcall(tostring, value)
  end
  for _, address in ipairs { "from", "to", "contact" } do
    for _, part in ipairs { "uri", "name", "tag", "params" } do
      pcall(function() return tostring(req[address][part]) end)
    end
  end
  for _, name in ipairs { "Via", "Route", "Record-Route", "Contact", "Expires", "Max-Forwards", "Require", "Proxy-Require", "Authorization", "Date", "Warning", "Subject" } do
    pcall(function() return req:header(name), req:headers(name) end)
  end
end

sip.on("REGISTER", function(req)
  look(req)
  registrar.save(req)
end)

sip.on("*", function(req)
  look(req)
  local targets = location.lookup(req.uri)
  if #targets == 0 then
    return req:reply(404)
  end
  req:proxy(targets, { timeout = 1 })
end)
