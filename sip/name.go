package sip

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
	if len(s) == 1 {
		return compact[s[0]|0x20]
	}
	if len(s) < 2 {
		return Other
	}
	for _, n := range byShape[shape(s)] {
		if c := canonical[n]; c == s || equalFold(c, s) {
			return n
		}
	}
	return Other
}

// compact maps the one-letter forms registered with IANA (RFC 3261 §7.3.3 and the RFCs of each header field).
var compact = [256]Name{
	'v': Via, 'f': From, 't': To, 'i': CallID, 'm': Contact, 'l': ContentLength, 'c': ContentType, 'e': ContentEncoding,
	'k': Supported, 's': Subject, 'o': Event, 'u': AllowEvents, 'r': ReferTo, 'b': ReferredBy, 'x': SessionExpires,
	'a': AcceptContact, 'j': RejectContact, 'd': RequestDisposition, 'y': Identity,
}

// shape is a hash that the known names nearly do not share: their length and the letters that differ most between them.
func shape(s string) uint8 {
	n := len(s)
	return uint8(n)*7 ^ (s[0]|0x20)*5 ^ (s[n-1]|0x20)*11 ^ (s[n/2]|0x20)*3
}

// byShape lists the names of each shape; Other fills what is left. It is a table, built once and never written again.
var byShape = func() (table [256][2]Name) {
	for n := Via; n < names; n++ {
		slot := &table[shape(canonical[n])]
		switch {
		case slot[0] == Other:
			slot[0] = n
		case slot[1] == Other:
			slot[1] = n
		default:
			panic("sip: three header names of one shape")
		}
	}
	return table
}()
