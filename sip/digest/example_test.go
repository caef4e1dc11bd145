package digest_test

import (
	"fmt"

	"github.com/sipscript/sipscript/sip/digest"
)

// The example of RFC 2617 §3.5.
func ExampleChallenge_Answer() {
	challenge, err := digest.ParseChallenge(
		`Digest realm="testrealm@host.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41"`)
	if err != nil {
		panic(err)
	}
	credentials, err := challenge.Answer(digest.Request{
		Username: "Mufasa", Password: "Circle Of Life", Method: "GET", URI: "/dir/index.html", CNonce: "0a4f113b", Count: 1,
	})
	if err != nil {
		panic(err)
	}
	fmt.Println(credentials.Response)
	stored := digest.HA1(credentials.Algorithm, "Mufasa", "testrealm@host.com", "Circle Of Life")
	fmt.Println(credentials.Verify(stored, "GET", nil))
	// Output:
	// 6629fae49393a05397450978507c4ef1
	// true
}
