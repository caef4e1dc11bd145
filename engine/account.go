package engine

import (
	"github.com/sipscript/sipscript/engine/call"
	"github.com/sipscript/sipscript/engine/cdr"
	"github.com/sipscript/sipscript/engine/proxy"
)

// account is the record of a call that no INVITE has made.
type account struct {
	core    *core
	parties call.Parties
	record  *cdr.Record
}

// account begins such a record. It ends with the leg.
func (c *core) account(leg *call.Call, p call.Parties) call.Account {
	rec := cdr.New(c.engine.Counts, c.legs.Name(), c.shard.Wheel().Now(), c.ended)
	rec.From, rec.To, rec.URI = p.From, p.To, p.To
	for name, value := range p.Vars {
		rec.SetVar(name, value)
	}
	if leg.Answered() {
		rec.Answered = rec.Started // the two have talked with others before, which counts in other records
	}
	return &account{c, p, rec}
}

// RecordOf is the record of a call that no INVITE has made, nil where that is not what the leg is in. On the leg's shard.
func RecordOf(leg *call.Call) *cdr.Record {
	if a, ok := leg.Account().(*account); ok {
		return a.record
	}
	return nil
}

// Vars implements call.Account.
func (a *account) Vars() map[string]any { return a.record.Vars() }

// Over implements call.Account.
func (a *account) Over(leg *call.Call, target string) {
	rec, s := a.record, leg.Snapshot()
	rec.CallIDs, rec.Target = leg.CallIDs(), target
	by := enders[s.Cause.By]
	if !a.parties.Calls {
		by = fromCallee(by)
	}
	if leg.Answered() {
		if rec.Answered.IsZero() {
			rec.Answered = s.AnsweredAt
		}
		rec.Code, rec.Cause = 200, string(proxy.Answered)
		if a.core.engine.seams.Media != nil {
			caller, callee := leg.Terminals()
			if !a.parties.Calls {
				caller, callee = callee, caller
			}
			a.core.measure(rec, caller, callee)
		}
	} else {
		if best := leg.Brought(); best != nil {
			rec.Code, rec.Cause, rec.Q850 = best.Code, string(best.Cause), best.Q850
		}
		switch {
		case rec.Cause == string(proxy.Canceled):
			by = cdr.ByServer // who calls gives up
		case by == cdr.ByCallee:
			by = ""
		}
	}
	rec.End(a.core.shard.Wheel().Now(), by)
}

// fromCallee is who has ended a call, where the word was found at the callee's leg.
func fromCallee(by string) string {
	switch by {
	case cdr.ByCaller:
		return cdr.ByCallee
	case cdr.ByCallee:
		return cdr.ByCaller
	}
	return by
}

var _ call.Account = (*account)(nil)
