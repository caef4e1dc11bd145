// Package track follows proxied calls for whom a script has asked something that outlives their handler: values that stay with the call, its end,
// a limit, a longest duration, another number shown to the callee, a gateway's password, or relayed media. Of such a call it knows the tags, the
// routes and the sequence numbers of both sides, so that it can end it by a BYE to each, and can put into every message what the side it goes to
// expects. Any other proxied call costs nothing here.
//
// A Table belongs to a shard, as all that is in it.
package track
