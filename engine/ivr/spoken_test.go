package ivr

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestSpoken(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ language, what, want string }{
		{"en", "0", "0"}, {"en", "7", "7"}, {"en", "20", "20"}, {"en", "21", "20 1"}, {"en", "99", "90 9"}, {"en", "13", "13"},
		{"en", "100", "1 hundred"}, {"en", "101", "1 hundred 1"}, {"en", "1234", "1 thousand 2 hundred 30 4"}, {"en", "20000", "20 thousand"},
		{"en", "1000001", "1 million 1"}, {"en", "999999999999", "9 hundred 90 9 billion 9 hundred 90 9 million 9 hundred 90 9 thousand 9 hundred 90 9"},
		{"en", "-5", "minus 5"}, {"en", "3.05", "3 point 0 5"},
		{"en", "digits:0401", "0 4 0 1"}, {"en", "digits:*9#", "star 9 pound"},
		{"en", "date:2026-11-22", "november day-22 20 20 6"}, {"en", "date:2005-01-01", "january day-1 2 thousand 5"},
		{"en", "date:1900-02-03", "february day-3 19 hundred"}, {"en", "date:1905-12-31", "december day-31 19 oh 5"},
		{"en", "time:14:05", "2 oh 5 pm"}, {"en", "time:00:00", "12 am"}, {"en", "time:12:30", "12 30 pm"},
		{"zh", "0", "0"}, {"zh", "2", "2"}, {"zh", "10", "10"}, {"zh", "12", "10 2"}, {"zh", "20", "2 10"}, {"zh", "22", "2 10 2"},
		{"zh", "100", "1 100"}, {"zh", "101", "1 100 0 1"}, {"zh", "110", "1 100 1 10"}, {"zh", "200", "2 100"}, {"zh", "1001", "1 1000 0 1"},
		{"zh", "1010", "1 1000 0 1 10"}, {"zh", "2222", "liang 1000 2 100 2 10 2"}, {"zh", "10000", "1 10000"}, {"zh", "20000", "liang 10000"},
		{"zh", "10001", "1 10000 0 1"}, {"zh", "120000", "10 2 10000"}, {"zh", "100000000", "1 100000000"},
		{"zh", "100000001", "1 100000000 0 1"}, {"zh", "12345678", "1 1000 2 100 3 10 4 10000 5 1000 6 100 7 10 8"},
		{"zh", "digits:110", "1 1 0"}, {"zh", "date:2026-11-22", "2 0 2 6 year 10 1 month 2 10 2 day"},
		{"zh", "time:14:05", "10 4 oclock 0 5 minute"}, {"zh", "time:02:00", "liang oclock"}, {"zh", "time:20:30", "2 10 oclock 3 10 minute"},
	} {
		files, err := Spoken(c.language, c.what)
		if err != nil {
			t.Errorf("%s %s: %v", c.language, c.what, err)
			continue
		}
		var words []string
		for _, f := range files {
			words = append(words, strings.TrimSuffix(strings.TrimPrefix(f, "prompts/"+c.language+"/"), ".wav"))
		}
		if got := strings.Join(words, " "); got != c.want {
			t.Errorf("%s %s is spoken %q, want %q", c.language, c.what, got, c.want)
		}
	}
	for _, c := range [][2]string{{"en", ""}, {"en", "12a"}, {"en", "1000000000000"}, {"en", "date:2026-13-01"}, {"en", "time:25:00"}, {"en", "words:x"}, {"en", "1."}, {"xx", "1"}} {
		if files, err := Spoken(c[0], c[1]); !errors.Is(err, ErrPrompt) {
			t.Errorf("%v is spoken as %v, %v", c, files, err)
		}
	}
}

// Every word that may be spoken is in the lists of prompts that are shipped.
func TestEveryWordHasAPrompt(t *testing.T) {
	t.Parallel()
	for _, language := range []string{"en", "zh"} {
		text, err := os.ReadFile("../../scripts/examples/prompts/" + language + ".txt")
		if err != nil {
			t.Fatal(err)
		}
		known := map[string]bool{}
		for line := range strings.Lines(string(text)) {
			name, _, _ := strings.Cut(line, "\t")
			known["prompts/"+language+"/"+name+".wav"] = true
		}
		var all []string
		for n := range 130 {
			all = append(all, strconv.Itoa(n))
		}
		all = append(all, "-1.5", "digits:*#", "123456789012", "200200200200")
		for day := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC); day.Year() == 2024; day = day.AddDate(0, 0, 1) {
			all = append(all, "date:"+day.Format(time.DateOnly))
		}
		for minute := range 24 * 60 {
			all = append(all, "time:"+time.Unix(int64(minute)*60, 0).UTC().Format("15:04"))
		}
		all = append(all, "date:1905-01-01", "date:1900-01-01")
		for _, what := range all {
			files, err := Spoken(language, what)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range files {
				if !known[f] {
					t.Fatalf("%s, in which %q is spoken, is no prompt", f, what)
				}
			}
		}
	}
}
