package transport_test

import (
	"fmt"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/transport"
)

func ExampleOpen() {
	listen, err := transport.ParseListen("udp:127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	received := make(chan string)
	open := func(receive func([]transport.Inbound)) *transport.Transport {
		t, err := transport.Open(transport.Config{Listen: []transport.ListenSpec{listen}, Receive: receive})
		if err != nil {
			panic(err)
		}
		t.Start()
		return t
	}
	server := open(func(batch []transport.Inbound) {
		for _, in := range batch {
			received <- in.Msg.Method() + " " + in.Msg.URIText()
			in.Msg.Release()
		}
	})
	defer server.Close()
	client := open(func([]transport.Inbound) {})
	defer client.Close()

	sender := client.Sender(0)
	flow := sip.Flow{
		Transport: sip.UDP,
		Local:     client.Listeners()[0].Local,
		Remote:    server.Listeners()[0].Local,
	}
	sender.Send(flow, []byte("OPTIONS sip:example.org SIP/2.0\r\n"+
		"Via: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK1\r\n"+
		"Max-Forwards: 70\r\n"+
		"From: <sip:alice@example.org>;tag=1\r\n"+
		"To: <sip:example.org>\r\n"+
		"Call-ID: 1@example.org\r\n"+
		"CSeq: 1 OPTIONS\r\n"+
		"Content-Length: 0\r\n\r\n"))
	sender.Flush()
	fmt.Println(<-received)
	// Output: OPTIONS sip:example.org
}
