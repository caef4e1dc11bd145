// Package audio is sound as values: codecs, files, resampling, tones, and what is found in a signal.
//
// It starts no goroutine, knows no network and no file system (a reader or writer is its caller's), and reads no clock: what depends on time is told
// the time. So whatever plays, records or mixes can be tested by the sample.
//
// # Samples
//
// A sample is an int16, linear, one channel. Rates are in Hz: 8000 and 16000 on the way to and from a peer; 22050, 24000, 32000, 44100 and 48000 at the
// edges, in files and streams. A frame is what is sent and heard each 20 ms: [FrameLen] samples.
//
// # Who owns what
//
// A [Clip] is decoded once, shared by whoever plays it, and never written again. Everything else here that has state ([Codec], [Resampler],
// [WAVWriter] …) belongs to one stream in one direction, and to one goroutine at a time. On the path of a frame nothing allocates.
package audio
