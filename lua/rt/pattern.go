package rt

import (
	"errors"
	"strings"
)

// maxCaptures is Lua's limit.
const maxCaptures = 32

// maxItems bounds the items of a pattern, and with them how deep matching recurses.
const maxItems = 1000

// pattern is a compiled Lua pattern. It is immutable.
type pattern struct {
	items    []item
	anchored bool // it starts with ^
	captures int
	first    byte // what every match starts with
	literal  bool // first is known
}

type itemKind uint8

const (
	single   itemKind = iota // one character: c, or one of set
	open                     // (
	position                 // ()
	closing                  // )
	backref                  // %1
	balance                  // %bxy
	frontier                 // %f[set]
	atEnd                    // $ at the end
)

// item is a piece of a pattern.
type item struct {
	kind   itemKind
	repeat byte     // of single: 0, '*', '+', '-' or '?'
	c, c2  byte     // of single without set: the character; of balance: both
	set    *charSet // of single and frontier
	n      int      // of closing and backref: the capture
}

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

var (
	errPercent    = errors.New("malformed pattern (ends with '%')")
	errBracket    = errors.New("malformed pattern (missing ']')")
	errBalance    = errors.New("malformed pattern (missing arguments to '%b')")
	errFrontier   = errors.New("missing '[' after '%f' in pattern")
	errUnfinished = errors.New("unfinished capture")
	errUnopened   = errors.New("invalid pattern capture")
	errBackref    = errors.New("invalid capture index")
	errCaptures   = errors.New("too many captures")
	errItems      = errors.New("pattern too complex")
)

// compilePattern compiles a Lua pattern. anchors says whether a leading ^ is an anchor, which it is not in gmatch.
func compilePattern(text string, anchors bool) (*pattern, error) {
	p := &pattern{}
	if anchors && text != "" && text[0] == '^' {
		p.anchored = true
		text = text[1:]
	}
	var opened []int  // captures not closed yet
	var closed uint64 // captures closed
	for i := 0; i < len(text); {
		if len(p.items) >= maxItems {
			return nil, errItems
		}
		it := item{}
		switch c := text[i]; c {
		case '(':
			if p.captures == maxCaptures {
				return nil, errCaptures
			}
			it.kind, it.n = open, p.captures
			p.captures++
			if i++; i < len(text) && text[i] == ')' {
				it.kind = position
				closed |= 1 << it.n
				i++
			} else {
				opened = append(opened, it.n)
			}
			p.items = append(p.items, it)
			continue
		case ')':
			if len(opened) == 0 {
				return nil, errUnopened
			}
			it.kind, it.n = closing, opened[len(opened)-1]
			opened = opened[:len(opened)-1]
			closed |= 1 << it.n
			p.items = append(p.items, it)
			i++
			continue
		case '$':
			if i == len(text)-1 {
				p.items = append(p.items, item{kind: atEnd})
				i++
				continue
			}
			it.c = c
			i++
		case '%':
			if i+1 == len(text) {
				return nil, errPercent
			}
			switch c := text[i+1]; {
			case c == 'b':
				if i+3 >= len(text) {
					return nil, errBalance
				}
				p.items = append(p.items, item{kind: balance, c: text[i+2], c2: text[i+3]})
				i += 4
				continue
			case c == 'f':
				if i += 2; i >= len(text) || text[i] != '[' {
					return nil, errFrontier
				}
				set, n, err := compileSet(text[i:])
				if err != nil {
					return nil, err
				}
				p.items = append(p.items, item{kind: frontier, set: set})
				i += n
				continue
			case isDigit(c):
				n := int(c - '1')
				if n < 0 || n >= p.captures || closed&(1<<n) == 0 {
					return nil, errBackref
				}
				p.items = append(p.items, item{kind: backref, n: n})
				i += 2
				continue
			case isAlpha(c):
				it.set = class(c)
			default:
				it.c = c
			}
			i += 2
		case '[':
			set, n, err := compileSet(text[i:])
			if err != nil {
				return nil, err
			}
			it.set = set
			i += n
		case '.':
			it.set = &charSet{}
			it.set.invert()
			i++
		default:
			it.c = c
			i++
		}
		if i < len(text) && strings.IndexByte("*+-?", text[i]) >= 0 {
			it.repeat = text[i]
			i++
		}
		p.items = append(p.items, it)
	}
	if len(opened) > 0 {
		return nil, errUnfinished
	}
	p.findLiteral()
	return p, nil
}

// findLiteral notes the character that every match starts with, so that searching can jump to it.
func (p *pattern) findLiteral() {
	for _, it := range p.items {
		switch it.kind {
		case open, position:
			continue
		case single:
			if it.set == nil && (it.repeat == 0 || it.repeat == '+') {
				p.first, p.literal = it.c, true
			}
		}
		return
	}
}

// compileSet compiles a set from its [ on and returns how long its text is.
func compileSet(text string) (*charSet, int, error) {
	set := &charSet{}
	i := 1
	inverted := i < len(text) && text[i] == '^'
	if inverted {
		i++
	}
	for first := true; ; first = false {
		switch {
		case i >= len(text):
			return nil, 0, errBracket
		case text[i] == ']' && !first:
			if inverted {
				set.invert()
			}
			return set, i + 1, nil
		case text[i] == '%':
			if i+1 >= len(text) {
				return nil, 0, errBracket
			}
			set.addAll(class(text[i+1]))
			i += 2
		case i+2 < len(text) && text[i+1] == '-' && text[i+2] != ']':
			for c := int(text[i]); c <= int(text[i+2]); c++ {
				set.add(byte(c))
			}
			i += 3
		default:
			set.add(text[i])
			i++
		}
	}
}

// patternCache keeps compiled patterns. Most scripts have a handful; one that makes them from input must not grow it
// without bound, so it starts again when it is full.
type patternCache struct {
	anchored, plain map[string]*pattern
}

const maxPatterns = 512

func (c *patternCache) get(text string, anchors bool) (*pattern, error) {
	cache := &c.plain
	if anchors {
		cache = &c.anchored
	}
	if p, ok := (*cache)[text]; ok {
		return p, nil
	}
	p, err := compilePattern(text, anchors)
	if err != nil {
		return nil, err
	}
	if *cache == nil || len(*cache) >= maxPatterns {
		*cache = map[string]*pattern{}
	}
	(*cache)[strings.Clone(text)] = p
	return p, nil
}
