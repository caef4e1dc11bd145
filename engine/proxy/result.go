package proxy

import (
	"strconv"
	"strings"

	"github.com/sipscript/sipscript/sip"
)

// Cause is the outcome of a fork in a word.
type Cause string

// The causes, and the codes they stand for.
const (
	Answered    Cause = "answered"    // 2xx
	Busy        Cause = "busy"        // 486, 600
	NoAnswer    Cause = "no_answer"   // it rang, then 408 or the time was up
	Unavailable Cause = "unavailable" // 480, or no targets
	Rejected    Cause = "rejected"    // 403, 603, any other 4xx and 6xx
	NotFound    Cause = "not_found"   // 404, 410, 484, 604
	Redirected  Cause = "redirected"  // 3xx
	Challenged  Cause = "challenged"  // 401, 407
	Failed      Cause = "failed"      // 5xx, transport error, no response
	Canceled    Cause = "canceled"    // the caller gave up
)

// Result is how a fork ended.
type Result struct {
	Code     int
	Reason   string
	Cause    Cause
	Q850     int          // from the reply's Reason header, 0: none (RFC 3326)
	Rang     bool         // a target sent 180 to 199
	Reply    *sip.Message // the best response; nil when it was made here (408, 503)
	Target   *Target      // whose response it is; nil: nobody's
	Branches []BranchEnd
	Full     bool // this server has had no room for it: its 503 is its own
}

// BranchEnd is how one target's branch ended.
type BranchEnd struct {
	Target *Target
	Code   int
	Reason string
	Cause  Cause
}

// CauseOf is the cause that a final response stands for when nothing else is known of it.
func CauseOf(code int) Cause { return causeOf(code, false) }

func causeOf(code int, rang bool) Cause {
	switch code {
	case 486, 600:
		return Busy
	case 408:
		if rang {
			return NoAnswer
		}
		return Failed
	case 480:
		return Unavailable
	case 404, 410, 484, 604:
		return NotFound
	case 401, 407:
		return Challenged
	}
	switch code / 100 {
	case 2:
		return Answered
	case 3:
		return Redirected
	case 4, 6:
		return Rejected
	}
	return Failed
}

// q850 reads the Q.850 cause of a Reason header, RFC 3326 §2.
func q850(m *sip.Message) int {
	if m == nil {
		return 0
	}
	for v := range m.List(sip.ReasonHeader) {
		protocol, params, _ := strings.Cut(v, ";")
		if !strings.EqualFold(strings.TrimSpace(protocol), "Q.850") {
			continue
		}
		if c, ok := sip.Params(";" + params).Get("cause"); ok {
			if n, err := strconv.Atoi(c); err == nil {
				return n
			}
		}
	}
	return 0
}
