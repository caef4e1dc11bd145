package transport

import "github.com/sipscript/sipscript/sip"

// Kind says what an Event counts.
type Kind uint8

// What is counted.
const (
	Malformed         Kind = iota + 1 // a message that broke the grammar; a request was answered when possible
	Oversized                         // a message above Limits.Message
	AnswerWithheld                    // a malformed request not answered: its source was answered often enough
	RequestDropped                    // a request above Limits.PerSource.Requests
	KeepAlive                         // CRLFs or an empty datagram between messages (RFC 5626 §3.5.1)
	DatagramDropped                   // the socket was full for two turns
	Returned                          // ICMP gave a datagram back
	Connected                         // a stream connection stands; Outgoing or accepted
	ConnectionRefused                 // accepted and closed at once: over Limits.Connections or PerSource.Connections
	ConnectionEnded                   // a stream connection ended, or could not be made; Err says why
	AcceptFailed                      // the system gave no connection (out of file descriptors …)
	ReadFailed                        // a UDP socket reported an error
	kindEnd
)

// Kinds lists every kind, so that counters can be made before the first event.
func Kinds() []Kind {
	ks := make([]Kind, 0, kindEnd-1)
	for k := Malformed; k < kindEnd; k++ {
		ks = append(ks, k)
	}
	return ks
}

// String returns the kind as a metric label: lower case, words joined by underscores.
func (k Kind) String() string {
	switch k {
	case Malformed:
		return "malformed"
	case Oversized:
		return "oversized"
	case AnswerWithheld:
		return "answer_withheld"
	case RequestDropped:
		return "request_dropped"
	case KeepAlive:
		return "keep_alive"
	case DatagramDropped:
		return "datagram_dropped"
	case Returned:
		return "returned"
	case Connected:
		return "connected"
	case ConnectionRefused:
		return "connection_refused"
	case ConnectionEnded:
		return "connection_ended"
	case AcceptFailed:
		return "accept_failed"
	case ReadFailed:
		return "read_failed"
	}
	return "unknown"
}

// Event is one thing worth counting.
type Event struct {
	Kind     Kind
	Flow     sip.Flow
	Outgoing bool   // of Connected and ConnectionEnded: opened by us
	Data     []byte // the bytes concerned, if any; valid during the call only
	Err      error  // why, if there is a reason
}

// Failure is one message that did not go out, or that came back.
type Failure struct {
	Flow     sip.Flow // as given to Send
	Response bool
	CallID   string // "" when the network quoted too little to know it
	Branch   string // of the top Via, likewise
	Method   string // of the CSeq, likewise
	Err      error
}
