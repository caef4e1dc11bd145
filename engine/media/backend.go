package media

import (
	"net/netip"
	"time"

	"github.com/sipscript/sipscript/engine/media/description"
)

// Backend keeps the media of calls. All methods may be called from any goroutine, and none of them blocks. Those with a done function call it
// exactly once: Relay before it returns, other backends later and from another goroutine. A Terminal belongs to the Backend that opened it.
type Backend interface {
	// Open makes the media of one leg, without ports yet. id appears in logs and names the call to backends elsewhere; terminals that will be
	// connected had better have the same one. events is called from a relay thread, must not block, and may be nil.
	Open(id string, events func(Event)) (Terminal, error)

	// Signalled says between which addresses the signalling of the leg goes: local chooses the interface of a leg that has no ports yet, and media
	// may come from remote as well as from where it was described (phones behind a NAT describe what they cannot know). It is told before Pass,
	// Offer or Answer, and again when the leg's flow changes.
	Signalled(t Terminal, local, remote netip.Addr)

	// Pass takes a description that the leg of from has sent over to the leg of to: it says where from's media goes, gives to its ports, and yields
	// what is to be sent on the leg of to. sdp is line-true to what came in, but for what is ours.
	//
	// An offer changes nothing of a session that stands until its answer was passed the other way; Rollback forgets it. The first offer of a leg
	// counts at once, since media may come before its answer. Passing another answer to the same offer (several early dialogs of a forked
	// INVITE) replaces the one before.
	//
	// The error wraps ErrNoPorts, ErrNoInterface, ErrNoOffer or ErrClosed, or is a *description.Error, which says what status refuses the description.
	Pass(from, to Terminal, role Role, sdp []byte, o Options, done func(sdp []byte, err error))

	// Answer takes an offer that the leg of t has sent, and yields this server's own answer: no other leg takes part. What t receives goes nowhere
	// until it is connected.
	Answer(t Terminal, offer []byte, o Options, done func(sdp []byte, err error))

	// Offer yields this server's own offer on the leg of t: a first one with the codecs of o, or, where a session stands, that session again, as
	// for a session refresh or a new peer. Its answer is given to Accept.
	Offer(t Terminal, o Options, done func(sdp []byte, err error))

	// Accept takes the answer to what Offer or Hold yielded.
	Accept(t Terminal, answer []byte, o Options, done func(err error))

	// Hold yields the offer that puts the peer of t on hold (on) or takes it back. Its answer is given to Accept.
	Hold(t Terminal, on bool, done func(sdp []byte, err error))

	// Rollback forgets the offer that t has sent or was sent and that will have no answer: the session stays as it was (RFC 3261 §14.1).
	Rollback(t Terminal)

	// Connect lets media flow between two terminals, m-line by m-line. Each is parted from whom it was connected to.
	Connect(a, b Terminal)

	// Part ends that. What the terminal and its peer receive goes nowhere from now on, and is still counted.
	Part(t Terminal)

	// BlockDigits keeps telephone-events (RFC 4733) that t receives from its peer. They are reported as events either way.
	BlockDigits(t Terminal, on bool)

	// Voice is this server's own end of t: one a terminal, made when it is first asked for. The error wraps ErrUnsupported for a backend whose media
	// this process neither hears nor makes, or is ErrClosed.
	Voice(t Terminal) (Voice, error)

	// Close gives the ports back and returns the final figures. Closing again returns them again.
	Close(t Terminal) Stats
}

// Settler is a Backend that learns the last figures of a call only some time after its end.
type Settler interface {
	// Settle calls done once the figures of these terminals are what they will stay, or cannot be had: at once, or later and from another goroutine.
	// Any goroutine may ask, before or after Close.
	Settle(terminals []Terminal, done func())
}

// Terminal is the media of one leg. Its methods may be called from any goroutine.
type Terminal interface {
	// ID is what Open was told.
	ID() string
	// Stats are the figures so far: of Relay exact, of other backends as last heard of.
	Stats() Stats
}

// Options say what the peer of a terminal is offered and is accepted from it: those of the leg that a description is written for.
type Options = description.Options

// Role is what a description is in the exchange of RFC 3264.
type Role = description.Role

// The roles.
const (
	RoleOffer  = description.Offer
	RoleAnswer = description.Answer
)

// EventKind is what an Event tells.
type EventKind uint8

const (
	// EventLatched says that the first valid packet of a source has come, and that the port is locked to it.
	EventLatched EventKind = iota + 1
	// EventTimeout says that nothing has come for Config.Timeout on a leg that ought to send, and again for each such time until something comes.
	EventTimeout
	// EventDigit says that a digit was pressed (RFC 4733).
	EventDigit
	// EventUnknown says that the first packet that is neither RTP nor RTCP (STUN, DTLS, anything) has come, and was dropped.
	EventUnknown
)

// String is the kind in a word.
func (k EventKind) String() string {
	switch k {
	case EventLatched:
		return "latched"
	case EventTimeout:
		return "timeout"
	case EventDigit:
		return "digit"
	case EventUnknown:
		return "unknown"
	}
	return "no event"
}

// Event is what media tells of a terminal.
type Event struct {
	Kind     EventKind
	Terminal Terminal
	Media    int           // index of the m-line
	Digit    byte          // EventDigit: '0' to '9', '*', '#', 'A' to 'D', '!' for a flash
	Duration time.Duration // EventDigit: how long it was pressed
}

// Stats are the figures of one terminal, over all its m-lines.
type Stats struct {
	Received Flow          // from the peer
	Sent     Flow          // to the peer; Lost and Jitter as the peer has reported them (RTCP)
	Dropped  Drops         // received and not taken
	RTT      time.Duration // between here and the peer, from RTCP; 0 when unknown
	MOS      float64       // 1 to 4.5, estimated quality of what was received (ITU-T G.107); 0 without packets
}

// Flow is one direction of a terminal.
type Flow struct {
	Packets, Bytes uint64        // RTP; Bytes with the RTP headers, without those of UDP and IP, before encryption or after decryption
	Lost           uint64        // packets missing in the sequence numbers
	Jitter         time.Duration // interarrival jitter (RFC 3550 §6.4.1), the last value of the worst m-line
}

// Loss is the share of packets lost, 0 to 1.
func (f Flow) Loss() float64 {
	if f.Lost == 0 {
		return 0
	}
	return float64(f.Lost) / float64(f.Lost+f.Packets)
}

// Drops counts packets that were received and not taken, by why.
type Drops struct {
	Unknown   uint64 // first byte is neither that of RTP nor of RTCP
	Foreign   uint64 // from a source that the description does not allow, or not the one latched to; those that the system has refused already do not count
	Forged    uint64 // SRTP authentication failed
	Replayed  uint64 // seen before or too old: of SRTP, or in the clear and to be encrypted
	Unrouted  uint64 // no terminal connected, or its destination not known yet
	Malformed uint64 // RTP or RTCP whose lengths do not fit, or with a payload type nobody has described
	Unsent    uint64 // the system would not send it
}
