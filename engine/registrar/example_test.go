package registrar_test

import (
	"fmt"
	"strings"
	"time"

	"github.com/sipscript/sipscript/engine/location"
	"github.com/sipscript/sipscript/engine/registrar"
	"github.com/sipscript/sipscript/sip"
)

func ExampleSave() {
	store := location.New(location.Config{})
	defer store.Close()

	req, err := sip.ReadDatagram([]byte(strings.ReplaceAll(`REGISTER sip:example.org SIP/2.0
Via: SIP/2.0/UDP 192.0.2.4;branch=z9hG4bK1
From: <sip:alice@example.org>;tag=a
To: <sip:alice@example.org>
Call-ID: call
CSeq: 1 REGISTER
Contact: <sip:alice@192.0.2.4>
Content-Length: 0

`, "\n", "\r\n")), sip.Limits{})
	if err != nil {
		panic(err)
	}
	ours := func(u *sip.URI) bool { return u.Host == "example.org" }
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

	answers := make(chan registrar.Outcome)
	registrar.Save(store, req, sip.Flow{}, registrar.Options{User: "alice"}, ours, now, func(o registrar.Outcome) { answers <- o })
	o := <-answers
	fmt.Println(o.Code, o.Reason)
	for _, h := range o.Headers {
		fmt.Printf("%s: %s\n", h.Name, h.Value)
	}
	// Output:
	// 200 OK
	// Contact: <sip:alice@192.0.2.4>;expires=3600
	// Date: Sun, 22 Nov 2026 12:00:00 GMT
}
