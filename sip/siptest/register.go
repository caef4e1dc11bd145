package siptest

import (
	"fmt"
	"time"

	"github.com/sipscript/sipscript/sip"
)

// patience is how long conveniences wait for an answer: longer than any transaction lasts.
const patience = 64*t1 + 8*time.Second

// Register registers a contact ("<sip:…>;expires=60", or "*") for an AOR, the endpoint's own where they are "", and returns
// the final response. All registrations of an AOR by this endpoint have one Call-ID and counting CSeqs (RFC 3261 §10.2).
func (u *UA) Register(aor, contact string, opts ...Option) *sip.Message {
	u.t.Helper()
	if aor == "" {
		aor = u.AOR()
	}
	if contact == "" {
		contact = "<" + u.Contact() + ">"
	}
	parsed, err := sip.ParseURI(aor)
	if err != nil {
		u.t.Fatalf("%s cannot register: %v", u.name, err)
	}
	callID := fmt.Sprintf("%s-register-%s", u.name, parsed.AOR())
	req := u.build(sip.REGISTER, parsed.Scheme+":"+parsed.Host, opts, func(m *sip.Message) {
		m.Add("From", fmt.Sprintf("<%s>;tag=%s-r%d", aor, u.name, u.count("register")))
		m.Add("To", "<"+aor+">")
		m.Add("Call-ID", callID)
		m.Add("CSeq", fmt.Sprintf("%d REGISTER", u.nextNumber(callID)))
		m.Add("Contact", contact)
	})
	return u.Final(u.launch(req, u.server))
}

// Final waits for the final response to a request of this endpoint. The test fails when none comes within 40 s, which is
// longer than any transaction lasts. Provisional responses stay for Expect.
func (u *UA) Final(req *sip.Message) *sip.Message {
	u.t.Helper()
	callID, method := req.CallID(), req.Method()
	number := numberOf(req)
	resp := u.await(func(m *sip.Message) bool {
		return m.Status() >= 200 && m.CallID() == callID && m.Method() == method && numberOf(m) >= number
	}, patience)
	if resp == nil {
		u.t.Fatalf("%s got no final response to its %s. %s\nThe ladder so far:\n%s", u.name, method, u.unexpected(), u.n.Ladder(nil))
	}
	return resp
}

func numberOf(m *sip.Message) uint32 {
	cseq, err := m.CSeq()
	if err != nil {
		return 0
	}
	return cseq.Number
}

func (u *UA) nextNumber(callID string) uint32 {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.numbers[callID] + 1
}
