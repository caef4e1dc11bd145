// Package siptest lets SIP programs be tested in virtual time on a simulated network, with scripted endpoints around them.
//
// A [Network] loses, delays, reorders, doubles and cuts off as it is told and as its seed decides. A [Host] on it is a
// transport.Net for the program under test. A [UA] is an endpoint that a test drives line by line; [Run] puts both into a
// synctest bubble. What happened is in [Network.Trace], and as a call flow in [Network.Ladder], which [Golden] compares with
// a file.
//
// # The same seed gives the same run
//
// A program with several goroutines does the things of one instant in any order. So nothing here depends on that order:
//
//   - The fate and the delay of a packet follow from the seed and the packet: its kind, its ends, its bytes and how many like
//     it went the same way before. What several goroutines send at once meets the same fates in any order.
//   - No two arrivals are handled at once. Each has its own nanosecond, and in a bubble time goes on only when everybody has
//     dealt with the arrival before.
//   - All that a stream is given in one instant is one segment, however many writes it came in; only what an endpoint writes
//     arrives write by write, in one nanosecond each. The port a connection leaves from follows from its two ends.
//   - The trace is sorted by time and content.
//
// What stays to the program: its random numbers have to come from a seed, and goroutines of its own that meet in one instant
// on one stream or one socket have to agree on an order. What stays to chance is inside TLS: keys and signatures draw
// randomness that no seed reaches. Encrypted bytes are therefore left out of the text of a trace; the messages in them are
// there as the endpoint saw them.
//
// Nothing in a bubble may wait for a mutex whose holder waits for the network. A *tls.Conn holds one during its handshake:
// finish that before two goroutines use the connection.
package siptest
