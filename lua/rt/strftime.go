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

// timeLayouts are the directives that Go has, too.
var timeLayouts = map[byte]string{
	'a': "Mon", 'A': "Monday", 'b': "Jan", 'h': "Jan", 'B': "January", 'c': "Mon Jan _2 15:04:05 2006", 'd': "02",
	'D': "01/02/06", 'x': "01/02/06", 'e': "_2", 'F': "2006-01-02", 'H': "15", 'I': "03", 'm': "01", 'M': "04", 'p': "PM",
	'r': "03:04:05 PM", 'R': "15:04", 'S': "05", 'T': "15:04:05", 'X': "15:04:05", 'y': "06", 'Y': "2006", 'z': "-0700",
	'Z': "MST",
}

func appendTime(out []byte, verb byte, t time.Time) []byte {
	if layout, ok := timeLayouts[verb]; ok {
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
