package description

import "net/netip"

// Description is a session description as a peer sent it. It never changes after Parse, and may be read from any goroutine.
type Description struct {
	Origin Origin
	Media  []Media // in the order of the m-lines

	text  string
	lines []line // every line of text
	head  int    // how many of lines stand before the first m-line
}

// Origin is the o= line (RFC 8866 §5.2).
type Origin struct {
	Username, Session, Version string
	Address                    string
}

// Kinds of media, as m= names them. Others exist and stay as they are written.
const (
	Audio = "audio"
	Video = "video"
	Image = "image"
)

// Media is one m-line with all that belongs to it, session-level values included: what one party said it is ready to receive.
// It is never changed after it was made.
type Media struct {
	Kind    string // audio, video, image, application, …
	Proto   string // RTP/AVP, RTP/SAVP, udptl, …
	Port    uint16 // 0: refused, or in an offer given up (RFC 3264 §6, §8.2)
	Formats []Format

	// Address is where media is wanted (c=). It is the zero Addr if there is none to be had: a host name (in Host), or nothing valid.
	Address netip.Addr
	Host    string

	// RTCP is where RTCP is wanted: a=rtcp (RFC 3605), or the port above Port. With Mux it is the same as the address of RTP if the other
	// side agrees (RFC 5761 §5.1.1).
	RTCP netip.AddrPort
	Mux  bool

	// Direction is as seen by the party that wrote it. Held says that it holds in the old way, by the address 0.0.0.0 (RFC 3264 §8.4),
	// or by a name in .invalid (RFC 6157 §4.1); Direction then no longer says that it receives.
	Direction Direction
	Held      bool

	// Crypto is every a=crypto that can be used, in the order of preference. Encrypted media without any cannot be answered.
	Crypto []SDES

	// ICE and DTLS say that the party offers them; this server takes part in neither.
	ICE, DTLS bool

	first, end int // its lines in Description.lines, with the m-line
}

// Format is one entry of an m-line, with its a=rtpmap and a=fmtp.
type Format struct {
	Token      string // as in the m-line: "0", "101", "t38"
	Payload    uint8  // the number, of RTP media; NoPayload otherwise
	Name       string // encoding name as written, or of the static table of RFC 3551 §6; "" if unknown
	Clock      int    // in Hz
	Channels   int    // 1 if not said
	Parameters string // a=fmtp
}

// NoPayload is the Payload of what is no RTP payload type.
const NoPayload = 0xFF

// Local is where this server receives one m-line: what is advertised, which need not be what the socket is bound to.
type Local struct {
	Address netip.Addr
	Port    uint16
	RTCP    uint16 // 0: there is no port for RTCP; the same as Port: only together with RTP
}

// Role is what a description is in the exchange (RFC 3264 §4).
type Role uint8

// The roles.
const (
	Offer Role = iota + 1
	Answer
)

// Options say what one peer is offered, and is accepted from it. The zero value changes nothing that need not be changed.
type Options struct {
	// Audio and Video choose the codecs of the two kinds and their order. An entry is an encoding name, perhaps with its clock and
	// channels ("PCMA", "opus/48000/2"); "*" stands for all that are not named; with a minus before it a codec is taken out.
	// Empty: all, in the peer's order. DTMF, comfort noise and retransmission go with the codecs they belong to.
	Audio, Video []string
	// SRTP is whether media is encrypted on this side.
	SRTP SRTP
	// Suites are those offered, in the order of preference, and the only ones accepted. Empty: all four, the stronger first.
	Suites []Suite
	// Mux is whether RTP and RTCP share a port on this side (RFC 5761).
	Mux Mux
	// Events is the payload type of telephone-event offered to this peer, 0 for the one that comes (RFC 4733). What was once agreed stays.
	Events uint8
	// Limit takes ways away: a direction as this server would write it. SendRecv takes none, SendOnly holds, Inactive silences both.
	Limit Direction
	// Pass lets media that cannot be relayed (MSRP, BFCP, …) go by with its own addresses. Otherwise it is refused with port 0.
	Pass bool
}

// SRTP is a policy on encryption by SDES (RFC 4568).
type SRTP uint8

// The policies. A side that has once agreed on encryption never falls back to none, whatever the policy.
const (
	SRTPFollow   SRTP = iota // offered if the other peer offered it; accepted if offered
	SRTPOff                  // neither offered nor accepted
	SRTPRequired             // offered, and nothing else is accepted
)

// Mux is a policy on rtcp-mux.
type Mux uint8

// The policies.
const (
	MuxFollow Mux = iota // offered if the other peer offered it; accepted if offered
	MuxOff               // neither offered nor accepted
	MuxOffer             // offered; accepted if offered
)
