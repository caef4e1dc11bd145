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

func ExampleParseTone() {
	tone, err := audio.ParseTone("440+480/2000,0/4000;times=2;level=-20")
	if err != nil {
		fmt.Println(err)
		return
	}
	source, frame := tone.Source(), make([]int16, audio.FrameLen(8000))
	frames := 0
	for source.Read(frame, 8000) == len(frame) {
		frames++
	}
	fmt.Println(tone.Duration(), frames, "frames")

	_, err = audio.ParseTone("440/2000,0/4s")
	fmt.Println(err)
	// Output:
	// 12s 600 frames
	// audio: format: tone "440/2000,0/4s": character 12: a length is 1 to 3600000 milliseconds, not "4s"
}

// What is sent in band is found in band.
func ExampleDigitDetector() {
	tone, err := audio.Digits("42#", 0, 0)
	if err != nil {
		fmt.Println(err)
		return
	}
	source, detector, frame := tone.Source(), audio.NewDigitDetector(8000), make([]int16, audio.FrameLen(8000))
	for {
		n := source.Read(frame, 8000)
		for _, digit := range detector.Write(frame[:n]) {
			if !digit.Released {
				fmt.Printf("%c ", digit.Key)
			}
		}
		if n < len(frame) {
			break
		}
	}
	// Output: 4 2 #
}

// Two talk, and a third listens: each hears the others.
func ExampleMixer() {
	var mixer audio.Mixer
	var alice, bob audio.Seat
	said := func(level int16) []int16 {
		frame := make([]int16, audio.FrameLen(8000))
		for i := range frame {
			frame[i] = level
		}
		return frame
	}
	for range 2 { // in the first frame who begins fades in
		mixer.Begin(audio.FrameLen(8000))
		mixer.Add(&alice, said(1000))
		mixer.Add(&bob, said(200))
		mixer.Mix()
	}
	for _, seat := range []*audio.Seat{&alice, &bob, nil} {
		frame, shared := mixer.Heard(seat)
		fmt.Println(frame[0], shared)
	}
	// Output:
	// 200 false
	// 1000 false
	// 1200 true
}
