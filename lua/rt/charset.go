package rt

// charSet is a set of bytes.
type charSet [4]uint64

func (s *charSet) has(c byte) bool { return s[c>>6]&(1<<(c&63)) != 0 }
func (s *charSet) add(c byte)      { s[c>>6] |= 1 << (c & 63) }

func (s *charSet) addAll(o *charSet) {
	for i := range s {
		s[i] |= o[i]
	}
}

func (s *charSet) invert() {
	for i := range s {
		s[i] = ^s[i]
	}
}

// class returns the set that %c stands for, in the C locale; what is no class stands for itself.
func class(c byte) *charSet {
	set := &charSet{}
	var in func(c byte) bool
	switch c | 0x20 {
	case 'a':
		in = isAlpha
	case 'c':
		in = func(c byte) bool { return c < ' ' || c == 0x7f }
	case 'd':
		in = isDigit
	case 'l':
		in = func(c byte) bool { return c >= 'a' && c <= 'z' }
	case 'p':
		in = func(c byte) bool { return c > ' ' && c < 0x7f && !isAlpha(c) && !isDigit(c) }
	case 's':
		in = func(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }
	case 'u':
		in = func(c byte) bool { return c >= 'A' && c <= 'Z' }
	case 'w':
		in = func(c byte) bool { return isAlpha(c) || isDigit(c) }
	case 'x':
		in = func(c byte) bool { return isDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'f' }
	case 'z':
		in = func(c byte) bool { return c == 0 }
	}
	if in == nil || !isAlpha(c) {
		set.add(c)
		return set
	}
	for i := range 256 {
		if in(byte(i)) {
			set.add(byte(i))
		}
	}
	if c < 'a' {
		set.invert()
	}
	return set
}

func isAlpha(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }
func isDigit(c byte) bool { return c >= '0' && c <= '9' }
