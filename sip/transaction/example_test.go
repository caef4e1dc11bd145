package transaction_test

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/transaction"
	"github.com/sipscript/sipscript/sip/wheel"
)

// busy answers every INVITE with 486.
type busy struct{ table *transaction.Table }

func (u *busy) received(m *sip.Message, flow sip.Flow) {
	if s := u.table.Server(m); s != nil {
		s.Receive(m) // a retransmission, or the ACK
		return
	}
	if m.Method() == sip.ACK {
		return // of no transaction: never answered
	}
	s := u.table.NewServer(m, flow, u)
	resp := sip.NewResponse(m, 486, sip.Reason(486), "8321234356")
	if err := s.Respond(486, resp.Append(nil)); err != nil {
		fmt.Println(err)
	}
}

func (u *busy) ServerEnded(s *transaction.Server, err error) {
	fmt.Println("ended", s.State(), err)
}

func ExampleTable() {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	w := wheel.New(now)
	u := &busy{table: transaction.NewTable(transaction.Config{
		Wheel: w,
		Send: func(flow sip.Flow, _ string, b []byte) uint64 {
			first, _, _ := strings.Cut(string(b), "\r\n")
			fmt.Println(flow.Remote, first)
			return 0
		},
	})}
	flow := sip.Flow{Transport: sip.UDP, Remote: netip.MustParseAddrPort("192.0.2.1:5060")}
	for _, method := range []string{"INVITE", "INVITE", "ACK"} {
		m, err := sip.ReadDatagram([]byte(method+" sip:bob@example.com SIP/2.0\r\n"+
			"Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKnashds8\r\n"+
			"From: <sip:alice@example.com>;tag=1\r\nTo: <sip:bob@example.com>\r\n"+
			"Call-ID: 843817637684230\r\nCSeq: 1 "+method+"\r\nContent-Length: 0\r\n\r\n"), sip.Limits{})
		if err != nil {
			fmt.Println(err)
			return
		}
		u.received(m, flow)
	}
	w.Advance(now.Add(5 * time.Second)) // Timer I
	fmt.Println(u.table.Len())
	// Output:
	// 192.0.2.1:5060 SIP/2.0 486 Busy Here
	// 192.0.2.1:5060 SIP/2.0 486 Busy Here
	// ended confirmed <nil>
	// 0 0
}
