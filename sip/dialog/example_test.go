package dialog_test

import (
	"fmt"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/dialog"
)

func message(text string) *sip.Message {
	m, err := sip.ReadDatagram([]byte(text), sip.Limits{})
	if err != nil {
		panic(err)
	}
	return m
}

const invite = "INVITE sip:bob@b.example SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\nFrom: <sip:alice@a.example>;tag=A\r\n" +
	"To: <sip:bob@b.example>\r\nCall-ID: one\r\nCSeq: 1 INVITE\r\nContact: <sip:alice@192.0.2.1>\r\nRecord-Route: <sip:p.example;lr>\r\n\r\n"

// A callee answers an INVITE and hangs up later.
func ExampleDialog() {
	request := message(invite)
	d, err := dialog.NewUAS(request, "B", "<sip:bob@192.0.2.2>")
	if err != nil {
		panic(err)
	}
	d.Responded(request, sip.NewResponse(request, 200, "", "B"))
	bye := d.Request(sip.BYE)
	route, _ := bye.Value(sip.Route)
	fmt.Println(d.State(), bye.Method(), bye.URIText(), route)
	// Output: confirmed BYE sip:alice@192.0.2.1 <sip:p.example;lr>
}

// An UPDATE crosses our re-INVITE, which awaits its answer.
func ExampleNegotiation() {
	var n dialog.Negotiation
	n.Send(dialog.Step{Method: sip.INVITE, Description: true})
	_, refused := n.Receive(dialog.Step{Method: sip.UPDATE, Description: true})
	fmt.Println(refused.Status)
	part, _ := n.Receive(dialog.Step{Method: sip.INVITE, Status: 200, Description: true})
	fmt.Println(part)
	// Output:
	// 491
	// answer
}
