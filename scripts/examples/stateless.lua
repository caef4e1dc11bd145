-- A stateless proxy before several servers: all that concerns a user goes to the same one, and nothing is remembered
-- here. Whatever fails or is retransmitted is between the two ends.

local servers = config.servers or { "sip:192.0.2.101", "sip:192.0.2.102" }

-- The same for each message about a user: a retransmission, a CANCEL or an ACK that went another way would be lost.
local function server_of(user)
  local sum = 0
  for i = 1, #user do
    sum = (sum * 31 + user:byte(i)) % 65521
  end
  return servers[sum % #servers + 1]
end

local function distribute(req)
  local about = req.method == "REGISTER" and req.to.uri or req.uri
  -- The request keeps its request URI and goes by way of the server: a Route (RFC 3261 §16.12).
  req:set_header("Route", "<" .. server_of(about.user or "") .. ";lr>")
  req:forward()
end

sip.on("*", distribute)
-- What a proxy with transactions deals with by itself: the CANCEL of a request, the ACK of a failure.
sip.on("CANCEL", distribute)
sip.on("ACK", distribute)
