---@meta
-- What scripts can call, for the Lua language server: made from the tables that bind it, like docs/reference.md.

---@class sipscript.error What the network, a peer or a database has caused; it prints itself.
---@field cause string a word: see the reference
---@field message string
---@field code? integer the SIP status that was the reason

--- Where to send a request: one target or a list of them. The members of a list ring in parallel; registered contacts side by side in the order of their q. With `serial = true` in the list they ring one after the other. A list of lists is a list of groups that are tried in turn.
---@alias sipscript.targets string|sipscript.uri|sipscript.address|sipscript.target|sipscript.target_options|(string|sipscript.uri|sipscript.address|sipscript.target|sipscript.target_options|sipscript.targets)[]

--- A transfer that is asked for: `by` whom (the call whose peer asks), the `call` that is to be sent, `to` where, and whether it is `attended`: `to` is in a call that is to be replaced.
---@alias sipscript.transfer {by: sipscript.handle, call?: sipscript.handle, to: sipscript.uri, attended: boolean}

--- The record of a call that is over.
---@alias sipscript.cdr {id: string, call_id: string, call_ids: string[], from: string, to: string, uri: string, user?: string, source: string, target?: string, started: number, answered?: number, ended: number, duration: number, code: integer, cause: string, q850?: integer, ended_by?: string, media: table[], vars: table<string, any>}

--- A target of which more is said than its URI.
---@class sipscript.target_options
---@field uri string|sipscript.uri|sipscript.address|sipscript.target where to send
---@field after? number rings so much later than the others of its group, or at once when all of them have failed; default 0
---@field timeout? number for a final response from here, where it is to be less than that of the group
---@field headers? table<string, string|string[]> header fields that only this branch sends
---@field caller_id? string|{number: string, name?: string, privacy?: boolean} whom the callee sees calling: a number, or `{number=, name=, privacy=}`. It stands in From and P-Asserted-Identity (RFC 3325); with `privacy` From is anonymous (RFC 3323). The caller does not notice
---@field credentials? string|{username: string, password: string} answers a gateway's 401 or 407, in the INVITE and for the rest of the dialog: a name under `credentials` in the config, or `{username=, password=}`

---@class sipscript.request A request that a handler decides about. Reading it stays valid for ever; answering or proxying it after its handler has ended raises.
---@field method string the method
---@field uri sipscript.uri the request URI, as the last hop left it; its parts are writable too
---@field from sipscript.address the From header field
---@field to sipscript.address the To header field
---@field contact sipscript.address? the first Contact; nil when there is none, or a `*`
---@field call_id string the Call-ID
---@field cseq integer the number in CSeq
---@field user_agent string? the User-Agent
---@field content_type string? the Content-Type
---@field body string the body as it came, empty when there is none
---@field sdp {media: {kind: string, port: integer, proto: string, direction: string, address?: string, codecs: {payload?: integer, name?: string, rate?: integer, channels?: integer, fmtp?: string}[]}[]}? the session description in the body, read-only: each m-line with its kind (`audio`, `video`, `image` …), where media is wanted, which way it is to flow as the sender sees it, and the codecs in the order of preference. nil when there is none, or none that can be read
---@field diversions sipscript.address[] who has diverted the call on its way here, the last one first, each with `params.reason` and what else RFC 5806 has; empty when nobody has
---@field replaces sipscript.handle? the call that the sender wants to take the place of (RFC 3891); nil when it wants none, or there is none. Waits for the answer of the shard that the call lives on
---@field joins sipscript.handle? the call whose conversation the sender wants to join (RFC 3911); nil when it wants none, or there is none. If it is in a conference, `conference.room(req.joins)` is which one; whether the sender may is for the script to say. Waits as `replaces` does
---@field emergency boolean whether it calls for help: `urn:service:sos` and what is under it (RFC 5031), or a number that the config lists under `emergency`, at this server or as a `tel` URI. Such a call is let in however great the load, and `limit` never refuses it
---@field source {ip: string, port: integer, transport: string, listener: string} where the request was seen to come from, and the address of ours it came to: `{ip = "192.0.2.10", port = 5060, transport = "udp", listener = "udp:192.0.2.1:5060"}`
---@field user string? the user that `auth.require` has let in, nil before
---@field vars table<string, any> values of the script's own that stay with the call: strings, numbers, booleans, and tables of them, which are copied. They are there in later handlers of the call (`sip.on_indialog`), when it ends (`sip.on_end`), and in its line of the file of call records. A call is followed from the first time that its INVITE's vars are read or written, before it is answered
do local request = {} -- a module may have this name too

--- The first value of a header field. Compact and long names are the same.
---@param name string
---@return string?
function request:header(name) end

--- All values of a header field, in order.
---@param name string
---@return string[]
function request:headers(name) end

--- Replaces a header field, or adds it. Via, Call-ID, CSeq, Record-Route and tags cannot be written.
---@param name string
---@param value string|number|sipscript.uri|sipscript.address
function request:set_header(name, value) end

--- Adds a header field behind those of its name.
---@param name string
---@param value string|number|sipscript.uri|sipscript.address
function request:add_header(name, value) end

--- Removes all header fields of this name.
---@param name string
function request:remove_header(name) end

---@class sipscript.request.reply.options
---@field headers? table<string, string|string[]> header fields by name, each with its value or a list of values
---@field body? string the body
---@field content_type? string of the body; default "text/plain"

--- Answers the request. A 1xx may be sent any number of times, to an INVITE. With the result of `proxy` the response that came is passed on.
---@param code integer|string|sipscript.result
---@param reason? string
---@param options? sipscript.request.reply.options
function request:reply(code, reason, options) end

--- Answers 302, or another 3xx, with these contacts: one URI or a list, or what `location.lookup` returned.
---@param contacts sipscript.targets
---@param code? integer|string
function request:redirect(contacts, code) end

--- Answers nothing, on purpose.
function request:drop() end

---@class sipscript.request.accept.options
---@field media? "relay"|"direct" `direct` keeps RTP out of this server; default "relay"
---@field codecs? string[] the audio codecs it may use, in this order: `{"PCMA", "opus/48000/2"}`; `"*"` stands for all others, and with a minus before it a codec is left out. If not given, all, in the order of the other side
---@field video_codecs? string[] likewise for video
---@field srtp? "follow"|"off"|"require" whether its media is encrypted (SDES, RFC 4568): as on the other side, never, or always; default "follow"
---@field headers? table<integer|string, string|string[]> names in the list are header fields that may cross between the two sides, `{"Subject", "X-*"}`, all others are hidden; values by name are sent to this side, `{["X-Queue"] = "sales"}`
---@field session_expires? number after how long a session that nobody has refreshed ends, at least 90 (RFC 4028); 0 leaves it to the peer whether there is such a limit; default 0
---@field session_min? number the least that a peer may ask for; below it gets 422; default 90
---@field refresher? "peer"|"server" who is to refresh the session where this side may choose; a peer that cannot is refreshed by the server; default "peer"

--- Takes an INVITE as a call that ends here, not answered yet. The call is the handler's: it ends with it.
---@param options? sipscript.request.accept.options
---@return sipscript.call
function request:accept(options) end

---@class sipscript.request.answer.options
---@field media? "relay"|"direct" `direct` keeps RTP out of this server; default "relay"
---@field codecs? string[] the audio codecs it may use, in this order: `{"PCMA", "opus/48000/2"}`; `"*"` stands for all others, and with a minus before it a codec is left out. If not given, all, in the order of the other side
---@field video_codecs? string[] likewise for video
---@field srtp? "follow"|"off"|"require" whether its media is encrypted (SDES, RFC 4568): as on the other side, never, or always; default "follow"
---@field headers? table<integer|string, string|string[]> names in the list are header fields that may cross between the two sides, `{"Subject", "X-*"}`, all others are hidden; values by name are sent to this side, `{["X-Queue"] = "sales"}`
---@field session_expires? number after how long a session that nobody has refreshed ends, at least 90 (RFC 4028); 0 leaves it to the peer whether there is such a limit; default 0
---@field session_min? number the least that a peer may ask for; below it gets 422; default 90
---@field refresher? "peer"|"server" who is to refresh the session where this side may choose; a peer that cannot is refreshed by the server; default "peer"

