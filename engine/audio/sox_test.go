package audio

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// sox runs SoX, without dither, which would make each run another.
func sox(t *testing.T, arguments ...string) []byte {
	t.Helper()
	if _, err := exec.LookPath("sox"); err != nil {
		t.Skip("COMPARISON SKIPPED: SoX is not installed (apt-get install sox)")
	}
	command := exec.Command("sox", append([]string{"-D", "-V1"}, arguments...)...)
	var out, complaints bytes.Buffer
	command.Stdout, command.Stderr = &out, &complaints
	if err := command.Run(); err != nil {
		t.Fatalf("sox %s: %v: %s", strings.Join(arguments, " "), err, complaints.Bytes())
	}
	return out.Bytes()
}

// samplesOf are the samples of raw octets, the lower ones first.
func samplesOf(octets []byte) []int16 {
	pcm := make([]int16, len(octets)/2)
	decodeLittleEndian(pcm, octets)
	return pcm
}

func TestFilesOfSoXAreRead(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		options string // of the file SoX writes
		name    string
	}{
		{"-r 8000 -c 1 -b 16", "a.wav"},
		{"-r 44100 -c 2 -b 16", "a.wav"},
		{"-r 48000 -c 1 -b 24", "a.wav"},
		{"-r 22050 -c 1 -b 8 -e unsigned", "a.wav"},
		{"-r 16000 -c 1 -b 32", "a.wav"},
		{"-r 24000 -c 1 -b 32 -e float", "a.wav"},
		{"-r 8000 -c 1 -e mu-law", "a.wav"},
		{"-r 8000 -c 2 -e a-law", "a.wav"},
		{"-r 8000 -c 1 -t ul", "a.ulaw"},
		{"-r 8000 -c 1 -t al", "a.alaw"},
	} {
		t.Run(tt.options, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			file := filepath.Join(folder, tt.name)
			sox(t, slices.Concat([]string{"-n"}, strings.Fields(tt.options), []string{file, "synth", "0.5", "sine", "440", "sine", "500", "vol", "0.5"})...)
			octets, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			clip, err := ReadFile(bytes.NewReader(octets), tt.name, 48000)
			if err != nil {
				t.Fatal(err)
			}
			input := []string{file}
			if tt.name != "a.wav" {
				input = append(strings.Fields(tt.options), file)
			}
			want := samplesOf(sox(t, append(input, "-t", "raw", "-e", "signed", "-b", "16", "-c", "1", "-")...))
			if len(want) != len(clip.Samples) || len(want) == 0 {
				t.Fatalf("%d samples, to SoX %d", len(clip.Samples), len(want))
			}
			for i := range want {
				if off := int(clip.Samples[i]) - int(want[i]); off < -1 || off > 1 { // it rounds, where bits are dropped here
					t.Fatalf("sample %d is %d, to SoX %d", i, clip.Samples[i], want[i])
				}
			}
		})
	}
}

func TestRecordingsAreReadBySoX(t *testing.T) {
	t.Parallel()
	left, right := wave(8000, 4001, 440, 9000), wave(8000, 4001, 700, 5000)
	for _, encoding := range []Encoding{Linear, MuLaw, ALaw} {
		for channels := 1; channels <= 2; channels++ {
			for _, finished := range []bool{true, false} {
				t.Run(fmt.Sprint(encoding, channels, finished), func(t *testing.T) {
					t.Parallel()
					d := &disk{}
					f := record(t, d, WAVFormat{Rate: 8000, Channels: channels, Encoding: encoding}, [][]int16{left, right}[:channels]...)
					if finished {
						if err := f.Finish(); err != nil {
							t.Fatal(err)
						}
					}
					file := filepath.Join(t.TempDir(), "recording.wav")
					if err := os.WriteFile(file, d.data, 0o600); err != nil {
						t.Fatal(err)
					}
					for channel := range channels {
						got := samplesOf(sox(t, file, "-t", "raw", "-e", "signed", "-b", "16", "-", "remix", fmt.Sprint(channel+1)))
						want := [][]int16{left, right}[channel]
						if len(got) != len(want) {
							t.Fatalf("%d samples to SoX, want %d", len(got), len(want))
						}
						for i := range want {
							if off := int(got[i]) - int(want[i]); off < -300 || off > 300 || encoding == Linear && off != 0 {
								t.Fatalf("sample %d of channel %d is %d to SoX, want %d", i, channel, got[i], want[i])
							}
						}
					}
				})
			}
		}
	}
}

// SoX rounds where G.191 cuts off two or three bits, so that codes next to each other are taken for samples on the border between them.
func TestCompandingIsThatOfSoX(t *testing.T) {
	t.Parallel()
	all := make([]int16, 65536)
	for i := range all {
		all[i] = int16(i - 32768)
	}
	file := filepath.Join(t.TempDir(), "all.sln")
	linear, _ := NewCodec("L16")
	octets := make([]byte, 2*len(all))
	linear.Encode(octets, all)
	if err := os.WriteFile(file, octets, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, kind := range map[string]string{"PCMU": "ul", "PCMA": "al"} {
		c, _ := NewCodec(name)
		codes := make([]byte, len(all))
		c.Encode(codes, all)
		theirs := sox(t, "-t", "raw", "-r", "8000", "-e", "signed", "-b", "16", "-B", "-c", "1", file, "-t", kind, "-")
		ours, others := make([]int16, len(all)), make([]int16, len(all))
		if _, err := c.Decode(ours, codes); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Decode(others, theirs); err != nil {
			t.Fatal(err)
		}
		differ := 0
		for i, sample := range all {
			if codes[i] == theirs[i] {
				continue
			}
			differ++
			if step := 16 + distance(sample, 0)/16; distance(ours[i], others[i]) > step {
				t.Fatalf("%s of %d is %#x for %d, to SoX %#x for %d", name, sample, codes[i], ours[i], theirs[i], others[i])
			}
		}
		if differ > len(all)/50 {
			t.Errorf("%s: %d codes differ", name, differ)
		}
	}
}

func distance(a, b int16) int { return max(int(a)-int(b), int(b)-int(a)) }

// Two good resamplers differ by what they make of the band between passing and stopping, where this signal has nothing.
func TestConvertedClipIsThatOfSoX(t *testing.T) {
	t.Parallel()
	pairs(t, func(t *testing.T, from, to int) {
		t.Parallel()
		in := make([]int16, from)
		for i := 1; i <= 5; i++ {
			for at, sample := range wave(from, from, 0.085*float64(i)*float64(min(from, to)), 4000) {
				in[at] += sample
			}
		}
		d := &disk{}
		if err := record(t, d, WAVFormat{Rate: from}, in).Finish(); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "in.wav")
		if err := os.WriteFile(file, d.data, 0o600); err != nil {
			t.Fatal(err)
		}
		want := samplesOf(sox(t, file, "-t", "raw", "-e", "signed", "-b", "16", "-", "rate", "-h", fmt.Sprint(to)))
		got := Convert(&Clip{Rate: from, Samples: in}, to).Samples
		if len(got) != len(want) {
			t.Fatalf("%d samples, to SoX %d", len(got), len(want))
		}
		rest := make([]int16, len(got))
		for i := range got {
			rest[i] = got[i] - want[i]
		}
		edge := to / 20
		if noise := decibel(rest[edge:len(rest)-edge], 0) - decibel(want, 0); noise > -50 {
			t.Errorf("differs from SoX by %.1f dB", noise)
		}
	})
}
