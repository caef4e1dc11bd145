package description

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// browser offers what additions refer to.
const browser = `v=0
o=- 1 1 IN IP4 10.0.0.9
s=-
c=IN IP4 10.0.0.9
t=0 0
m=audio 5000 RTP/AVP 111 63 9 0 8 13 110 126
a=rtpmap:111 opus/48000/2
a=rtcp-fb:111 transport-cc
a=fmtp:111 minptime=10;useinbandfec=1
a=rtpmap:63 red/48000/2
a=fmtp:63 111/111
a=rtpmap:110 telephone-event/48000
a=rtpmap:126 telephone-event/8000
m=video 5002 RTP/AVP 96 97 98 99
a=rtpmap:96 VP8/90000
a=rtcp-fb:96 nack pli
a=rtpmap:97 rtx/90000
a=fmtp:97 apt=96
a=rtpmap:98 H264/90000
a=fmtp:98 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f
a=rtpmap:99 rtx/90000
a=fmtp:99 apt=98`

func TestCodecsAreChosenAndOrdered(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		audio, video string // options, parted by spaces
		want         string // the formats of the m-lines
	}{
		{"", "", "111 63 9 0 8 13 110 126 / 96 97 98 99"},
		{"PCMA PCMU", "", "8 0 13 110 126 / 96 97 98 99"},
		{"pcma *", "", "8 111 9 0 63 13 110 126 / 96 97 98 99"},
		{"-opus", "", "9 0 8 13 110 126 / 96 97 98 99"},
		{"-opus -telephone-event -CN", "", "9 0 8 / 96 97 98 99"},
		{"opus/48000/2", "", "111 63 13 110 126 / 96 97 98 99"},
		{"opus/48000", "H264", "111 63 13 110 126 / 98 99"},
		{"opus/48000/1 G722", "-VP8", "9 13 110 126 / 98 99"},
		{"* -PCMA", "VP8 H264", "111 9 0 63 13 110 126 / 96 98 97 99"},
		{"PCMA", "AV1", "8 13 110 126 / refused"},
		{"speex", "", "refused / 96 97 98 99"},
	} {
		t.Run(fmt.Sprint(row.audio, "|", row.video), func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.bob.Options = Options{Audio: strings.Fields(row.audio), Video: strings.Fields(row.video)}
			got := r.offer(browser)
			if formats := formatsOf(got); formats != row.want {
				t.Errorf("formats %s, want %s in\n%s", formats, row.want, got)
			}
			for _, l := range strings.Split(only(got, "a=rtpmap:", "a=fmtp:", "a=rtcp-fb:"), "\n") {
				number, _, _ := strings.Cut(l[strings.Index(l, ":")+1:], " ")
				if !strings.Contains(" "+strings.ReplaceAll(row.want, "/", "")+" ", " "+number+" ") {
					t.Errorf("%s of a format that is left out", l)
				}
			}
		})
	}
}

func formatsOf(description string) string {
	var all []string
	for m := range strings.SplitSeq(only(description, "m="), "\n") {
		f := strings.Fields(m)
		if f[1] == "0" {
			all = append(all, "refused")
			continue
		}
		all = append(all, strings.Join(f[3:], " "))
	}
	return strings.Join(all, " / ")
}

func TestNoCodecThatMayBeUsed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.bob.Options.Audio = []string{"speex"}
	_, err := r.pass(r.alice, r.bob, Offer, lines(phone))
	var refused *Error
	if !errors.Is(err, ErrNoCodec) || !errors.As(err, &refused) || refused.Status != 488 || refused.Warning != 305 {
		t.Errorf("to bob: %v", err)
	}
	if r.bob.Sent() != nil || len(r.bob.Lines) != 0 {
		t.Error("what was refused has left something")
	}
	r.alice.Options.Audio = []string{"speex"}
	if _, err := r.pass(r.alice, r.bob, Offer, lines(phone)); !errors.Is(err, ErrNoCodec) {
		t.Errorf("from alice: %v", err)
	}
}