--- `accept` and `call:answer` in one.
---@param options? sipscript.request.answer.options
---@return sipscript.call
function request:answer(options) end

---@class sipscript.request.b2bua.options
---@field timeout? number for a final response, of each group; default 180
---@field response_timeout? number for any response at all: a gateway that is silent for so long is dead; if not given, 64·T1 (32)
---@field next_on? (string|integer)[] causes or codes after which the next group is tried; if not given, all but 6xx
---@field failover? boolean the next address of a host on 503, timeout or transport error (RFC 3263 §4.3); default true
---@field recurse? boolean follows 3xx, of requests to domains of this server (RFC 3261 §16.5); default false
---@field max_duration? number how long the call may last after its answer: then both sides get a BYE
---@field caller_id? string|{number: string, name?: string, privacy?: boolean} whom the callee sees calling: a number, or `{number=, name=, privacy=}`. It stands in From and P-Asserted-Identity (RFC 3325); with `privacy` From is anonymous (RFC 3323). The caller does not notice
---@field credentials? string|{username: string, password: string} answers a gateway's 401 or 407, in the INVITE and for the rest of the dialog: a name under `credentials` in the config, or `{username=, password=}`
---@field diversion? "busy"|"no-answer"|"unconditional"|"unavailable"|"do-not-disturb"|"deflection"|"follow-me"|"time-of-day" the targets are somebody else than was called, for this reason: they are told by Diversion (RFC 5806) and History-Info (RFC 7044)
---@field on_branch? fun(branch: sipscript.branch, target: any): boolean? `fn(branch, target)` edits what one branch sends; returning false leaves the target out. May not wait
---@field on_reply? fun(reply: sipscript.reply, target: any): boolean? `fn(reply, target)` reads or edits a response; returning false drops a 1xx. May not wait
---@field media? "relay"|"direct" `direct` keeps RTP out of this server; default "relay"
---@field codecs? string[] the audio codecs it may use, in this order: `{"PCMA", "opus/48000/2"}`; `"*"` stands for all others, and with a minus before it a codec is left out. If not given, all, in the order of the other side
---@field video_codecs? string[] likewise for video
---@field srtp? "follow"|"off"|"require" whether its media is encrypted (SDES, RFC 4568): as on the other side, never, or always; default "follow"
---@field headers? table<integer|string, string|string[]> names in the list are header fields that may cross between the two sides, `{"Subject", "X-*"}`, all others are hidden; values by name are sent to this side, `{["X-Queue"] = "sales"}`
---@field session_expires? number after how long a session that nobody has refreshed ends, at least 90 (RFC 4028); 0 leaves it to the peer whether there is such a limit; default 0
---@field session_min? number the least that a peer may ask for; below it gets 422; default 90
---@field refresher? "peer"|"server" who is to refresh the session where this side may choose; a peer that cannot is refreshed by the server; default "peer"
---@field early_media? "pass"|"last"|"ringback"|"none" what an unanswered caller hears: what the callee sends, of several the first or the last that sends something; its own ringing tone; nothing; default "pass"
---@field replaces? boolean an INVITE with Replaces (RFC 3891) may take the place of the call that it names, although `auth.require` has not found out who sends it: for senders that the script knows by other means. Without it such an INVITE gets 403; default false

--- `proxy` with two dialogs: calls the targets by itself and joins the caller with who answers. Returns at the final response; the pair then lives in the engine, without the script, and `result.call` is the caller's side of it. A negative response goes to the caller when the handler ends, or by `req:reply(result)`.
---@param targets sipscript.targets
---@param options? sipscript.request.b2bua.options
---@return sipscript.result
function request:b2bua(targets, options) end

---@class sipscript.request.proxy.options
---@field timeout? number for a final response, of each group; default 180
---@field response_timeout? number for any response at all: a gateway that is silent for so long is dead; if not given, 64·T1 (32)
---@field next_on? (string|integer)[] causes or codes after which the next group is tried; if not given, all but 6xx
---@field record_route? boolean whether the dialog's later requests come by here; if not given, for INVITE, SUBSCRIBE and REFER
---@field failover? boolean the next address of a host on 503, timeout or transport error (RFC 3263 §4.3); default true
---@field recurse? boolean follows 3xx, of requests to domains of this server (RFC 3261 §16.5); default false
---@field max_duration? number how long the call may last after its answer: then both sides get a BYE
---@field caller_id? string|{number: string, name?: string, privacy?: boolean} whom the callee sees calling: a number, or `{number=, name=, privacy=}`. It stands in From and P-Asserted-Identity (RFC 3325); with `privacy` From is anonymous (RFC 3323). The caller does not notice
---@field credentials? string|{username: string, password: string} answers a gateway's 401 or 407, in the INVITE and for the rest of the dialog: a name under `credentials` in the config, or `{username=, password=}`
---@field diversion? "busy"|"no-answer"|"unconditional"|"unavailable"|"do-not-disturb"|"deflection"|"follow-me"|"time-of-day" the targets are somebody else than was called, for this reason: they are told by Diversion (RFC 5806) and History-Info (RFC 7044)
---@field on_branch? fun(branch: sipscript.branch, target: any): boolean? `fn(branch, target)` edits what one branch sends; returning false leaves the target out. May not wait
---@field on_reply? fun(reply: sipscript.reply, target: any): boolean? `fn(reply, target)` reads or edits a response; returning false drops a 1xx. May not wait
---@field media? "none"|"relay" `relay` leads the media of the call through this server: it follows re-INVITEs by itself, and ends with the call. A call without media gets a BYE after `media.timeout`; default "none"

--- Sends the request on and waits for the final response. 1xx and 2xx go upstream by themselves; a negative response goes when the handler ends, or by `req:reply(result)`. In a dialog the route set decides and there are no targets. An ACK is sent on and nothing is waited for.
---@param targets? sipscript.targets
---@param options? sipscript.request.proxy.options
---@return sipscript.result
function request:proxy(targets, options) end

--- Sends the request on without keeping a transaction (RFC 3261 §16.11): its responses pass, retransmissions and CANCEL are sent on alike, nothing is remembered. Raises once anything was answered. Without a target Route and request URI decide.
---@param target? string|sipscript.uri|sipscript.address|sipscript.target|sipscript.target_options
function request:forward(target) end

--- Counts the call under `key`, unless `max` calls are up under it in the whole process: then false. The engine gives it back when the call is over, however it was routed and however it ends. A call counts once under a key.
---@param key string
---@param max integer
---@return boolean
function request:limit(key, max) end
end

---@class sipscript.uri A sip, sips or tel URI. It prints itself, `..` takes it, and two are equal as RFC 3261 §19.1.4 has it. Text that is no URI any more when a part is written raises. Only the URI of a request or branch is connected to its message: writing to another changes nothing but the object.
---@field scheme string `sip`, `sips` or `tel`
---@field user string? the part before the @, escapes as they came
---@field password string? deprecated, and better never logged
---@field host string domain or address, IPv6 in brackets
---@field port integer? nil when none is given
---@field params table<string, string|true> the parameters by name, `true` for one without a value: a copy, so that changing one takes assigning the table
---@field headers string? the part behind the ?, as it came
---@field number string? of a tel URI, what stands behind the scheme
do local uri = {} -- a module may have this name too
end

---@class sipscript.address The value of a From, To or Contact header field. It prints itself, and `..` takes it.
---@field uri sipscript.uri its URI
---@field name string? its display name
---@field tag string? the tag of a From or To
---@field params table<string, string|true> the parameters behind the URI: a copy
do local address = {} -- a module may have this name too
end

