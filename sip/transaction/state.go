package transaction

// State is the state of a transaction, by the names of RFC 3261 §17 and RFC 6026 §7.
type State uint8

// The states. No machine has all of them.
const (
	Calling    State = iota + 1 // INVITE client: sent, nothing received
	Trying                      // non-INVITE: nothing received (client) or sent (server)
	Proceeding                  // a provisional response was received or sent; an INVITE server begins here
	Accepted                    // INVITE: a 2xx was received or sent; more of them pass
	Completed                   // a final response, for INVITE not a 2xx, was received or sent
	Confirmed                   // INVITE server: the ACK has come
	Terminated                  // out of the table
)

// String returns the name of the state in lower case.
func (s State) String() string {
	switch s {
	case Calling:
		return "calling"
	case Trying:
		return "trying"
	case Proceeding:
		return "proceeding"
	case Accepted:
		return "accepted"
	case Completed:
		return "completed"
	case Confirmed:
		return "confirmed"
	case Terminated:
		return "terminated"
	default:
		return "new"
	}
}