func TestCodecsOfTheOffererHoldForTheAnswererToo(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.alice.Options.Audio = []string{"PCMU"}
	if got := formatsOf(r.offer(phone)); got != "0 101" {
		t.Errorf("offered %s", got)
	}
	if got := formatsOf(r.answer(phone)); got != "0 101" {
		t.Errorf("answered %s", got)
	}
}

const (
	dtmf101 = "v=0\no=- 1 1 IN IP4 10.0.0.9\ns=-\nc=IN IP4 10.0.0.9\nt=0 0\nm=audio 5000 RTP/AVP 0 101\na=rtpmap:101 telephone-event/8000\na=fmtp:101 0-15"
	dtmf96  = "v=0\no=- 1 1 IN IP4 10.0.0.9\ns=-\nc=IN IP4 10.0.0.9\nt=0 0\nm=audio 5000 RTP/AVP 0 96\na=rtpmap:96 telephone-event/8000\na=fmtp:96 0-15"
	ilbc101 = "v=0\no=- 1 1 IN IP4 10.0.0.9\ns=-\nc=IN IP4 10.0.0.9\nt=0 0\nm=audio 5000 RTP/AVP 101 0\na=rtpmap:101 iLBC/8000\na=fmtp:101 mode=20"
)

// renames lists what a map changes.
func renames(p *Payloads) string {
	var all []string
	for n := 0; p != nil && n < len(p); n++ {
		if int(p[n]) == Drop {
			all = append(all, fmt.Sprintf("%d>-", n))
		} else if int(p[n]) != n {
			all = append(all, fmt.Sprintf("%d>%d", n, p[n]))
		}
	}
	return strings.Join(all, " ")
}

func (r *rig) renames(from, to *Side) string {
	return renames(Renumber(from.Lines[0].Local.Formats, to.Lines[0].Remote.Formats))
}

func TestDTMFHasTheNumberThatEachPeerKnows(t *testing.T) {
	t.Parallel()
	t.Run("as the answerer numbers", func(t *testing.T) {
		t.Parallel()
		r := newRig(t)
		r.offer(dtmf101)
		if got := r.answer(dtmf96); formatsOf(got) != "0 101" || !strings.Contains(got, "a=fmtp:101 0-15") {
			t.Errorf("alice is answered\n%s", got)
		}
		if to, back := r.renames(r.alice, r.bob), r.renames(r.bob, r.alice); to != "101>96" || back != "" {
			t.Errorf("to bob %q, to alice %q", to, back)
		}
	})
	t.Run("as configured", func(t *testing.T) {
		t.Parallel()
		r := newRig(t)
		r.bob.Options.Events = 96
		got := r.offer(dtmf101)
		if want := "a=rtpmap:96 telephone-event/8000\na=fmtp:96 0-15"; formatsOf(got) != "0 96" || only(got, "a=rtpmap", "a=fmtp") != want {
			t.Errorf("bob is offered\n%s", got)
		}
		if got := r.answer(dtmf96); formatsOf(got) != "0 101" {
			t.Errorf("alice is answered\n%s", got)
		}
		if to, back := r.renames(r.alice, r.bob), r.renames(r.bob, r.alice); to != "101>96" || back != "96>101" {
			t.Errorf("to bob %q, to alice %q", to, back)
		}
		// An offer of bob's gets alice's numbers.
		if got := formatsOf(r.reoffer(dtmf96)); got != "0 101" {
			t.Errorf("alice is offered %s", got)
		}
		if got := formatsOf(r.reanswer(dtmf101)); got != "0 96" {
			t.Errorf("bob is answered %s", got)
		}
	})
}