---@class sipscript.target A contact that has registered, as a place to send requests to. It prints itself as its URI.
---@field uri string its URI
---@field q number its preference, 0 to 1
---@field path string[] the proxies in front of it (RFC 3327)
---@field received string address and port it was seen to register from
---@field transport string `udp`, `tcp` or `tls`
---@field user_agent string? its User-Agent
---@field instance string? its `+sip.instance` (RFC 5626)
---@field expires integer seconds until the registration ends
do local target = {} -- a module may have this name too
end

---@class sipscript.result How a proxied request ended.
---@field code integer status of the best response
---@field reason string its reason phrase
---@field cause string `answered` (2xx), `busy` (486, 600), `no_answer` (it rang, then 408 or the time was up), `unavailable` (480, or no targets), `rejected` (403, 603, other 4xx and 6xx), `not_found` (404, 410, 484, 604), `redirected` (3xx), `challenged` (401, 407), `failed` (5xx, transport error, no response), `canceled`
---@field q850 integer? the Q.850 cause number of the Reason header field (RFC 3326)
---@field rang boolean whether a target sent 180 to 199
---@field reply sipscript.reply? the best response, nil when it was made here (408, 480, 503); to be read before the handler ends
---@field target any whose response it is, as it was given to `proxy`
---@field call sipscript.handle? of `b2bua`: the caller's side of the conversation
---@field branches {target: any, code: integer, reason: string, cause: string}[] how each target's own attempt ended, in the order of the ends
do local result = {} -- a module may have this name too
end

---@class sipscript.reply A response. In `on_reply` its header fields can be edited.
---@field code integer its status
---@field reason string its reason phrase
---@field body string its body
do local reply = {} -- a module may have this name too

--- The first value of a header field. Compact and long names are the same.
---@param name string
---@return string?
function reply:header(name) end

--- All values of a header field, in order.
---@param name string
---@return string[]
function reply:headers(name) end

--- Replaces a header field, or adds it. Via, Call-ID, CSeq, Record-Route and tags cannot be written.
---@param name string
---@param value string|number|sipscript.uri|sipscript.address
function reply:set_header(name, value) end

--- Adds a header field behind those of its name.
---@param name string
---@param value string|number|sipscript.uri|sipscript.address
function reply:add_header(name, value) end

--- Removes all header fields of this name.
---@param name string
function reply:remove_header(name) end
end

---@class sipscript.branch What one branch of a fork is about to send. It can be used in `on_branch` only.
---@field uri sipscript.uri the request URI of this branch; its parts are writable too
do local branch = {} -- a module may have this name too

--- The first value of a header field. Compact and long names are the same.
---@param name string
---@return string?
function branch:header(name) end

--- All values of a header field, in order.
---@param name string
---@return string[]
function branch:headers(name) end

--- Replaces a header field, or adds it. Via, Call-ID, CSeq, Record-Route and tags cannot be written.
---@param name string
---@param value string|number|sipscript.uri|sipscript.address
function branch:set_header(name, value) end

--- Adds a header field behind those of its name.
---@param name string
---@param value string|number|sipscript.uri|sipscript.address
function branch:add_header(name, value) end

--- Removes all header fields of this name.
---@param name string
function branch:remove_header(name) end
end

---@class sipscript.call One dialog that ends here (others say leg or channel): the caller's, from `req:accept` or `req:answer`, and each one that `dial` or `sip.originate` brings. It ends with the handler or task that has it; reading it stays valid for ever. When the caller goes, the wait that its handler is in raises an error with cause `hangup`, and so does everything that is done with the call later; where a hang-up is a normal end (`dial`, `b2bua`, `bridge`, `pickup`, `park`, `record`, `conference.join`, `queue.enter`), that returns and only the next operation on the call raises. Leaving the handler by it is no error. When another call goes, operations on it return nil and an error with cause `hangup`.
---@field id string a name of our own for it, safe in a file name
---@field call_id string? the Call-ID of its dialog
---@field direction string `in`: it came as an INVITE; `out`: this server has called
---@field state string `unanswered`, `answered`, `bridged` or `over`
---@field from sipscript.uri who calls
---@field to sipscript.uri whom
---@field source string? where the peer is, as in `udp:192.0.2.10:5060`
---@field peer string? the id of the call that it is bridged with, while it is
---@field answered_at number? when it was answered, as `time.now` counts
---@field duration number seconds since the answer, to the end where there was one; 0 before
---@field codec string? the audio codec that was agreed on
---@field media {loss: number, jitter: number, mos: number?, packets: integer} of what its peer has sent: the share of packets lost, jitter in seconds, estimated quality from 1 to 4.5, packets received
---@field last_terminator string? the digit that has ended the last `gather`, where one has
---@field vars table<string, any> values of the script's own that stay with the call: those of the request it was made from, or dialed for
do local call = {} -- a module may have this name too

--- Tells the caller that somebody rings: 180. Raises when the call has been answered.
function call:ringing() end

--- Opens early media: 183, with an answer of this server's own to what the caller has offered. Raises when the call has been answered.
function call:progress() end

--- Answers the call: 200. Does nothing when it has been answered. Where no codec can be agreed on the caller gets 488, and the handler is unwound.
function call:answer() end

--- Refuses the call with a code, with the result of `dial`, or with the code of an error. Raises when the call has been answered.
---@param why integer|string|sipscript.result|sipscript.error
---@param reason? string
function call:reject(why, reason) end

---@class sipscript.call.dial.options
---@field timeout? number for a final response, of each group; default 180
---@field response_timeout? number for any response at all: a gateway that is silent for so long is dead; if not given, 64·T1 (32)
---@field next_on? (string|integer)[] causes or codes after which the next group is tried; if not given, all but 6xx
---@field failover? boolean the next address of a host on 503, timeout or transport error (RFC 3263 §4.3); default true
---@field recurse? boolean follows 3xx, of requests to domains of this server (RFC 3261 §16.5); default false
---@field caller_id? string|{number: string, name?: string, privacy?: boolean} whom the callee sees calling: a number, or `{number=, name=, privacy=}`. It stands in From and P-Asserted-Identity (RFC 3325); with `privacy` From is anonymous (RFC 3323). The caller does not notice
---@field credentials? string|{username: string, password: string} answers a gateway's 401 or 407, in the INVITE and for the rest of the dialog: a name under `credentials` in the config, or `{username=, password=}`
---@field diversion? "busy"|"no-answer"|"unconditional"|"unavailable"|"do-not-disturb"|"deflection"|"follow-me"|"time-of-day" the targets are somebody else than was called, for this reason: they are told by Diversion (RFC 5806) and History-Info (RFC 7044)
---@field on_branch? fun(branch: sipscript.branch, target: any): boolean? `fn(branch, target)` edits what one branch sends; returning false leaves the target out. May not wait
---@field on_reply? fun(reply: sipscript.reply, target: any): boolean? `fn(reply, target)` reads or edits a response; returning false drops a 1xx. May not wait
---@field media? "relay"|"direct" `direct` keeps RTP out of this server; default "relay"
---@field codecs? string[] the audio codecs it may use, in this order: `{"PCMA", "opus/48000/2"}`; `"*"` stands for all others, and with a minus before it a codec is left out. If not given, all, in the order of the other side
---@field video_codecs? string[] likewise for video
---@field srtp? "follow"|"off"|"require" whether its media is encrypted (SDES, RFC 4568): as on the other side, never, or always; default "follow"
---@field headers? table<integer|string, string|string[]> names in the list are header fields that may cross between the two sides, `{"Subject", "X-*"}`, all others are hidden; values by name are sent to this side, `{["X-Queue"] = "sales"}`
---@field session_expires? number after how long a session that nobody has refreshed ends, at least 90 (RFC 4028); 0 leaves it to the peer whether there is such a limit; default 0
---@field session_min? number the least that a peer may ask for; below it gets 422; default 90
---@field refresher? "peer"|"server" who is to refresh the session where this side may choose; a peer that cannot is refreshed by the server; default "peer"
---@field early_media? "pass"|"last"|"ringback"|"none" what an unanswered caller hears: what the callee sends, of several the first or the last that sends something; its own ringing tone; nothing; default "pass"

