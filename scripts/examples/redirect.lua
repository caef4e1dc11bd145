-- A redirect server: it says where somebody is, and the caller goes there by itself. Nothing passes through it.

local moved = config.moved or { alice = "sip:alice@example.com" } -- for good: 301, and callers may remember it

-- Numbers by what they begin with, longest first. Callers try the contacts in their order.
local sites = config.sites or {
  { prefix = "21", hosts = { "berlin.example.org", "berlin-2.example.org" } },
  { prefix = "2", hosts = { "hamburg.example.org" } },
}

local function redirect(req)
  local user = req.uri.user or ""
  if moved[user] then
    return req:redirect(moved[user], 301)
  end
  for _, site in ipairs(sites) do
    if user:sub(1, #site.prefix) == site.prefix then
      local contacts = {}
      for i, host in ipairs(site.hosts) do
        contacts[i] = "sip:" .. user .. "@" .. host
      end
      return req:redirect(contacts)
    end
  end
  req:reply(404)
end

sip.on("INVITE", redirect)
sip.on("MESSAGE", redirect)
