package description

// line is one line of a description, without its end: a range of the text.
type line struct {
	start, end int
	kind       byte // the letter before =
}