--- Calls targets for this call and waits for the answer: a new INVITE, which has nothing of the caller's but what may cross. Returns the call to who has answered, or nil and the result. 18x pass to an unanswered caller, as `early_media` says. Several may run at once (`task.any`). The leg ends with the handler or task that has dialed it, unless a task returns it.
---@param targets sipscript.targets
---@param options? sipscript.call.dial.options
---@return sipscript.call? leg
---@return sipscript.result? result
function call:dial(targets, options) end

---@class sipscript.call.bridge.options
---@field max_duration? number how long the conversation may last: then `ended_by` is `limit`
---@field dtmf? "pass"|"block" whether each hears the digits of the other; default "pass"
---@field keys? table<string, fun(call: sipscript.call)> functions by the digits that one of the two presses, `{["*1"] = fn}`: called as tasks, with the call whose digits they were
---@field keep_callee? boolean the other call is not hung up when the conversation ends; default false
---@field detach? boolean returns at once: the pair lives in the engine, whatever becomes of the handler; default false

--- Joins two calls and waits until one side ends; answers this one if need be. `ended_by` is `caller`, `callee`, `limit`, `transfer` or `stopped` (by `call:stop`). The other call is hung up then, this one stays. With `detach` it returns true. Raises when the call is bridged already.
---@param leg sipscript.call
---@param options? sipscript.call.bridge.options
---@return {ended_by: string, duration: number}?
---@return sipscript.error? err
function call:bridge(leg, options) end

--- Makes this call the answer to another one's ringing `dial`, or fetches `"park:701"`, the call that was parked in that slot; answers this one if need be, and waits until the conversation is over. Returns nil and an error when nothing rings there any more, or nobody is in the slot (`gone`).
---@param other sipscript.call|sipscript.handle|string
---@return {ended_by: string, duration: number}?
---@return sipscript.error? err
function call:pickup(other) end

---@class sipscript.call.park.options
---@field music? string|string[] what the call hears meanwhile; without it that of `call:music`

--- Puts the call into a slot, from which another call fetches it by `call:pickup("park:" .. slot)`, and waits until their conversation is over; as of `call:bridge`, this call then stays. `ended_by` is `caller` also where it hangs up before anybody came.
---
--- Returns nil and an error with cause `timeout` when nobody came within so many seconds, `busy` when another call is in the slot.
---@param slot string
---@param timeout? number
---@param options? sipscript.call.park.options
---@return {ended_by: string, duration: number}?
---@return sipscript.error? err
function call:park(slot, timeout, options) end

--- Ends what the call is busy with in another task or handler: `bridge`, `pickup`, `park`, `play`, `record`, `stream`, `conference.join` and `queue.enter` return with `stopped`, `gather` with an error of cause `canceled`.
function call:stop() end

--- Puts the peer on hold by a re-INVITE. Returns true, or nil and an error when the peer refuses.
---@return boolean?
---@return sipscript.error? err
function call:hold() end

--- Takes that back.
---@return boolean?
---@return sipscript.error? err
function call:unhold() end

--- Ends the call: BYE, to both where it is bridged; an unanswered caller gets 480 or the code of the cause (`busy`, `rejected`, …, or a code). Does nothing when it is over.
---@param cause? string|integer
function call:hangup(cause) end

--- Asks the peer to call somebody else (REFER, RFC 3515). Returns true at its last NOTIFY, or nil and an error.
---@param target string|sipscript.uri|sipscript.address|sipscript.target
---@return boolean?
---@return sipscript.error? err
function call:transfer(target) end

--- Asks the peer to take this server's place in its dialog with another call (REFER with Replaces, RFC 3891). Returns true at its last NOTIFY, or nil and an error.
---@param other sipscript.call
---@return boolean?
---@return sipscript.error? err
function call:transfer_to(other) end

--- Waits for an event: `dtmf`, `hangup`, `hold`, `unhold`, `info`, `message`, `transfer`, `media_timeout`, or `app.` and a name of the script's own, which `call:send` sends. Digits that were typed ahead and the script's own events wait until somebody takes them. Returns nil and an error with cause `timeout` after so many seconds.
---@param events string|string[]
---@param timeout? number
---@return {name: string, digit?: string, data?: any, content_type?: string}? event
---@return sipscript.error? err
function call:wait(events, timeout) end

--- Calls `fn(event)` for each event of this name that no `wait` takes, as a task of the handler, one after the other. Without a function that ends.
---@param event string
---@param fn? fun(event: {name: string, digit?: string, data?: any, content_type?: string})
function call:on(event, fn) end

--- Makes an event of the script's own happen to the call: `app.` and a name, with data, which are copied. It is kept until a `wait` or `on` takes it.
---@param name string
---@param data? any
---@return boolean
function call:send(name, data) end

---@class sipscript.call.send_dtmf.options
---@field method? "media"|"info" how they go, whatever else would be possible

--- Sends digits to the peer and waits until they are out; `w` is a pause of half a second. They go in its media, as telephone-events (RFC 4733) or as tones where none were agreed on, if this server handles that; else each in an INFO (application/dtmf-relay).
---@param digits string
---@param options? sipscript.call.send_dtmf.options
---@return boolean?
---@return sipscript.error? err
function call:send_dtmf(digits, options) end

---@class sipscript.call.send_info.options
---@field body? string the body
---@field content_type? string of the body; default "text/plain"

--- Sends an INFO (RFC 6086). Returns true when the peer has taken it, or nil and an error.
---@param options? sipscript.call.send_info.options
---@return boolean?
---@return sipscript.error? err
function call:send_info(options) end

--- Sends a MESSAGE in the dialog (RFC 3428). Returns true when the peer has taken it, or nil and an error.
---@param text string
---@return boolean?
---@return sipscript.error? err
function call:message(text) end

---@class sipscript.call.play.options
---@field loop? boolean|integer how often it is played; `true`: until something ends it; default 1
---@field volume? number in decibels: -6 is half as loud; default 0
---@field stop_on? string digits that end it, each of them; those typed ahead count; default ""

--- Plays something and waits until it is over. `what` is a file in the folder of the script or among the recordings (WAV with PCM, μ-law or A-law of any rate, MP3, raw `.ulaw`, `.alaw`, `.sln`, `.g722`), `tone:425/1000,0/4000` (frequency, milliseconds; `+` and a second frequency; or a name such as `tone:busy-de`, `tone:beep`), `silence:1` (seconds), `say:1234`, `say:digits:0401`, `say:date:2026-11-22`, `say:time:14:05` (in English, or by `say-zh:` in Chinese, from the files in `prompts/en` and `prompts/zh`), the address `https://…` of a file (fetched once, asked for again after a minute), or a list of these.
---
--- `stopped_by` is `end`, `digit`, `replaced` (a newer prompt took its place) or `stopped` (by `call:stop`); `played` is in seconds. Returns nil and an error with cause `not_found` where there is no such file, `unreadable` where it is no sound, `timeout` or `unreachable` where another server does not bring it. While the call is bridged, its own party hears the prompt above the conversation. Raises when the call is neither answered nor in early media.
---@param what string|string[]
---@param options? sipscript.call.play.options
---@return {stopped_by: string, played: number, digit: string?}?
---@return sipscript.error? err
function call:play(what, options) end

---@class sipscript.call.say.options
---@field voice? string as the speech command or service knows it
---@field language? string likewise, such as `en` or `zh`; default "en"
---@field volume? number in decibels; default 0
---@field stop_on? string digits that end it, each of them; those typed ahead count; default ""

--- Speaks a text, by the command or service that `speech` in the config file names, and waits until it is over; what was spoken once is kept. Otherwise as `call:play`. Returns nil and an error with cause `unsupported` where no speech is configured, `failed` where it has failed or taken longer than 10 seconds.
---@param text string
---@param options? sipscript.call.say.options
---@return {stopped_by: string, played: number, digit: string?}?
---@return sipscript.error? err
function call:say(text, options) end

