// Package stream has a call talk with an agent: a program elsewhere that hears the caller and speaks to it over one
// WebSocket, in the messages of Twilio's Media Streams or in samples as they are (docs/ivr-stream.md).
//
// A stream belongs to the shard of its call. Each connection has a goroutine that writes and one that reads; they meet the
// pacer of the call's media in two buffers: what the agent has said and was not heard yet (playout), and what the caller has
// said and was not sent yet (outbox).
package stream
