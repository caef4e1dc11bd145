package transaction

// Kind says what an Event reports.
type Kind uint8

// The kinds of events.
const (
	Started  Kind = iota + 1 // a new transaction, before it has a state
	Moved                    // the state changed
	Resent                   // kept bytes were sent again: a timer fired, or the peer retransmitted
	Absorbed                 // a message ended here without effect: a retransmission, or what the state does not allow
	TimedOut                 // Timer B, F or H fired, or a non-INVITE was never answered
)

// Event is what Config.Trace is told.
type Event struct {
	Kind     Kind
	Server   bool // a server transaction, else a client transaction
	Method   string
	CallID   string // for Started, and valid during the call only: a transaction does not keep it
	From, To State  // for Moved; else both are the state it happened in
}