---@class sipscript.call.music.options
---@field volume? number in decibels: -6 is half as loud; default 0

--- Plays something over and over whenever the peer hears nothing else: between prompts, while somebody is dialed for it, while whom it talks with has put it on hold and sends nothing. Without an argument that ends. Returns true when it has begun, or nil and an error as of `call:play`.
---@param what? string|string[]
---@param options? sipscript.call.music.options
---@return boolean?
---@return sipscript.error? err
function call:music(what, options) end

---@class sipscript.call.gather.options
---@field max? integer the input is over after so many digits; without it by a terminator or a pause
---@field min? integer fewer are a wrong input; default 1
---@field terminators? string digits that end the input and are none of it; default "#"
---@field pattern? string a regular expression (RE2) that the whole input has to match
---@field tries? integer how often the caller is asked at most; default 1
---@field prompt? string|string[] what the caller is asked by, as of `call:play`
---@field invalid? string|string[] what is played after a wrong input
---@field timeout? number for the first digit, from the end of the prompt; default 5
---@field digit_timeout? number for each other one; default 3
---@field barge_in? boolean a digit ends the prompt; without it those that are pressed meanwhile count at its end; default true
---@field flush? boolean forget what was typed ahead; default false

--- Asks for digits and returns them. They come from telephone-events (RFC 4733), INFO, or tones in the voice where no events were agreed on; those typed ahead count, and where they are enough no prompt is played. The terminator that has ended them is in `call.last_terminator`.
---
--- Returns nil and an error with cause `timeout` where nothing was pressed, `invalid` where the last input was wrong; its `digits` are what was pressed. A prompt that cannot be played ends it with the error of `call:play`.
---@param options? sipscript.call.gather.options
---@return string? digits
---@return sipscript.error? err
function call:gather(options) end

---@class sipscript.call.menu.options
---@field choices table<string, fun(digits: string): any> functions by the digits that choose them, `{["1"] = fn}`
---@field tries? integer how often the caller is asked at most; default 3
---@field prompt? string|string[] what the caller is asked by, as of `call:play`
---@field invalid? string|string[] what is played after a wrong input
---@field timeout? number for the first digit, from the end of the prompt; default 5
---@field digit_timeout? number for each other one; default 3
---@field barge_in? boolean a digit ends the prompt; without it those that are pressed meanwhile count at its end; default true
---@field flush? boolean forget what was typed ahead; default false

--- Asks for one of the choices, calls its function with the digits, and returns what that returns. Otherwise as `call:gather`.
---@param options sipscript.call.menu.options
---@return any ...
function call:menu(options) end

---@class sipscript.call.record.options
---@field beep? boolean is heard before; default true
---@field max_time? number ends it
---@field silence? number ends it; 0: no silence does; default 3
---@field silence_level? number in dBov, such as -45: below it there is silence; without it the level follows the noise of the line
---@field stop_on? string digits that end it, each of them; default "#"
---@field format? "wav"|"wav-ulaw"|"wav-alaw" of the file: WAV with linear samples of 16 bits, or with those of G.711, half as long; default "wav"

--- Records what the peer says into a file of the folder `recordings`, and waits until that is over. The file is there under its name when it is complete, also when the caller has hung up: that is a normal end, and the line after `record` runs. `stopped_by` is `digit`, `silence`, `limit`, `caller` or `stopped`; `path` can be given to `call:play`.
---
--- Returns nil and an error where the file cannot be written; there is none then. A path that leads out of the folder raises.
---@param path string
---@param options? sipscript.call.record.options
---@return {path: string, duration: number, stopped_by: string, digit: string?}?
---@return sipscript.error? err
function call:record(path, options) end

---@class sipscript.call.start_recording.options
---@field stereo? boolean what the peer says on the left, what it hears on the right; else both are mixed; default false
---@field format? "wav"|"wav-ulaw"|"wav-alaw" of the file: WAV with linear samples of 16 bits, or with those of G.711, half as long; default "wav"

--- Records the conversation from now on, through bridges and transfers, until `recording:stop` or the end of the call.
---@param path string
---@param options? sipscript.call.start_recording.options
---@return sipscript.recording
function call:start_recording(path, options) end

---@class sipscript.call.stream.options
---@field url string where the agent is, `wss://…` or `ws://…`
---@field protocol? "twilio"|"l16" `twilio`: the messages of Twilio's Media Streams; `l16`: samples as they are; default "twilio"
---@field rate? integer of `l16`, in Hz: 8000, 16000 or 24000; default 16000
---@field bidirectional? boolean the caller hears the agent; without it the agent only listens; default true
---@field params? table<string, string|number|boolean> what the agent is told at the start: `customParameters`
---@field headers? table<string, string> of the request that opens the connection, such as `Authorization`
---@field reconnect? integer how often a connection that cannot be made, or is lost, is tried again; default 0
---@field on_message? fun(message: any) is called with each message of the agent that the protocol does not know, JSON decoded, as a task, one after the other

--- Has the caller talk with a voice agent over a WebSocket, and waits until that is over. `ended_by` is `agent` (it has closed the connection), `caller` (who has hung up: the line after `stream` runs), `stopped` (by `call:stop`) or `error`: `cause` is then `timeout`, `unreachable`, `refused`, `lost` or `slow` (it does not read), and `reason` says more. `duration` is in seconds from the first connection, `wrong` the number of messages that were not understood.
---
--- Digits go to the agent, and to whoever waits for one. A prompt that is played meanwhile is heard instead of the agent, who goes on behind it. Raises when the call is neither answered nor in early media, or bridged.
---@param options sipscript.call.stream.options
---@return {ended_by: string, cause: string?, reason: string?, duration: number, wrong: integer}?
---@return sipscript.error? err
function call:stream(options) end
end

---@class sipscript.handle Any call of this server, as it was when it was looked for. What is done with it returns nil and an error with cause `gone` when it is over, and never raises for what has become of it. A call that was proxied is one where it is followed to its end: because of `on_end`, `vars`, `limit`, a file of call records, or an option of `proxy`. Its parties talk past this server, so that all but `hangup` returns nil and an error with cause `proxied`.
---@field id string the call's id
---@field call_id string? the Call-ID of its dialog
---@field direction string `in` or `out`
---@field proxied boolean whether it was proxied, and does not end here
---@field state string `unanswered`, `answered`, `bridged` or `over`; a proxied call is never `bridged`
---@field from sipscript.uri who calls
---@field to sipscript.uri whom
---@field peer string? the id of the call it was bridged with
---@field source string? where its peer is, of a proxied call the caller, as in `udp:192.0.2.10:5060`
---@field answered_at number? when it was answered, as `time.now` counts
---@field duration number seconds since its answer
---@field codec string? the audio codec that was agreed on; nil for a proxied call
---@field media {loss: number, jitter: number, mos: number?, packets: integer} of what its peer has sent, as of a call; of a proxied call what the caller has sent, where its media is relayed
---@field vars table<string, any> a copy of its `vars`
do local handle = {} -- a module may have this name too

--- Ends it: BYE to its peer, of a proxied call to both parties; an unanswered caller gets 480 or the code of the cause, and whoever rings CANCEL.
---@param cause? string|integer
---@return boolean?
---@return sipscript.error? err
function handle:hangup(cause) end

--- Asks its peer to call somebody else.
---@param target string|sipscript.uri|sipscript.address|sipscript.target
---@return boolean?
---@return sipscript.error? err
function handle:transfer(target) end

---@class sipscript.handle.play.options
---@field loop? boolean|integer how often it is played; `true`: until something ends it; default 1
---@field volume? number in decibels: -6 is half as loud; default 0

