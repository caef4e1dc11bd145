// Package call is this server as a user agent: calls that end here, and what joins two of them.
//
// A Call is one leg: one dialog with one peer, on the shard that its Call-ID hashes to. Two legs meet only through a link,
// whose ends post typed messages to each other, also where both live on one shard. So there is one way for two legs to act
// on each other, and what crosses — an answer and a CANCEL, two offers, two BYEs — is no more than the next input of each
// leg's own machine.
//
// There is one file for each verb: accept, ring, answer, reject, dial, bridge, modify, hold, info, prack, refer, replaces,
// originate, bye. call.go has the states of a leg; session.go what is agreed with its peer, early.go how that changes
// before the answer, expiry.go how long it holds; access.go lets us in at gateways; link.go is what legs tell each other.
//
// Everything here belongs to one shard and is called on its goroutine, unless it says otherwise.
package call
