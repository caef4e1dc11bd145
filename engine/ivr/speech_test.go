package ivr

import (
	"context"
	"os/exec"
	"strings"
	"testing"
	"time"
)

func TestCommandSpeaks(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("tee"); err != nil {
		t.Skip("this system has no tee")
	}
	for _, c := range []struct{ line, want string }{
		{"cat", "-v hello"},
		{"tee {file}", "-v hello"},
		{"echo {voice}/{language}", "alto/zh\n"},
	} {
		got, err := Command(c.line)(t.Context(), Words{Text: "-v hello", Voice: "alto", Language: "zh"})
		if err != nil || string(got) != c.want {
			t.Errorf("%s brings %q, %v; want %q", c.line, got, err, c.want)
		}
	}
}

func TestCommandThatFailsSaysWhy(t *testing.T) {
	t.Parallel()
	_, err := Command("cat /no/such/file")(t.Context(), Words{})
	if err == nil || !strings.Contains(err.Error(), "/no/such/file") {
		t.Errorf("error %v", err)
	}
	if _, err := Command("/no/such/program")(t.Context(), Words{}); err == nil {
		t.Errorf("error %v", err)
	}
}

func TestCommandThatHangsIsEnded(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := Command("sleep 600")(ctx, Words{}); err == nil {
		t.Error("it has ended by itself")
	}
}