--- Plays something to its peer and waits until it is over: see `call:play`. It takes the place of what plays there, and whoever bridges the call goes on hearing the other side.
---@param what string|string[]
---@param options? sipscript.handle.play.options
---@return {stopped_by: string, played: number}?
---@return sipscript.error? err
function handle:play(what, options) end

--- Makes an event of the script's own happen to it, for the handler that has it: see `call:send`.
---@param name string
---@param data? any
---@return boolean?
---@return sipscript.error? err
function handle:send(name, data) end
end

---@class sipscript.recording What `call:start_recording` or `conference.record` has begun. It ends with the call, or when the room is empty, at the latest.
do local recording = {} -- a module may have this name too

--- Leaves out what is said, until it is resumed.
function recording:pause() end

--- Goes on.
function recording:resume() end

--- Ends it and waits until the file is there under its name. Returns nil and an error where that could not be written.
---@return {path: string, duration: number}?
---@return sipscript.error? err
function recording:stop() end
end

---@class sipscript.task What `task.spawn` has started.
---@field ended boolean whether it has ended
do local task = {} -- a module may have this name too

--- Waits for its end and returns what it has returned; nil and an error with cause `timeout` when that has not come after so many seconds, `canceled` when it was cancelled.
---@param timeout? number
---@return any ...
function task:wait(timeout) end

--- Ends it: its wait, and each later one, raises `canceled`.
function task:cancel() end
end

---@class sipscript.response What another server has answered by HTTP.
---@field status integer its code
---@field body string all of it
---@field headers table<string, string> by their names in small letters; several of one name are joined by commas
---@field url string which has answered, behind redirections
do local response = {} -- a module may have this name too

--- The body decoded, as by `json.decode`.
---@return any value
---@return sipscript.error? err
function response:json() end
end

--- Handlers of requests, timers, and what this server is called. In the main chunk a script says what it handles; a handler is a function that gets the request.
sip = {}

--- Calls `fn(req)` for each request of this method outside a dialog. `"*"` takes the methods that have no handler of their own. A method without any handler is answered 405.
---
--- A stateless proxy also has handlers for `CANCEL` and `ACK`: they get those that belong to nothing that is known here, because the request was forwarded. They may not wait.
---@param method string
---@param fn fun(req: sipscript.request)
function sip.on(method, fn) end

--- Calls `fn(req)` for requests inside a dialog that this server record-routed, the ACK of a 2xx too. They have to be sent on: `req:proxy()`, without targets. Without this handler they follow their route set and no script runs.
---@param fn fun(req: sipscript.request)
function sip.on_indialog(fn) end

--- Calls `fn(cdr)` once for each INVITE whose call is over or has failed, however long ago its handler ended, in the newest version of the script; for one that `sip.originate` has sent, too. It may wait. An INVITE that this server has challenged by itself is not told of: it comes again with credentials; nor is one that was forwarded statelessly or dropped.
---@param fn fun(cdr: sipscript.cdr)
function sip.on_end(fn) end

--- How many calls count under a key of `req:limit` now, in the whole process.
---@param key string
---@return integer
function sip.count(key) end

--- Calls `fn(t)` when the peer of a call that ends here wants to send whom it talks with to somebody else (REFER, RFC 3515). It returns the targets to dial for `t.to`, or nil to refuse. It may wait. Without this handler only users that are registered here can be transferred to: a transfer must not be a free call.
---@param fn fun(t: sipscript.transfer): sipscript.targets?
function sip.on_transfer(fn) end

---@class sipscript.sip.originate.options
---@field timeout? number for a final response, of each group; default 180
---@field response_timeout? number for any response at all: a gateway that is silent for so long is dead; if not given, 64·T1 (32)
---@field next_on? (string|integer)[] causes or codes after which the next group is tried; if not given, all but 6xx
---@field failover? boolean the next address of a host on 503, timeout or transport error (RFC 3263 §4.3); default true
---@field recurse? boolean follows 3xx, of requests to domains of this server (RFC 3261 §16.5); default false
---@field max_duration? number how long the call may last after its answer: then both sides get a BYE
---@field caller_id? string|{number: string, name?: string, privacy?: boolean} whom the callee sees calling: a number, or `{number=, name=, privacy=}`. It stands in From and P-Asserted-Identity (RFC 3325); with `privacy` From is anonymous (RFC 3323). The caller does not notice
---@field credentials? string|{username: string, password: string} answers a gateway's 401 or 407, in the INVITE and for the rest of the dialog: a name under `credentials` in the config, or `{username=, password=}`
---@field diversion? "busy"|"no-answer"|"unconditional"|"unavailable"|"do-not-disturb"|"deflection"|"follow-me"|"time-of-day" the targets are somebody else than was called, for this reason: they are told by Diversion (RFC 5806) and History-Info (RFC 7044)
---@field on_branch? fun(branch: sipscript.branch, target: any): boolean? `fn(branch, target)` edits what one branch sends; returning false leaves the target out. May not wait
---@field on_reply? fun(reply: sipscript.reply, target: any): boolean? `fn(reply, target)` reads or edits a response; returning false drops a 1xx. May not wait
---@field media? "relay"|"direct" `direct` keeps RTP out of this server; default "relay"
---@field codecs? string[] the audio codecs it may use, in this order: `{"PCMA", "opus/48000/2"}`; `"*"` stands for all others, and with a minus before it a codec is left out. If not given, all, in the order of the other side
---@field video_codecs? string[] likewise for video
---@field srtp? "follow"|"off"|"require" whether its media is encrypted (SDES, RFC 4568): as on the other side, never, or always; default "follow"
---@field headers? table<integer|string, string|string[]> names in the list are header fields that may cross between the two sides, `{"Subject", "X-*"}`, all others are hidden; values by name are sent to this side, `{["X-Queue"] = "sales"}`
---@field session_expires? number after how long a session that nobody has refreshed ends, at least 90 (RFC 4028); 0 leaves it to the peer whether there is such a limit; default 0
---@field session_min? number the least that a peer may ask for; below it gets 422; default 90
---@field refresher? "peer"|"server" who is to refresh the session where this side may choose; a peer that cannot is refreshed by the server; default "peer"
---@field vars? table<string, any> the call's `vars` from the beginning: its record has them also when nobody answers
---@field from? string|sipscript.uri|sipscript.address who calls, as the callee sees it; if not given, this server

--- Calls somebody and waits for the answer. Returns the call, or nil and the result. With `fn` that is the call's handler: it runs by itself, and the call is its caller and ends with it. Without, the call ends with the handler or task that has made it.
---@param targets sipscript.targets
---@param options? sipscript.sip.originate.options
---@param fn? fun(call: sipscript.call)
---@return sipscript.call?
---@return sipscript.result? result
function sip.originate(targets, options, fn) end

--- The call with this id, on whichever shard it is; nil when there is none any more.
---@param id string
---@return sipscript.handle?
function sip.call(id) end

---@class sipscript.sip.calls.options
---@field state? "unanswered"|"answered"|"bridged" only calls in this state
---@field user? string only calls from or to this user
---@field vars? table<string, any> only calls whose `vars` have these values

--- All calls that end here, on all shards, and those that were proxied and are followed to their end, the oldest first. The two sides of a conversation that ends here are two calls, a proxied one is one.
---@param options? sipscript.sip.calls.options
---@return sipscript.handle[]
function sip.calls(options) end

--- Calls `fn()` once per process when this version of the script goes live. It may wait; requests are handled meanwhile.
---@param fn fun()
function sip.on_start(fn) end

--- Calls `fn()` again and again, at least a millisecond apart: once per process, whatever the number of shards, and in the newest version of the script only. While the last call still runs the next is skipped.
---@param seconds number
---@param fn fun()
function sip.every(seconds, fn) end

--- Calls `fn()` once, later. From a handler: in this version of the script, on this shard, whether the call still exists or not. In the main chunk: counted from when the version goes live, once per process, and not at all if a newer version has gone live before.
---@param seconds number
---@param fn fun()
function sip.after(seconds, fn) end

