package media

import "time"

// Voice is this server's own end of a terminal: what it says to the terminal's peer, and what it hears of it. Any goroutine may call its methods, and
// none of them blocks. What they are given is called by the thread that paces the terminal, one call at a time: it must not block nor allocate, may
// call the methods of any Voice, and posts to where it belongs what it has found.
//
// Sound is linear samples of one channel at the rate of the codec agreed, in frames of 20 ms.
//
// A terminal that is connected to another hears that one, and what plays is mixed into it; Listen and Tap listen along. One that is not hears this
// server alone.
type Voice interface {
	// Codec is what is sent to the peer now: its encoding name and the rate of its samples in Hz; "" and 0 while nothing is agreed that this server
	// can encode.
	Codec() (name string, rate int)

	// Play plays s from its beginning, in the place of what plays: that one's done is called first. s is read only while the peer wants to hear. done
	// may be nil; it is called once, when the last frame of s has left, s was replaced, interrupted, or the terminal was closed, and is told how much
	// of s was sent. A nil s ends what plays within one packet.
	Play(s Source, done func(played time.Duration))

	// Interrupt ends what plays within one packet.
	Interrupt()

	// Background is heard whenever nothing else is, neither what plays nor the terminal that is connected: music, comfort noise. nil: nothing is sent then.
	Background(s Source)

	// Listen gives k what the peer says, until stop is called; a call of k may be under way then. Several may listen. Nothing is decoded while nobody does.
	Listen(k Sink) (stop func())

	// Tap gives k what the peer says and what it hears, both at the same time, until stop is called; a call of k may be under way then.
	Tap(k StereoSink) (stop func())

	// Digits calls f for each digit that the peer presses: as telephone-events (RFC 4733), or, where none was negotiated, as tones in its voice. It
	// replaces the f before; nil: nobody. Event is told of telephone-events as well, whether f is set or not.
	Digits(f func(d Digit))

	// SendDigits presses digits for the peer: '0' to '9', '*', '#', 'A' to 'D', '!' for a flash, 'w' for a pause of 0.5 s; others are passed over. Each is
	// pressed for each, with gap behind it; 0: 160 ms and 80 ms. They go as telephone-events, or, where none was negotiated, as tones. What plays waits meanwhile.
	// Digits given while others are sent go behind them. done may be nil; it is called once, behind the last one or when the terminal was closed.
	SendDigits(digits string, each, gap time.Duration, done func())
}

// Source is something to be heard. Read fills frame, 20 ms at rate Hz, and returns how many of its samples are of the source; fewer than all of them mean
// that it is over. Its calls come one at a time, need not come at even distances, and never after the end.
type Source interface {
	Read(frame []int16, rate int) int
}

// Sink takes what a peer says: a frame for each 20 ms, at rate Hz, silence when nothing comes. frame is the caller's again when Write returns.
type Sink interface {
	Write(frame []int16, rate int)
}

// StereoSink takes a conversation: what the peer has said and what it has heard in the same 20 ms, both at rate Hz and of the same length. The frames are
// the caller's again when Write returns.
type StereoSink interface {
	Write(said, heard []int16, rate int)
}

// Digit is a key that the peer presses. Each press is told twice: when it begins, and when it has ended, even if some or most of its packets are lost.
type Digit struct {
	Key      byte          // '0' to '9', '*', '#', 'A' to 'D', '!' for a flash
	Pressed  bool          // it begins now, and will be told again
	Duration time.Duration // of the whole press, when it has ended
}
