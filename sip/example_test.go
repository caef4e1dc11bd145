package sip_test

import (
	"fmt"
	"log"
	"net/netip"
	"strings"

	"github.com/sipscript/sipscript/sip"
)

// A proxy reads a request, notes where it came from and sends it on with a Via of its own. What it does not touch leaves as it came.
func ExampleMessage() {
	datagram := strings.Join([]string{
		"OPTIONS sip:bob@example.com SIP/2.0",
		"v: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK776;rport",
		"f:   \"Alice\" <sip:alice@example.com>;tag=1",
		"To: <sip:bob@example.com>",
		"call-id: a84b4c76e66710",
		"CSeq: 7 OPTIONS",
		"", "",
	}, "\r\n")
	m, err := sip.ReadDatagram([]byte(datagram), sip.Limits{})
	if err != nil {
		log.Fatal(err)
	}
	defer m.Release()
	m.Stamp(netip.MustParseAddrPort("192.0.2.1:33333"))
	m.Prepend("Via", "SIP/2.0/UDP proxy.example.com;branch=z9hG4bKt1")
	m.Set("Max-Forwards", "70")
	fmt.Print(strings.ReplaceAll(m.String(), "\r\n", "\n"))
	// Output:
	// OPTIONS sip:bob@example.com SIP/2.0
	// Via: SIP/2.0/UDP proxy.example.com;branch=z9hG4bKt1
	// v: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK776;rport=33333;received=192.0.2.1
	// f:   "Alice" <sip:alice@example.com>;tag=1
	// To: <sip:bob@example.com>
	// call-id: a84b4c76e66710
	// CSeq: 7 OPTIONS
	// Max-Forwards: 70
	// Content-Length: 0
}

func ExampleNewResponse() {
	datagram := "BYE sip:bob@example.com SIP/2.0\r\n" +
		"Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK776\r\n" +
		"From: <sip:alice@example.com>;tag=1\r\n" +
		"To: <sip:bob@example.com>\r\n" +
		"Call-ID: a84b4c76e66710\r\n" +
		"CSeq: 8 BYE\r\n\r\n"
	req, err := sip.ReadDatagram([]byte(datagram), sip.Limits{})
	if err != nil {
		log.Fatal(err)
	}
	resp := sip.NewResponse(req, 481, "", "8xk2")
	fmt.Print(strings.ReplaceAll(resp.String(), "\r\n", "\n"))
	// Output:
	// SIP/2.0 481 Call/Transaction Does Not Exist
	// Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK776
	// From: <sip:alice@example.com>;tag=1
	// To: <sip:bob@example.com>;tag=8xk2
	// Call-ID: a84b4c76e66710
	// CSeq: 8 BYE
	// Content-Length: 0
}

func ExampleURI() {
	u, err := sip.ParseURI("sip:%61lice@Example.COM;transport=tcp;lr")
	if err != nil {
		log.Fatal(err)
	}
	transport, _ := u.Transport()
	fmt.Println(u.String())
	fmt.Println(u.User, u.Host, transport, u.LooseRoute())
	fmt.Println(u.AOR())

	v, err := sip.ParseURI("sip:alice@example.com;transport=TCP")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(u.Equal(&v))
	// Output:
	// sip:%61lice@Example.COM;transport=tcp;lr
	// %61lice Example.COM TCP true
	// sip:alice@example.com
	// true
}

func ExampleParseAddress() {
	a, err := sip.ParseAddress(`"Bell, A." <sip:bell@example.com;lr>;tag=9`)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(a.Name, "|", a.URI.User, "|", a.URI.Params, "|", a.Tag())
	// Output: Bell, A. | bell | ;lr | 9
}
