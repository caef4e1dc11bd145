package engine

// merged are the requests that this server is the user agent server of, by Call-ID, From tag and CSeq: the same request, come by another way, is
// refused for as long as the transaction of the first stands (RFC 3261 §8.2.2.2).
type merged struct {
	known map[uint64]struct{}
	alone []lasting // whose transactions stand with nobody to be told of their end, the first to end in front
}

type lasting struct {
	key uint64
	end int64 // Unix time in nanoseconds
}

// add is false for a request that is known.
func (s *merged) add(key uint64, now int64) bool {
	for len(s.alone) > 0 && s.alone[0].end <= now {
		s.remove(s.alone[0].key)
		s.alone = s.alone[1:]
	}
	if _, known := s.known[key]; known {
		return false
	}
	s.known[key] = struct{}{}
	return true
}

func (s *merged) remove(key uint64) { delete(s.known, key) }

// removeAt removes a request when end has come. The ends come in their order.
func (s *merged) removeAt(key uint64, end int64) { s.alone = append(s.alone, lasting{key, end}) }
