package sip

import "math/bits"

// Name identifies a header field known to this server. The compact form, the long form and any case of either are the same Name
// (RFC 3261 §7.3.3). Other is every other header field.
type Name uint8

// The header fields known by name.
const (
	Other Name = iota
	Via
	From
	To
	CallID
	CSeq
	Contact
	MaxForwards
	Route
	RecordRoute
	ContentLength
	ContentType
	Expires
	MinExpires
	Authorization
	ProxyAuthorization
	WWWAuthenticate
	ProxyAuthenticate
	AuthenticationInfo
	Require
	ProxyRequire
	Supported
	Unsupported
	Allow
	Path
	ServiceRoute
	Timestamp
	Date
	RetryAfter
	Warning
	ReasonHeader // the header field of RFC 3326; Reason is the phrase of a status code
	UserAgent
	Server
	Subject
	Event
	AllowEvents
	SubscriptionState
	MaxBreadth
	Accept
	ErrorInfo
	Diversion
	HistoryInfo
	ReferTo
	ReferredBy
	Replaces
	RAck
	RSeq
	SessionExpires
	MinSE
	ContentEncoding
	ContentDisposition
	PAssertedIdentity
	Privacy
	Identity
	AcceptContact
	RejectContact
	RequestDisposition
	SIPETag
	SIPIfMatch
	TargetDialog
	ReferSub
	names // the number of names; below 64, since a set of them is one word
)

// canonical holds the long form of each Name as messages of our own write it.
var canonical = [names]string{
	Via: "Via", From: "From", To: "To", CallID: "Call-ID", CSeq: "CSeq", Contact: "Contact", MaxForwards: "Max-Forwards",
	Route: "Route", RecordRoute: "Record-Route", ContentLength: "Content-Length", ContentType: "Content-Type", Expires: "Expires",
	MinExpires: "Min-Expires", Authorization: "Authorization", ProxyAuthorization: "Proxy-Authorization",
	WWWAuthenticate: "WWW-Authenticate", ProxyAuthenticate: "Proxy-Authenticate", AuthenticationInfo: "Authentication-Info",
	Require: "Require", ProxyRequire: "Proxy-Require", Supported: "Supported", Unsupported: "Unsupported", Allow: "Allow",
	Path: "Path", ServiceRoute: "Service-Route", Timestamp: "Timestamp", Date: "Date", RetryAfter: "Retry-After",
	Warning: "Warning", ReasonHeader: "Reason", UserAgent: "User-Agent", Server: "Server", Subject: "Subject", Event: "Event",
	AllowEvents: "Allow-Events", SubscriptionState: "Subscription-State", MaxBreadth: "Max-Breadth", Accept: "Accept",
	ErrorInfo: "Error-Info", Diversion: "Diversion", HistoryInfo: "History-Info", ReferTo: "Refer-To", ReferredBy: "Referred-By",
	Replaces: "Replaces", RAck: "RAck", RSeq: "RSeq", SessionExpires: "Session-Expires", MinSE: "Min-SE",
	ContentEncoding: "Content-Encoding", ContentDisposition: "Content-Disposition", PAssertedIdentity: "P-Asserted-Identity",
	Privacy: "Privacy", Identity: "Identity", AcceptContact: "Accept-Contact", RejectContact: "Reject-Contact",
	RequestDisposition: "Request-Disposition", SIPETag: "SIP-ETag", SIPIfMatch: "SIP-If-Match",
	TargetDialog: "Target-Dialog", ReferSub: "Refer-Sub",
}

// String returns the long form, "Call-ID", and "" for Other.
func (n Name) String() string {
	if n >= names {
		return ""
	}
	return canonical[n]
}

// LookupName finds the Name of a header field's name in any case, long or compact: "i" and "call-id" are CallID. A name this server
// does not know is Other.
func LookupName(s string) Name {
	if len(s) >= 8 {
		return lookupName(s, word(s))
	}
	return lookupName(s, shortWord(s))
}

// lookupName is LookupName for a name whose first eight octets, or all of fewer, are in w; octets behind the name do not matter.
func lookupName(s string, w uint64) Name {
	n := len(s)
	if n <= 1 {
		if n == 0 {
			return Other
		}
		return compact[s[0]|0x20]
	}
	if w |= lowerCase; n < 8 {
		w &= 1<<(8*n) - 1
	}
	known := &byWord[slot(w, n)]
	switch {
	case known.first != w || int(known.length) != n:
		return Other
	case n > 8 && word(s[n-8:])|lowerCase != known.last:
		return Other
	case n > 16 && !equalFold(canonical[known.name], s):
		return Other
	}
	return known.name
}

// compact maps the one-letter forms registered with IANA (RFC 3261 §7.3.3 and the RFCs of each header field).
var compact = [256]Name{
	'v': Via, 'f': From, 't': To, 'i': CallID, 'm': Contact, 'l': ContentLength, 'c': ContentType, 'e': ContentEncoding,
	'k': Supported, 's': Subject, 'o': Event, 'u': AllowEvents, 'r': ReferTo, 'b': ReferredBy, 'x': SessionExpires,
	'a': AcceptContact, 'j': RejectContact, 'd': RequestDisposition, 'y': Identity,
}

// lowerCase turns upper-case letters to lower ones, eight at once, and leaves lower-case ones and hyphens as they are. It makes other
// octets alike too, but of those that end up as in a known name none can stand in the name of a header field that was accepted: CR.
const lowerCase = 0x2020202020202020

// word returns the first eight octets of s, the first one lowest.
func word(s string) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

// shortWord is word for any s: zeros stand behind its end.
func shortWord(s string) (w uint64) {
	for i := range min(len(s), 8) {
		w |= uint64(s[i]) << (8 * i)
	}
	return w
}

// octetIn returns where in w, lowest first, the octet c is, 8 when it is not there.
func octetIn(w uint64, c byte) int {
	const ones = 0x0101010101010101
	w ^= ones * uint64(c) // now c is zero, and the lowest zero is what a borrow first goes to
	return bits.TrailingZeros64((w-ones)&^w&(ones<<7)) / 8
}

// slot is a hash that no two known names share. A name that is added and does share one needs another factor.
func slot(w uint64, n int) uint8 { return uint8((w + uint64(n)) * 0x33AF36756096BE9D >> 56) }

// knownName is a name by its length, in which with the first eight octets all of them differ, and its first and last eight octets in lower
// case.
type knownName struct {
	first, last uint64
	length      uint8
	name        Name
}

// byWord finds the one known name of a slot. It is a table, built once and never written again.
var byWord = func() (table [256]knownName) {
	for n := Via; n < names; n++ {
		s := canonical[n]
		k := knownName{length: uint8(len(s)), name: n}
		for i := range min(len(s), 8) {
			k.first |= uint64(s[i]|0x20) << (8 * i)
		}
		if len(s) >= 8 {
			k.last = word(s[len(s)-8:]) | lowerCase
		}
		known := &table[slot(k.first, len(s))]
		if known.name != Other {
			panic("sip: " + s + " has the slot of " + canonical[known.name])
		}
		*known = k
	}
	return table
}()
