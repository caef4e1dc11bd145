package rt

import (
	"fmt"
	"strconv"
	"time"
)

// strftime formats a time as C does in the C locale. A directive that C does not know stays as it is.
func strftime(format string, t time.Time) string {
	var out []byte
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			out = append(out, format[i])
			continue
		}
		i++
		out = appendTime(out, format[i], t)
	}
	return string(out)
}

func appendTime(out []byte, verb byte, t time.Time) []byte {
	layout := ""
	switch verb {
	case 'a':
		layout = "Mon"
	case 'A':
		layout = "Monday"
	case 'b', 'h':
		layout = "Jan"
	case 'B':
		layout = "January"
	case 'c':
		layout = "Mon Jan _2 15:04:05 2006"
	case 'd':
		layout = "02"
	case 'D', 'x':
		layout = "01/02/06"
	case 'e':
		layout = "_2"
	case 'F':
		layout = "2006-01-02"
	case 'H':
		layout = "15"
	case 'I':
		layout = "03"
	case 'm':
		layout = "01"
	case 'M':
		layout = "04"
	case 'p':
		layout = "PM"
	case 'r':
		layout = "03:04:05 PM"
	case 'R':
		layout = "15:04"
	case 'S':
		layout = "05"
	case 'T', 'X':
		layout = "15:04:05"
	case 'y':
		layout = "06"
	case 'Y':
		layout = "2006"
	case 'z':
		layout = "-0700"
	case 'Z':
		layout = "MST"
	}
	if layout != "" {
		return t.AppendFormat(out, layout)
	}

	year, week := t.ISOWeek()
	weekday := int(t.Weekday())
	switch verb {
	case 'C':
		return fmt.Appendf(out, "%02d", t.Year()/100)
	case 'G':
		return strconv.AppendInt(out, int64(year), 10)
	case 'g':
		return fmt.Appendf(out, "%02d", year%100)
	case 'j':
		return fmt.Appendf(out, "%03d", t.YearDay())
	case 'n':
		return append(out, '\n')
	case 's':
		return strconv.AppendInt(out, t.Unix(), 10)
	case 't':
		return append(out, '\t')
	case 'u':
		return strconv.AppendInt(out, int64((weekday+6)%7+1), 10)
	case 'U':
		return fmt.Appendf(out, "%02d", (t.YearDay()+6-weekday)/7)
	case 'V':
		return fmt.Appendf(out, "%02d", week)
	case 'w':
		return strconv.AppendInt(out, int64(weekday), 10)
	case 'W':
		return fmt.Appendf(out, "%02d", (t.YearDay()+6-(weekday+6)%7)/7)
	case '%':
		return append(out, '%')
	}
	return append(out, '%', verb)
}
