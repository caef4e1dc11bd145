// Package ng keeps the media of calls in a farm of rtpengines: a media.Backend that commands them by the NG protocol (bencode over UDP).
//
// A command is a datagram with a cookie; it is sent again with the same cookie until it is answered, and rtpengine answers a cookie that it has
// seen with what it answered before. So a lost datagram costs time, and nothing happens twice.
//
// A new call goes to one of the nodes that are up, by their weights; if that does not answer, or is full, to the next. Later commands go to
// the node that has the call: its ports are there. A node is down once it leaves a command unanswered, and up again once it answers a ping.
//
// rtpengine writes the descriptions; origin, version and directions are put right here, so that each peer sees one session of ours whatever happens
// behind it. Numbers of payload types are rtpengine's affair: Options.Events has no effect.
//
// Terminals may be used from any goroutine. Functions that were given to be called back are called from the goroutine that reads a node's answers or
// from that of a timer, and with no lock held.
package ng
