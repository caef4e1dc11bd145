// Package transaction is the transaction layer of RFC 3261 §17 with the corrections of RFC 6026 (Accepted state) and
// RFC 4320 (non-INVITE): four state machines, the tables that find them, and nothing else. It knows bytes and flows; it
// builds only what the RFC has the layer build, the 100 (Trying) and the ACK for 300-699.
//
// A Table with all its transactions belongs to one goroutine, and nothing here locks. Callbacks run on that goroutine
// as the last thing an input does, when the machine is in its new state. They come only out of [Server.Receive],
// [Server.Fail], [Client.Receive], [Client.Fail], [Table.Failed] and the wheel, never out of Respond, NewServer or
// NewClient; so a callback may call everything in this package again, for any transaction, its own included. Config.Send
// must not call back.
//
// A server transaction stands for 32 seconds after its final response, and at 10,000 calls a second so do hundreds of
// thousands of others. Therefore the request, the user and the bytes are let go of as soon as the machine can do without
// them, and keys are 16 bytes of hash instead of text.
package transaction
