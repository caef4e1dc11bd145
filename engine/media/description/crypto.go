package description

import "slices"

// defaultSuites are offered if none are named: the stronger first.
var defaultSuites = [...]Suite{AES256GCM, AES128GCM, AES128SHA80, AES128SHA32}

func (o *Options) suites() []Suite {
	if len(o.Suites) > 0 {
		return o.Suites
	}
	return defaultSuites[:]
}

// choose returns the a=crypto of an offer that will be answered: the first that may be, since the offerer's order is one of preference
// (RFC 4568 §5.1.2). It is nil if media will not be encrypted; not ok if it then cannot be at all.
//
//	offered       off      follow    required
//	AVP           plain    plain     refused
//	AVP, crypto   plain    chosen    chosen     (RFC 8643: encrypted if both can)
//	SAVP, crypto  refused  chosen    chosen
//	SAVP          refused  refused   refused
//
// What is encrypted already stays so: where plain stands in the table it is refused.
func (l *Line) choose(m *Media, o *Options) (chosen *SDES, ok bool) {
	if !m.RTP() {
		return nil, o.SRTP != SRTPRequired
	}
	if o.SRTP != SRTPOff || l.Encrypt != nil {
		for i := range m.Crypto {
			if slices.Contains(o.suites(), m.Crypto[i].Suite) {
				return &m.Crypto[i], true
			}
		}
	}
	return nil, !m.Encrypted() && o.SRTP != SRTPRequired && l.Encrypt == nil
}

// accepted says how an answer settles the encryption of what was offered. The answer has exactly one of the offered a=crypto, by its tag and suite
// (RFC 4568 §5.1.3), or none, if plain media was offered as well. Anything else is refused: somebody between may have taken it out.
func (l *Line) accepted(m *Media) (encrypt, decrypt *SDES, err *Error) {
	if len(l.offered) == 0 || !m.Encrypted() && !l.Local.Encrypted() && len(m.Crypto) == 0 && l.Encrypt == nil {
		return nil, nil, nil
	}
	if len(m.Crypto) != 1 {
		return nil, nil, refuse(ErrCrypto, "answer with %d usable keys", len(m.Crypto))
	}
	answer := &m.Crypto[0]
	for i := range l.offered {
		if l.offered[i].Tag == answer.Tag && l.offered[i].Suite == answer.Suite {
			return keep(l.Encrypt, &l.offered[i]), keep(l.Decrypt, answer), nil
		}
	}
	return nil, nil, refuse(ErrCrypto, "answer with suite %v for tag %d, which was not offered", answer.Suite, answer.Tag)
}

// keep returns the key that stands if it is the same as the new one, whatever its tag: whoever holds it sees that nothing has changed.
func keep(old, now *SDES) *SDES {
	if old != nil && old.equal(now) {
		return old
	}
	return now
}

// offer returns the a=crypto lines of an offer. Keys that this side has are used on: a stream that goes on needs no new one.
func (l *Line) offer(s *Side) ([]SDES, error) {
	if len(l.offered) > 0 && slices.EqualFunc(l.offered, s.Options.suites(), func(c SDES, suite Suite) bool { return c.Suite == suite }) {
		return l.offered, nil
	}
	offered := make([]SDES, 0, len(s.Options.suites()))
	for i, suite := range s.Options.suites() {
		key, err := l.key(s, suite)
		if err != nil {
			return nil, err
		}
		offered = append(offered, SDES{Tag: i + 1, Suite: suite, Key: key})
	}
	return offered, nil
}

// answer returns the a=crypto line that accepts the one that was chosen.
func (l *Line) answer(s *Side, chosen *SDES) (SDES, error) {
	key, err := l.key(s, chosen.Suite)
	return SDES{Tag: chosen.Tag, Suite: chosen.Suite, Key: key}, err
}

// key returns the key of this side for a suite: the one in use, or a new one.
func (l *Line) key(s *Side, suite Suite) (Key, error) {
	if l.Encrypt != nil && l.Encrypt.Suite == suite {
		return l.Encrypt.Key, nil
	}
	for i := range l.offered {
		if l.offered[i].Suite == suite {
			return l.offered[i].Key, nil
		}
	}
	key := make(Key, suite.KeyLen()+suite.SaltLen())
	return key, s.random(key)
}
