// Package dialog holds what two user agents must agree about between their requests, as values: the dialog itself (RFC 3261 §12 with the
// target refresh rules of RFC 6141 §4), where an offer and its answer may stand (RFC 3264, RFC 3311, RFC 6337), the numbering of reliable
// provisional responses (RFC 3262) and the session timer (RFC 4028).
//
// Nothing here sends, waits or looks at a clock: the owner feeds what it sends and receives, and is told what that means, which request
// comes next and how long to wait. A [Dialog] and its companions belong to one goroutine. What they keep of a message is copied out of it.
package dialog
