-- What ../route.lua does, for Kamailio's KEMI. What sipscript's engine checks by itself before a script runs stands here at the top.

local dialog_forming = { INVITE = true, SUBSCRIBE = true, UPDATE = true }

local function relay()
  local method = KSR.pv.get("$rm")
  if (dialog_forming[method] or method == "BYE") and KSR.tm.t_is_set("branch_route") < 0 then
    KSR.tm.t_on_branch("on_branch")
  end
  if dialog_forming[method] and KSR.tm.t_is_set("onreply_route") < 0 then
    KSR.tm.t_on_reply("on_reply")
  end
  if method == "INVITE" and KSR.tm.t_is_set("failure_route") < 0 then
    KSR.tm.t_on_failure("on_failure")
  end
  if KSR.tm.t_relay() < 0 then
    KSR.sl.sl_reply_error()
  end
end

local function in_dialog()
  if KSR.rr.loose_route() > 0 then
    return relay()
  end
  if not KSR.is_ACK() then
    KSR.sl.sl_send_reply(404, "Not here")
  elseif KSR.tm.t_check_trans() > 0 then
    relay()
  end
end

local function to_contact()
  local found = KSR.registrar.lookup("location")
  if found >= 0 then
    return relay()
  end
  KSR.tm.t_newtran()
  if found == -2 then
    KSR.sl.send_reply(405, "Method Not Allowed")
  else
    KSR.sl.send_reply(404, "Not Found")
  end
end

function ksr_request_route()
  if KSR.maxfwd.process_maxfwd(10) < 0 then
    return KSR.sl.sl_send_reply(483, "Too Many Hops")
  end
  if KSR.sanity.sanity_check(17895, 7) < 0 then
    return
  end
  if KSR.is_OPTIONS() and KSR.is_myself_ruri() and KSR.pv.is_null("$rU") then
    return KSR.sl.sl_send_reply(200, "OK")
  end
  if KSR.is_CANCEL() then
    if KSR.tm.t_check_trans() > 0 then
      KSR.tm.t_relay()
    end
    return
  end
  if not KSR.is_ACK() then
    if KSR.tmx.t_precheck_trans() > 0 then -- a retransmission
      KSR.tm.t_check_trans()
      return
    end
    if KSR.tm.t_check_trans() == 0 then
      return
    end
  end
  if KSR.siputils.has_totag() > 0 then
    return in_dialog()
  end
  KSR.hdr.remove("Route")
  if KSR.is_method_in("IS") then
    KSR.rr.record_route()
  end
  if KSR.is_REGISTER() then
    if KSR.registrar.save("location", 0) < 0 then
      KSR.sl.sl_reply_error()
    end
    return
  end
  if KSR.pv.is_null("$rU") then
    return KSR.sl.sl_send_reply(484, "Address Incomplete")
  end
  to_contact()
end

function on_branch()
  if KSR.pv.is_null("$ru") then
    KSR.drop()
  end
end

function on_reply()
  local code = KSR.pv.get("$rs")
  if code >= 100 and code < 300 then
    return
  end
end

function on_failure()
  if KSR.tm.t_is_canceled() > 0 then
    return
  end
end
