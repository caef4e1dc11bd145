package transaction

import "github.com/sipscript/sipscript/sip"

// rfc2543 is what an INVITE transaction needs besides when its client makes no unique branches.
type rfc2543 struct {
	invite *sip.Message // as it came, whatever the core edits; until the final response
	ackKey key          // once there is a 300-699 to acknowledge
}

// matchedOldStyle is nil for an INVITE whose branch identifies its transaction.
func matchedOldStyle(invite *sip.Message) *rfc2543 {
	if via, err := invite.Via(); err != nil || unique(via.Branch) {
		return nil
	}
	return &rfc2543{invite: invite.Clone()}
}

// expectACK enters s under the key of the ACK for its response. Such an ACK is known by the To tag of the response (RFC
// 3261 §17.2.3), so that the ACK for a 2xx, which a forking proxy before us may have got as well, is not taken for it.
func (o *rfc2543) expectACK(s *Server, response []byte) {
	invite := o.invite
	o.invite = nil
	resp, err := sip.RereadSent(response)
	if err != nil {
		return
	}
	via, err := invite.Via()
	if err != nil {
		return
	}
	if k, ok := s.table.hash.rfc2543(invite, via, sip.ACK, resp.ToTag()); ok {
		o.ackKey = k
		s.table.servers[k] = s
	}
}

// forget removes what expectACK entered.
func (o *rfc2543) forget(s *Server) {
	if s.table.servers[o.ackKey] == s {
		delete(s.table.servers, o.ackKey)
	}
}
