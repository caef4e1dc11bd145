package stream

// format is how an agent is talked to: what its messages look like, and its samples. It is a value without state.
type format interface {
	rate() int  // of the samples, in Hz
	width() int // of a sample, in bytes

	// encode appends samples, and decode reads as many as dst takes, of bytes that are enough for them.
	encode(dst []byte, pcm []int16) []byte
	decode(dst []int16, samples []byte)

	// greetings are the messages that a connection begins with.
	greetings(s *Names) [][]byte
	// write appends a message, which is binary or text.
	write(dst []byte, s *Names, n numbers, m item, samples []byte) (message []byte, binary bool)
	// read tells what an agent's message means.
	read(binary bool, message []byte) (order, bool)
}

// Names are what a stream is called, and what its agent is told of it.
type Names struct {
	Stream, Call, Account string
	Params                map[string]string
}

// numbers count the messages of a connection, from 1.
type numbers struct{ sequence, chunk uint64 }

// item is something that an agent is to be told.
type item struct {
	kind  itemKind
	text  string // the digit, the name of the mark
	size  int    // of the samples
	frame uint64 // which of the stream it is, from 0
}

type itemKind uint8

const (
	itemMedia itemKind = iota
	itemMark
	itemDigit
	itemStop
)

// order is what an agent wants.
type order struct {
	kind    orderKind
	samples []byte
	text    string // the name of a mark; a message for the script
}

type orderKind uint8

const (
	orderMedia orderKind = iota
	orderMark
	orderClear
	orderStop
	orderOther // it is the script's to understand
)
