package sip

// Method names. Those a message carries are interned to these, so that comparing them compares pointers first; an unknown method is a
// string like any other. Methods are case-sensitive (RFC 3261 §7.1).
const (
	INVITE    = "INVITE"
	ACK       = "ACK"
	CANCEL    = "CANCEL"
	BYE       = "BYE"
	REGISTER  = "REGISTER"
	OPTIONS   = "OPTIONS"
	MESSAGE   = "MESSAGE"   // RFC 3428
	INFO      = "INFO"      // RFC 6086
	UPDATE    = "UPDATE"    // RFC 3311
	PRACK     = "PRACK"     // RFC 3262
	REFER     = "REFER"     // RFC 3515
	NOTIFY    = "NOTIFY"    // RFC 6665
	SUBSCRIBE = "SUBSCRIBE" // RFC 6665
	PUBLISH   = "PUBLISH"   // RFC 3903
)

// internMethod returns the constant for a known method and whether it is one. Unknown ones come back as they are.
func internMethod(s string) (method string, known bool) {
	switch s {
	case INVITE:
		return INVITE, true
	case ACK:
		return ACK, true
	case CANCEL:
		return CANCEL, true
	case BYE:
		return BYE, true
	case REGISTER:
		return REGISTER, true
	case OPTIONS:
		return OPTIONS, true
	case MESSAGE:
		return MESSAGE, true
	case INFO:
		return INFO, true
	case UPDATE:
		return UPDATE, true
	case PRACK:
		return PRACK, true
	case REFER:
		return REFER, true
	case NOTIFY:
		return NOTIFY, true
	case SUBSCRIBE:
		return SUBSCRIBE, true
	case PUBLISH:
		return PUBLISH, true
	}
	return s, false
}

// dialogForming reports whether a 2xx to the method makes a dialog, so that its route set must reach the UAC (RFC 3261 §12.1.1,
// RFC 6665 §4.1.2.4, RFC 3515 §2.4.6).
func dialogForming(method string) bool {
	return method == INVITE || method == SUBSCRIBE || method == REFER
}
