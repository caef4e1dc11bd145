// Package cdr keeps what stays with one call from its INVITE to its end, however the call is routed: who called whom and when, the plain values
// that a script has put with it, the limits it counts under, how it ended. The record of a call that is over is written as one line of JSON.
//
// A Record belongs to the shard of its call. Counts and a File are shared by all shards.
package cdr
