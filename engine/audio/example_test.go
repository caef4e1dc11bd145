package audio_test

import (
	"bytes"
	"fmt"

	"github.com/sipscript/sipscript/engine/audio"
)

// A prompt is decoded once, at the rate of the codec it will be heard with.
func ExampleReadFile() {
	file := bytes.NewReader(make([]byte, 44100*2)) // a second of silence
	clip, err := audio.ReadFile(file, "silence.sln44", 10*44100)
	if err != nil {
		fmt.Println(err)
		return
	}
	clip = audio.Convert(clip, 8000)
	fmt.Println(clip.Duration(), len(clip.Samples))
	// Output: 1s 8000
}

func ExampleNewCodec() {
	codec, ok := audio.NewCodec("G722/8000")
	if !ok {
		fmt.Println("no such codec")
		return
	}
	frame := make([]int16, audio.FrameLen(codec.Rate()))
	payload := make([]byte, 160)
	n := codec.Encode(payload, frame)
	fmt.Println(len(frame), "samples,", n, "octets, and the RTP timestamp goes on by", audio.FrameLen(codec.Clock()))
	// Output: 320 samples, 160 octets, and the RTP timestamp goes on by 160
}
