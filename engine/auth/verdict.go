package auth

// Verdict is what is known about who sent a request, and what is to be done about it.
type Verdict uint8

// The verdicts of Check and Finish.
const (
	NoCredentials Verdict = iota // none of ours in the request: challenge
	Pending                      // Check only: look the user up and call Finish
	OK                           // the user is who the credentials say
	Exempt                       // ACK and CANCEL, which cannot be challenged and are let pass (RFC 3261 §22.1, §9.1)
	Stale                        // the response is right, but the nonce is too old or was used before: challenge with stale
	Wrong                        // no such user or another password: challenge
	Malformed                    // 400
	Misdirected                  // the digest-uri is nobody we serve (RFC 8760 §2.6 item 6): 403
)

var verdictNames = [...]string{
	NoCredentials: "no credentials", Pending: "pending", OK: "ok", Exempt: "exempt", Stale: "stale", Wrong: "wrong", Malformed: "malformed",
	Misdirected: "misdirected",
}

// String returns the verdict as a word.
func (v Verdict) String() string {
	if int(v) < len(verdictNames) {
		return verdictNames[v]
	}
	return "unknown"
}

// Challenge reports whether the answer is a challenge, and whether with stale.
func (v Verdict) Challenge() (challenge, stale bool) {
	return v == NoCredentials || v == Stale || v == Wrong, v == Stale
}