--- Whether a request to `uri` is for this server to decide about: its host is a domain that the server serves, or an address of its own with no port or a port of its own.
---@param uri string|sipscript.uri|sipscript.address|sipscript.target
---@return boolean
function sip.is_local(uri) end

--- The registrar of RFC 3261 §10.3. Four of its defaults can be set in the config file.
registrar = {}

---@class sipscript.registrar.save.options
---@field max_contacts? integer of one address of record; default 10
---@field when_full? "refuse"|"replace" what a contact too many gets: 403, or the place of the one that was refreshed longest ago; default "refuse"
---@field min_expires? number shorter registrations get 423; default 60
---@field max_expires? number longer ones are shortened; default 86400
---@field default_expires? number of a contact that asks for none; default 3600
---@field path? boolean takes Path also from a phone that does not say it supports it (RFC 3327 §5.3); default false
---@field third_party? boolean whether one user may register another; default false

--- Does what a REGISTER asks for and answers it: 200 with all contacts once they are stored, else 423, 400, 403 … It is 403 when `req.user` is not the user in To.
---@param req sipscript.request
---@param options? sipscript.registrar.save.options
---@return sipscript.target[]?
---@return sipscript.error? err
function registrar.save(req, options) end

--- Where users have registered.
location = {}

--- The contacts of an address of record, best first, for `proxy` or `redirect`; an empty list when there are none. As targets, those of equal q ring together, the others after them.
---@param aor string|sipscript.uri|sipscript.address
---@return sipscript.target[]
function location.lookup(aor) end

--- Whether anybody has registered under this address of record lately: tells 480 (not there now) from 404 (unknown).
---@param aor string|sipscript.uri|sipscript.address
---@return boolean
function location.known(aor) end

--- Waits for the next REGISTER under an address of record, such as that of a phone which has just been woken, and returns the contacts that it brings or renews. Returns nil and an error with cause `timeout` when none has come within so many seconds.
---@param aor string|sipscript.uri|sipscript.address
---@param timeout number
---@return sipscript.target[]?
---@return sipscript.error? err
function location.wait(aor, timeout) end

--- Adds or renews a contact by hand, for `expires` seconds (default 3600).
---@param aor string|sipscript.uri|sipscript.address
---@param uri string|sipscript.uri
---@param expires? number
---@return true?
---@return sipscript.error? err
function location.add(aor, uri, expires) end

--- Removes one contact, or all.
---@param aor string|sipscript.uri|sipscript.address
---@param uri? string|sipscript.uri|sipscript.target
---@return true?
---@return sipscript.error? err
function location.remove(aor, uri) end

--- The same list as `lookup`.
---@param aor string|sipscript.uri|sipscript.address
---@return sipscript.target[]
function location.bindings(aor) end

--- How many contacts are registered.
---@return integer
function location.count() end

--- Calls `fn(aor, targets)` for each address of record; returning false ends it.
---@param fn fun(aor: string, targets: sipscript.target[]): boolean?
function location.each(fn) end

--- Digest authentication (RFC 7616, RFC 8760).
auth = {}

---@class sipscript.auth.require.options
---@field realm? string whose passwords these are; if not given, the first of the server's domains, or its first address
---@field users table<string, string|table>|fun(user: string, realm: string): any, any a table `name = password`, or a function `(user, realm)` that may wait and returns a password, a record with `password` or `ha1`, nil (no such user), or `nil, err`
---@field identity? "strict"|"any" `strict`: From (in a REGISTER: To) must be the user, else 403; default "strict"
---@field algorithms? string[] of `MD5`, `SHA-256`, `SHA-512-256`, the most preferred first. MD5 alone, because older phones give up when they see another; default {"MD5"}
---@field qop? string[] of `auth`, `auth-int`; default {"auth"}
---@field proxy? boolean 407 instead of 401; if not given, for all methods but REGISTER

--- Lets a request through that carries the right credentials, and sets `req.user`. Any other is answered: 401 or 407, 403 when From is another user, 503 when `users` fails, so that a dead database is not a wrong password. The nonce holds no state; replays are noticed.
---@param req sipscript.request
---@param options sipscript.auth.require.options
---@return string|true|nil user
---@return any record
function auth.require(req, options) end

--- Remembers an address as banned for so many seconds, on all shards. Nothing is refused by itself: a handler asks `auth.banned` and drops.
---@param ip string
---@param seconds number
function auth.ban(ip, seconds) end

--- Whether an address is banned at the moment.
---@param ip string
---@return boolean
function auth.banned(ip) end

--- Several things at once. A task is a function that runs beside the handler that started it, and ends with it. Between two waits nothing else of the script runs on its shard: there are no locks, but look again after a wait.
---
--- Cancelling a task undoes its wait, which raises an error with cause `canceled`: `dial` and `proxy` send CANCEL, and legs that it has dialed and not returned are hung up. Returned ones pass to whoever started it. An error in a task is an error of its handler.
task = {}

--- Runs all functions of the table and waits for the first that returns a value, which is neither nil nor false: that one wins, and the others are cancelled. Returns its key and what it has returned; where none does, nil and an error with cause `none`, or `timeout` after the seconds of `timeout`. An error in one is raised here.
---@param tasks {timeout?: number, [any]: fun(): any}
---@return integer|string? key
---@return any ...
function task.any(tasks) end

--- Runs all functions of the table and waits for all of them. Returns the first result of each, by its key. An error in one is raised here, and the others are cancelled.
---@param tasks table<any, fun(): any>
---@return table<any, any>
function task.all(tasks) end

--- Runs `fn(...)` beside the handler, from the handler's next wait on. An error in it unwinds the handler: a request gets 500, a call ends.
---@param fn fun(...)
---@param ... any
---@return sipscript.task
function task.spawn(fn, ...) end

--- Rooms in which any number of calls talk. A room has a name and is there while somebody is in it, whichever shards and scripts' versions its calls are of; whoever knows its name can ask for it, from any handler.
---
--- Where nobody is in the room, or a call is not in it, functions return nil and an error with cause `gone`.
conference = {}

---@class sipscript.conference.join.options
---@field moderator? boolean the call is one of the room's moderators; default false
---@field wait_for_moderator? boolean it waits, and hears `music`, until there is a moderator; default false
---@field end_with_moderator? boolean its stay ends when the last moderator leaves; that of a moderator: everybody's; default false
---@field muted? boolean nobody hears it; default false
---@field tones? boolean two tones tell of its coming and going; default true
---@field music? string|string[] what who is alone hears, and who waits for a moderator
---@field pin? string what the caller has given as the PIN of the room, which is that of the first one there
---@field max? integer how many calls may be in the room, with this one
---@field keys? table<string, fun(call: sipscript.call)> functions by the digits that the call presses, `{["*6"] = fn}`: called as tasks, with the call

--- Brings the call into the room and waits until it has left. `ended_by` is `caller` (it has hung up, which is a normal end: the line after `join` runs), `kicked`, `moderator` or `stopped` (by `call:stop`). What plays to the call alone is mixed over what it hears of the room.
---
--- Returns nil and an error with cause `pin` or `full`. Raises when the call is bridged, or neither answered nor in early media.
---@param call sipscript.call
---@param room string
---@param options? sipscript.conference.join.options
---@return {ended_by: string, duration: number}?
---@return sipscript.error? err
function conference.join(call, room, options) end

--- The room that a call is in; nil when it is in none. An INVITE with a Join (RFC 3911) names such a call: `req.joins`.
---@param call sipscript.call|sipscript.handle
---@return string?
function conference.room(call) end

--- Who is there, in the order in which they came; an empty list for a room that is not there.
---@param room string
---@return {id: string, from: string, moderator: boolean, muted: boolean, waiting: boolean, talking: boolean, joined_at: number}[]
function conference.members(room) end

--- Keeps what a member says from the others; with false no longer. The member is a call, or its `id`.
---@param room string
---@param member string|sipscript.call|sipscript.handle
---@param on? boolean
---@return boolean?
---@return sipscript.error? err
function conference.mute(room, member, on) end

