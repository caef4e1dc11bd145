package call

import (
	"strings"
	"testing"
)

func TestB109TheVoiceIsWhatIsOnHold(t *testing.T) {
	t.Parallel()
	const (
		head  = "v=0\no=- 1 1 IN IP4 192.0.2.10\ns=-\nc=IN IP4 192.0.2.10\nt=0 0\n"
		audio = "m=audio 4000 RTP/AVP 8\n"
		video = "m=video 4002 RTP/AVP 96\na=rtpmap:96 H264/90000\n"
		both  = head + audio + video
	)
	rows := []struct {
		name, offer, answer string
		held                bool
	}{
		{"audio that is sent and received", head + audio, head + audio, false},
		{"audio that is sent", head + audio + "a=sendonly\n", head + audio, true},
		{"audio that is neither", head + audio + "a=inactive\n", head + audio, true},
		{"audio that is received", head + audio + "a=recvonly\n", head + audio, false},
		{"a direction of the whole session", head + "a=sendonly\n" + audio, head + audio, true},
		{"a session held that has its audio back", head + "a=sendonly\n" + audio + "a=sendrecv\n", head + audio, false},
		{"the old way", head + audio + "c=IN IP4 0.0.0.0\n", head + audio, true},
		{"the old way, of the whole session", strings.Replace(head, "c=IN IP4 192.0.2.10", "c=IN IP4 0.0.0.0", 1) + audio, head + audio, true},
		{"an old session whose audio has an address", strings.Replace(head, "c=IN IP4 192.0.2.10", "c=IN IP4 0.0.0.0", 1) + audio + "c=IN IP4 192.0.2.10\n", head + audio, false},
		{"video that is sent", both + "a=sendonly\n", both, false},
		{"audio that is sent, and video both ways", head + audio + "a=sendonly\n" + video, both, true},
		{"audio behind video", head + video + "a=sendonly\n" + audio, head + video + audio, false},
		{"audio that is given up", head + strings.Replace(audio, "4000", "0", 1) + "a=inactive\n" + video, both, false},
		{"audio that is refused", head + audio + "a=sendonly\n" + video, strings.Replace(both, "audio 4000", "audio 0", 1), false},
		{"audio refused in favour of another", head + audio + "a=sendonly\n" + audio, head + strings.Replace(audio, "4000", "0", 1) + audio, false},
		{"video without audio", head + video + "a=sendonly\n", head + video, true},
		{"video when its audio is refused", head + audio + video + "a=inactive\n", strings.Replace(both, "audio 4000", "audio 0", 1), true},
		{"nothing that is accepted", head + audio + "a=inactive\n", head + strings.Replace(audio, "4000", "0", 1), false},
		{"an m-line that the answer leaves out", head + audio + "a=inactive\n", head, false},
		{"no description", "hello", head + audio, false},
		{"no description in the answer", head + audio + "a=sendonly\n", "hello", false},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			if held := holds([]byte(row.offer), []byte(row.answer)); held != row.held {
				t.Errorf("held: %t", held)
			}
		})
	}
}
