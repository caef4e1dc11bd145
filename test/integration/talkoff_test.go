//go:build integration && linux

package integration

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/sipscript/sipscript/engine/audio"
)

// spoken are words with all sounds that English has, and those of menus, where a digit that nobody pressed does the most harm.
const spoken = `zero one two three four five six seven eight nine ten eleven twenty hundred thousand star hash pound please press enter your number
followed by the key thank you for calling good morning afternoon evening hello who is this speaking could hold line while I put through moment
all our agents are busy leave message after tone we will call back as soon possible measure pleasure vision usual azure treasure judge
church watching shoes fishing thing bathing breathe other father mother weather yellow young onion million loyal royal boil noise voice choice house
about mountain down town how now brown cow low tone alone home phone known open over road boat cold old gold whole roll bowl follow
swallow hello fellow below window wall call tall small ball long song wrong strong morning warning storm north forth worth word world girl
early learn turn burn bird heard third thirty church purple circle people eagle legal seat sheet cheap deep sleep keep street green queen between
machine magazine Sunday Monday Tuesday Wednesday Thursday Friday Saturday January February March April May June July August September October
November December reservation appointment insurance department extension operator password account balance transfer delivery hospital pharmacy
laughing coughing rough enough cup luck mummy lovely hum drum oh ooh aah eee mmm yes no maybe really wonderful terrible quickly zigzag buzz`

// voices are those of espeak-ng that speak for five minutes each: men, women, children and old people, formants and Klatt's synthesis, a whisper, at a pitch
// from 0 to 99 and some words a minute. To a detector that does not care whether
// frequencies glide the last one but one says * now and then: its vowels are little more than the third and fourth harmonic of 309 Hz.
var voices = []struct {
	name         string
	pitch, speed int
}{
	{"en-us+f2", 40, 160}, {"en-gb+m3", 20, 150}, {"de+f4", 50, 170}, {"fr-fr+klatt", 45, 180}, {"es+klatt4", 60, 190}, {"en-us+whisper", 50, 160},
	{"cmn-latn-pinyin+f5", 75, 170}, {"it+f1", 85, 200}, {"ru+m7", 30, 140}, {"en-us+grandma", 70, 150}, {"en-us+linda", 70, 210}, {"en-us+linda", 99, 170},
}

// An hour of speech holds no digit. It is heard as a call brings it: at 8 kHz over G.711, and as loud as a line may be.
func TestAnHourOfSpeechHoldsNoDigits(t *testing.T) {
	needs(t, "espeak-ng", "espeak-ng")
	const each = 5 * time.Minute
	words := strings.Fields(spoken)
	for i, voice := range voices {
		t.Run(fmt.Sprint(voice.name, " ", voice.pitch), func(t *testing.T) {
			r := rand.New(rand.NewPCG(24, uint64(i)))
			detector := audio.NewDigitDetector(8000)
			codec, _ := audio.NewCodec("PCMU")
			for heard := time.Duration(0); heard < each; {
				clip := speech(t, r, words, voice.name, voice.pitch, voice.speed)
				heard += clip.Duration()
				payload := make([]byte, len(clip.Samples))
				payload = payload[:codec.Encode(payload, clip.Samples)]
				said := make([]int16, len(payload))
				if _, err := codec.Decode(said, payload); err != nil {
					t.Fatal(err)
				}
				for _, digit := range detector.Write(said) {
					if !digit.Released {
						t.Errorf("%c is heard", digit.Key)
					}
				}
			}
		})
	}
}

// speech has a minute or so of words spoken.
func speech(t *testing.T, r *rand.Rand, words []string, voice string, pitch, speed int) *audio.Clip {
	t.Helper()
	var text strings.Builder
	for i := range 200 {
		text.WriteString(words[r.IntN(len(words))])
		text.WriteString([]string{" ", " ", " ", " ", ", ", ". ", "? "}[r.IntN(7)])
		if i%20 == 19 {
			text.WriteString(".\n")
		}
	}
	command := exec.Command("espeak-ng", "-v", voice, "-p", fmt.Sprint(pitch), "-s", fmt.Sprint(speed), "--stdin", "--stdout")
	command.Stdin = strings.NewReader(text.String())
	out, err := command.Output()
	if err != nil {
		t.Fatalf("espeak-ng -v %s: %v", voice, err)
	}
	clip, err := audio.ReadWAV(bytes.NewReader(out), 48000*600)
	if err != nil {
		t.Fatal(err)
	}
	return audio.Convert(clip, 8000)
}
