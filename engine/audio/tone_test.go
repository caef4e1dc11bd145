package audio

// playAll reads a source to its end, frame by frame.
func playAll(s interface {
	Read(frame []int16, rate int) int
}, rate int) []int16 {
	var all []int16
	frame := make([]int16, FrameLen(rate))
	for len(all) < 60*rate {
		n := s.Read(frame, rate)
		all = append(all, frame[:n]...)
		if n < len(frame) {
			break
		}
	}
	return all
}
