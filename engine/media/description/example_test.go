package description_test

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/sipscript/sipscript/engine/media/description"
)

// A server between two phones passes an offer on: its own address and port, the codec it prefers first, all else as it came.
func ExampleSide_Write() {
	offer, err := description.Parse([]byte("v=0\r\no=jdoe 2890844526 2890842807 IN IP4 10.47.16.5\r\ns=-\r\nc=IN IP4 10.47.16.5\r\nt=0 0\r\n" +
		"m=audio 49170 RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\na=X-odd:1\r\n"))
	if err != nil {
		fmt.Println(err)
		return
	}
	var alice, bob description.Side
	if err := alice.Receive(offer, description.Offer); err != nil {
		fmt.Println(err)
		return
	}
	bob.Options.Audio = []string{"PCMA", "*"}
	out, err := bob.Write(&alice, description.Offer, func(int, *description.Media) (description.Local, error) {
		return description.Local{Address: netip.MustParseAddr("192.0.2.1"), Port: 20000, RTCP: 20001}, nil
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, media, _ := strings.Cut(string(out), "t=0 0\r\n")
	fmt.Print(strings.ReplaceAll(media, "\r", ""))
	// Output:
	// m=audio 20000 RTP/AVP 8 0 101
	// a=rtpmap:101 telephone-event/8000
	// a=X-odd:1
}