func TestANumberNeverComesToMeanAnotherFormat(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.offer(dtmf101)
	r.answer(dtmf101)
	// Bob, or whoever is connected to alice in his place, now numbers otherwise: 101 is telephone-event to alice for ever (RFC 3264 §8.3.2).
	got := r.reoffer(ilbc101)
	if formatsOf(got) != "96 0" || only(got, "a=rtpmap", "a=fmtp") != "a=rtpmap:96 iLBC/8000\na=fmtp:96 mode=20" {
		t.Errorf("alice is offered\n%s", got)
	}
	got = r.reanswer(strings.NewReplacer("101 0", "96", ":101", ":96").Replace(ilbc101))
	if formatsOf(got) != "101" || only(got, "a=rtpmap", "a=fmtp") != "a=rtpmap:101 iLBC/8000\na=fmtp:101 mode=20" {
		t.Errorf("bob is answered\n%s", got)
	}
	if to, back := r.renames(r.bob, r.alice), r.renames(r.alice, r.bob); to != "101>96" || back != "96>101" {
		t.Errorf("to alice %q, to bob %q", to, back)
	}
}

func TestWhatNamesNumbersIsRenumberedWithThem(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	taken := strings.NewReplacer("VP8", "VP9", "opus", "speex").Replace(browser)
	r.offer(taken)
	r.answer(taken)
	got := r.must(r.alice, r.bob, Offer, lines(browser))
	if formatsOf(got) != "96 63 9 0 8 13 110 126 / 100 101 98 99" {
		t.Errorf("formats %s", formatsOf(got))
	}
	for _, want := range []string{
		"a=rtcp-fb:96 transport-cc", "a=fmtp:63 96/96", "a=rtpmap:100 VP8/90000", "a=rtcp-fb:100 nack pli", "a=rtpmap:101 rtx/90000", "a=fmtp:101 apt=100", "a=fmtp:99 apt=98",
	} {
		if !strings.Contains(got+"\n", want+"\n") {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
	video := Renumber(r.bob.Lines[1].Local.Formats, r.alice.Lines[1].Remote.Formats)
	if s := renames(video); s != "100>96 101>97" {
		t.Errorf("from bob to alice %s", s)
	}
}

func TestRenumber(t *testing.T) {
	t.Parallel()
	format := func(n uint8, name, parameters string) Format {
		return Format{Token: fmt.Sprint(n), Payload: n, Name: name, Clock: 90000, Channels: 1, Parameters: parameters}
	}
	for _, row := range []struct {
		name             string
		sender, receiver []Format
		want             string
	}{
		{"nothing changes", []Format{format(96, "A", "")}, []Format{format(96, "A", "")}, ""},
		{"exchanged numbers", []Format{format(96, "A", ""), format(97, "B", "")}, []Format{format(96, "B", ""), format(97, "A", "")}, "96>97 97>96"},
		{"not wanted, and its number taken", []Format{format(96, "A", ""), format(97, "B", "")}, []Format{format(96, "B", "")}, "96>- 97>96"},
		{"not wanted, and its number free", []Format{format(96, "A", "")}, []Format{format(97, "B", "")}, ""},
		{"told apart by parameters", []Format{format(96, "H264", "packetization-mode=1"), format(97, "H264", "packetization-mode=0")},
			[]Format{format(98, "H264", "packetization-mode=0"), format(99, "H264", "packetization-mode=1")}, "96>99 97>98"},
		{"level may differ", []Format{format(96, "H264", "profile-level-id=42e01f"), format(97, "H264", "profile-level-id=640c1f")},
			[]Format{format(97, "H264", "profile-level-id=640c34"), format(98, "H264", "profile-level-id=42e034")}, "96>98"},
		{"no payload types", []Format{{Token: "t38", Payload: NoPayload}}, []Format{{Token: "t38", Payload: NoPayload}}, ""},
	} {
		if got := renames(Renumber(row.sender, row.receiver)); got != row.want {
			t.Errorf("%s: %q, want %q", row.name, got, row.want)
		}
	}
}
