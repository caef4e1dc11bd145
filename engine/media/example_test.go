package media_test

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/sipscript/sipscript/engine/audio"
	"github.com/sipscript/sipscript/engine/media"
	"github.com/sipscript/sipscript/test/listen"
)

// A call is answered, and hears a tone until it presses a key.
func ExampleVoice() {
	relay, err := media.New(media.Config{Interfaces: []media.Interface{{Address: netip.MustParseAddr("192.0.2.1")}}, Net: listen.NewNetwork()})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer relay.Stop()
	call, err := relay.Open("call", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	offer := "v=0\r\no=- 1 1 IN IP4 192.0.2.7\r\ns=-\r\nc=IN IP4 192.0.2.7\r\nt=0 0\r\nm=audio 4000 RTP/AVP 9 0 101\r\na=rtpmap:101 telephone-event/8000\r\n"
	relay.Answer(call, []byte(offer), media.Options{}, func(_ []byte, err error) {
		if err != nil {
			fmt.Println(err)
		}
	})
	voice, err := relay.Voice(call)
	if err != nil {
		fmt.Println(err)
		return
	}
	tone, err := audio.ParseTone("425/1000,0/4000")
	if err != nil {
		fmt.Println(err)
		return
	}
	voice.Digits(func(d media.Digit) {
		if d.Pressed {
			voice.Interrupt()
		}
	})
	voice.Play(tone.Source(), func(played time.Duration) { fmt.Println("over") })
	fmt.Println(voice.Codec())
	relay.Close(call)
	// Output:
	// G722 16000
	// over
}
