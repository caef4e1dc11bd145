// Package ivr is what a caller hears from this server and what it makes of the caller's answer: prompts, digits,
// recordings. Audio itself is of engine/audio, its way to the peer of engine/media; here is when what is played, for how
// long something is waited for, and where files lie.
//
// What is done with a call is done on the shard of its leg. Files are read, decoded and written in a pool beside the
// shards.
package ivr
