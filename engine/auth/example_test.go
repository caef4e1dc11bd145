package auth_test

import (
	"fmt"
	"time"

	"github.com/sipscript/sipscript/engine/auth"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/digest"
)

func ExampleGuard() {
	guard := auth.New(auth.Config{Secret: []byte("0123456789abcdef")})
	params := auth.Params{Realm: "example.org"}
	users := map[string]auth.Secret{"alice": {Password: "wonderland"}}

	req := sip.NewRequest(sip.REGISTER, "sip:example.org")
	req.Add("Call-ID", "call")
	req.Add("CSeq", "1 REGISTER")
	decide := func() auth.Verdict {
		attempt := guard.Check(req, params)
		return guard.Finish(req, &attempt, users[attempt.User], time.Now())
	}
	fmt.Println(decide())

	// The client's side.
	challenge := digest.Choose(guard.Challenge(req, params, false, time.Now()))
	answer, err := challenge.Answer(digest.Request{
		Username: "alice", Password: "wonderland", Method: req.Method(), URI: req.URIText(), CNonce: "f2wE4q74",
	})
	if err != nil {
		panic(err)
	}
	req.Set("CSeq", "2 REGISTER")
	req.Set("Authorization", answer.String())
	fmt.Println(decide())
	fmt.Println(decide())
	// Output:
	// no credentials
	// ok
	// stale
}
