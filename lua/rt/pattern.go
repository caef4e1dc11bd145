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

// patternParser compiles the text of a pattern.
type patternParser struct {
	*pattern
	text   string // what is left
	opened []int  // captures not closed yet
	closed uint64 // captures closed
}

// compilePattern compiles a Lua pattern. anchors says whether a leading ^ is an anchor, which it is not in gmatch.
func compilePattern(text string, anchors bool) (*pattern, error) {
	p := &patternParser{pattern: &pattern{}, text: text}
	if anchors {
		p.text, p.anchored = strings.CutPrefix(text, "^")
	}
	for p.text != "" {
		if len(p.items) >= maxItems {
			return nil, errItems
		}
		it, err := p.item()
		if err != nil {
			return nil, err
		}
		if it.kind == single && p.text != "" && strings.IndexByte("*+-?", p.text[0]) >= 0 {
			it.repeat = p.text[0]
			p.text = p.text[1:]
		}
		p.items = append(p.items, it)
	}
	if len(p.opened) > 0 {
		return nil, errUnfinished
	}
	p.findLiteral()
	return p.pattern, nil
}

// item takes the next item from the text, without what repeats it.
func (p *patternParser) item() (item, error) {
	c := p.text[0]
	p.text = p.text[1:]
	switch c {
	case '(':
		return p.open()
	case ')':
		return p.close()
	case '%':
		return p.escape()
	case '[':
		set, err := p.set()
		return item{set: set}, err
	case '.':
		all := &charSet{}
		all.invert()
		return item{set: all}, nil
	case '$':
		if p.text == "" {
			return item{kind: atEnd}, nil
		}
	}
	return item{c: c}, nil
}

func (p *patternParser) open() (item, error) {
	if p.captures == maxCaptures {
		return item{}, errCaptures
	}
	n := p.captures
	p.captures++
	if rest, ok := strings.CutPrefix(p.text, ")"); ok {
		p.text = rest
		p.closed |= 1 << n
		return item{kind: position, n: n}, nil
	}
	p.opened = append(p.opened, n)
	return item{kind: open, n: n}, nil
}

func (p *patternParser) close() (item, error) {
	if len(p.opened) == 0 {
		return item{}, errUnopened
	}
	n := p.opened[len(p.opened)-1]
	p.opened = p.opened[:len(p.opened)-1]
	p.closed |= 1 << n
	return item{kind: closing, n: n}, nil
}

// escape takes what follows a %.
func (p *patternParser) escape() (item, error) {
	if p.text == "" {
		return item{}, errPercent
	}
	c := p.text[0]
	p.text = p.text[1:]
	switch {
	case c == 'b':
		if len(p.text) < 2 {
			return item{}, errBalance
		}
		it := item{kind: balance, c: p.text[0], c2: p.text[1]}
		p.text = p.text[2:]
		return it, nil
	case c == 'f':
		rest, ok := strings.CutPrefix(p.text, "[")
		if !ok {
			return item{}, errFrontier
		}
		p.text = rest
		set, err := p.set()
		return item{kind: frontier, set: set}, err
	case isDigit(c):
		n := int(c - '1')
		if n < 0 || n >= p.captures || p.closed&(1<<n) == 0 {
			return item{}, errBackref
		}
		return item{kind: backref, n: n}, nil
	case isAlpha(c):
		return item{set: class(c)}, nil
	}
	return item{c: c}, nil
}

// set takes a set, from behind its [ to its ].
func (p *patternParser) set() (*charSet, error) {
	set := &charSet{}
	text, inverted := strings.CutPrefix(p.text, "^")
	for first := true; ; first = false {
		switch {
		case text == "":
			return nil, errBracket
		case text[0] == ']' && !first:
			p.text = text[1:]
			if inverted {
				set.invert()
			}
			return set, nil
		case text[0] == '%':
			if len(text) == 1 {
				return nil, errBracket
			}
			set.addAll(class(text[1]))
			text = text[2:]
		case len(text) > 2 && text[1] == '-' && text[2] != ']':
			for c := int(text[0]); c <= int(text[2]); c++ {
				set.add(byte(c))
			}
			text = text[3:]
		default:
			set.add(text[0])
			text = text[1:]
		}
	}
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
