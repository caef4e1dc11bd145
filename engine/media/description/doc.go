// Package description reads, rewrites and makes session descriptions (SDP, RFC 8866) as a server between two peers needs it: pure functions
// over values, no sockets, no goroutines.
//
// A description that goes from one peer to another is rewritten line by line: what is ours (origin, addresses, ports, keys, the choice and
// numbers of formats) is replaced, what would lead around this server (ICE, DTLS, bundling) is left out, and every other line leaves as it
// came, in its order, since the peers agree on much that a relay does not know.
//
// [Parse] reads a description. A [Side] is what has been described between this server and one peer, by both, so far: it takes what the peer
// sent ([Side.Receive]), and writes what the peer gets ([Side.Write] from another peer's description, [Side.Offer] and [Side.Answer] for
// this server itself). Sides are values: [Side.Clone] before an offer is all that is needed to fall back to when it fails (RFC 3264 §4).
package description