--- Takes a member out: its `join` returns with `kicked`.
---@param room string
---@param member string|sipscript.call|sipscript.handle
---@return boolean?
---@return sipscript.error? err
function conference.kick(room, member) end

--- Plays something to all who are there, as of `call:play`, and waits until it is over. One prompt comes after the other.
---@param room string
---@param what string|string[]
---@return {stopped_by: string, played: number}?
---@return sipscript.error? err
function conference.play(room, what) end

---@class sipscript.conference.record.options
---@field format? "wav"|"wav-ulaw"|"wav-alaw" of the file: WAV with linear samples of 16 bits, or with those of G.711, half as long; default "wav"
---@field max_time? number ends it

--- Records what is said in the room into a file of the folder `recordings`, until `recording:stop` or until the room is empty; also when the handler ends before.
---@param room string
---@param path string
---@param options? sipscript.conference.record.options
---@return sipscript.recording
function conference.record(room, path, options) end

--- Calls that wait for agents. A queue has a name, and is there while calls wait in it or agents have logged in, whichever shards and versions these are of. An agent is an address: one of this server's own is rung where it has registered. An agent who does not answer is left alone for 5 seconds.
queue = {}

---@class sipscript.queue.enter.options
---@field music? string|string[] what the caller hears while it waits; without it that of `call:music`
---@field announce? string|string[]|fun(call: sipscript.call, position: integer) what the caller is told again and again: a prompt, `"position"` for the number of its place, or a function that says it
---@field every? number how often; default 30
---@field max_wait? number ends the wait, with the cause `timeout`
---@field max? integer how many may wait, with this call; one too many has the cause `full`
---@field exit_keys? string digits that end the wait, with the cause `key`; default ""
---@field strategy? "ring_all"|"round_robin"|"longest_idle" which of the free agents ring: all, one after the other, or the one who has been idle for longest; default "ring_all"
---@field ring? number for how long an agent rings; default 15
---@field wrap_up? number how long an agent is left alone after the call; default 0

--- Has the call wait its turn for an agent, and waits until their talk is over. `cause` is `answered` (then `agent` is who, and `ended_by` and `duration` are as of `call:bridge`), `timeout`, `key`, `empty` (nobody has logged in), `full`, `caller` (it has hung up, which is a normal end: the line after `enter` runs) or `stopped` (by `call:stop`). `waited` is in seconds. Raises when the call is bridged.
---@param call sipscript.call
---@param queue string
---@param options? sipscript.queue.enter.options
---@return {cause: string, waited: number, agent: string?, key: string?, ended_by: string?, duration: number?}
function queue.enter(call, queue, options) end

--- Has an agent rung for the calls of the queue, until it logs out; one who is paused is no longer.
---@param queue string
---@param agent string|sipscript.uri|sipscript.address
function queue.login(queue, agent) end

--- Ends that; a call that the agent has goes on. Returns nil and an error with cause `gone` for one who has not logged in.
---@param queue string
---@param agent string|sipscript.uri|sipscript.address
---@return boolean?
---@return sipscript.error? err
function queue.logout(queue, agent) end

--- Has an agent not rung for a while; with false again. Returns nil and an error with cause `gone` for one who has not logged in.
---@param queue string
---@param agent string|sipscript.uri|sipscript.address
---@param on? boolean
---@return boolean?
---@return sipscript.error? err
function queue.pause(queue, agent, on) end

--- How many calls wait, and who has logged in.
---@param queue string
---@return {waiting: integer, agents: {agent: string, paused: boolean, busy: boolean}[]}
function queue.status(queue) end

--- The lamp on a phone that says a message is waiting (RFC 3842).
mwi = {}

--- Says how many messages a user has not heard yet, and how many of those heard are kept. All phones of the address of record are told at once by a NOTIFY that they need not subscribe to, and each again whenever it registers, until this is said anew. It does not wait for them.
---@param aor string|sipscript.uri|sipscript.address
---@param new integer
---@param old? integer
function mwi.set(aor, new, old) end

--- The memory that calls share, across shards and versions of the script. Values are strings, numbers, booleans and plain tables; tables are copied.
kv = {}

--- The value of a key.
---@param key string
---@return any value
function kv.get(key) end

--- Sets a key, for `ttl` seconds or for ever. nil deletes it.
---@param key string
---@param value any
---@param ttl? number
function kv.set(key, value, ttl) end

--- Adds `delta` (default 1) to a number in one step; a missing key counts as 0. The time to live starts when the key is made.
---@param key string
---@param delta? number
---@param ttl? number
---@return number
function kv.incr(key, delta, ttl) end

--- Sets `new` if the key holds `old` (nil: does not exist), in one step.
---@param key string
---@param old any
---@param new any
---@param ttl? number
---@return boolean
function kv.cas(key, old, new, ttl) end

--- Deletes a key; whether it was there.
---@param key string
---@return boolean
function kv.delete(key) end

--- Writes to the server's log. The Call-ID of the request, the version and the position come along by themselves.
log = {}

--- For whoever looks for a fault.
---@param message string
---@param fields? table<string, any>
function log.debug(message, fields) end

--- What happened in the normal course of things.
---@param message string
---@param fields? table<string, any>
function log.info(message, fields) end

--- Something is wrong, and calls go on.
---@param message string
---@param fields? table<string, any>
function log.warn(message, fields) end

--- Someone must act.
---@param message string
---@param fields? table<string, any>
function log.error(message, fields) end

--- Other servers, by HTTP. Each function waits for the answer, whatever its status. At most 10 MB are taken, and three redirections followed.
---
--- Returns nil and an error with cause `timeout`, `unreachable`, `too_large`, `redirected` (too often), or `overload` where too many requests wait already. A request that was begun comes to its end, also when the caller hangs up meanwhile: the line behind it runs, and knows what has become of it.
http = {}

---@class sipscript.http.get.options
---@field headers? table<string, string> of the request
---@field timeout? number for all of it; default 10

--- Asks for a page.
---@param url string
---@param options? sipscript.http.get.options
---@return sipscript.response? response
---@return sipscript.error? err
function http.get(url, options) end

---@class sipscript.http.post.options
---@field headers? table<string, string> of the request
---@field timeout? number for all of it; default 10

--- Sends a body: a string, as `text/plain` unless `headers` say otherwise, or a table, as JSON.
---@param url string
---@param body? string|table
---@param options? sipscript.http.post.options
---@return sipscript.response? response
---@return sipscript.error? err
function http.post(url, body, options) end

---@class sipscript.http.request.options
---@field headers? table<string, string> of the request
---@field timeout? number for all of it; default 10
---@field url string `http://…` or `https://…`
---@field method? string any; default "GET"
---@field body? string|table what is sent: a string, or a table as JSON

--- Sends any request.
---@param options sipscript.http.request.options
---@return sipscript.response? response
---@return sipscript.error? err
function http.request(options) end

--- JSON (RFC 8259).
json = {}

--- A table whose keys are the numbers from 1 on is an array, with `null` where one is missing as long as most are there; any other is an object, its keys sorted. An empty table is an object. URIs and addresses are written as text.
---@param value any
---@return string
function json.encode(value) end

--- `null` becomes nil: a key with it is not there, an array has a hole in its place.
---@param text string
---@return any value
---@return sipscript.error? err
function json.decode(text) end

--- The clock.
time = {}

--- Seconds since 1970, with their fraction.
---@return number seconds
function time.now() end

--- The `script` part of the config file, an empty table where there is none. It is read-only.
---@type table
config = nil

--- Waits so long. Where the caller goes meanwhile it raises, and the handler ends.
---@param seconds number
function sleep(seconds) end

--- Calls `fn()` when this handler or task ends, however it ends: it returns, the caller goes, it fails or is cancelled. The last one deferred is called first. It may wait, for at most 30 seconds.
---@param fn fun()
function defer(fn) end
