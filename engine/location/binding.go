// Package location holds where the users of this server can be reached: the bindings of each address of record (RFC 3261 §10).
//
// One row of an in-memory table holds all bindings of one address of record. Readers see immutable snapshots and wait for nobody. Writers
// queue pure functions over the old bindings; one committer goroutine applies all that queued up while it was busy, hands them to the
// journal at once and makes them visible at once (group commit).
package location

import (
	"net/netip"
	"time"

	"github.com/sipscript/sipscript/sip"
)

// Binding is one contact of an address of record (RFC 3261 §6, §10.3). A Binding that has been stored never changes.
type Binding struct {
	URI        string         // contact URI as registered, its header part included
	Name       string         // display name of the contact
	Params     sip.Params     // contact parameters but expires and q
	Q          int            // preference in thousandths, 0 to 1000
	Expires    time.Time      // not used from then on
	Registered time.Time      // when the REGISTER that last set it was received
	CallID     string         // of that REGISTER
	CSeq       uint32         // of that REGISTER
	Path       []string       // Path of that REGISTER (RFC 3327), the next hop first
	Flow       sip.Flow       // by which that REGISTER came
	Source     netip.AddrPort // where it came from
	UserAgent  string
	Instance   string // +sip.instance (RFC 5626 §4.1), as given
	RegID      uint32 // reg-id (RFC 5626 §4.2), 0: none
}

// Live reports whether the binding may be used at that time.
func (b *Binding) Live(now time.Time) bool { return b.Expires.After(now) }

// Cause says why bindings changed.
type Cause uint8

// The causes of a Change.
const (
	Updated    Cause = iota // by Update
	Expired                 // their time ran out
	FlowClosed              // the connection they came by ended
)

// String returns the cause as a word.
func (c Cause) String() string {
	switch c {
	case Updated:
		return "updated"
	case Expired:
		return "expired"
	case FlowClosed:
		return "flow closed"
	}
	return "unknown"
}

// Change is one committed change of one address of record. Its slices are not to be written.
type Change struct {
	AOR   string
	At    time.Time
	Cause Cause
	Old   []Binding // in Old but not in New: removed, or expired where Expires is not after At
	New   []Binding // by q, then latest first
}

// Journal makes changes outlive the process. Append is called by the committer, once for each group, before the group
// becomes visible; with an error nothing of the group is stored. It may block, and updates queue up meanwhile.
type Journal interface {
	Append(changes []Change) error
}

// Discard is the Journal that keeps nothing.
type Discard struct{}

// Append does nothing.
func (Discard) Append([]Change) error { return nil }
