package architecture

import (
	"slices"
	"strconv"
	"strings"
	"testing"
)

// breaks is a package with one violation on every line that says so.
const breaks = `package breaks

import (
	"context"
	"os"
	"sync"
	"time"
)

type counter struct{ n int }

func (c *counter) add()      { c.n++ }
func (c counter) total() int { return c.n }

var (
	number  int
	words   = map[string]int{"a": 1}
	list    = []int{1, 2}
	total   counter
	mutex   sync.Mutex
	pool    sync.Pool
	pools   [4]sync.Pool
	compute = func() int { return number }
)

func init() { // INIT
}

func writes() {
	number = 1          // WRITE
	number++            // WRITE
	words["b"] = 2      // WRITE
	delete(words, "a")  // WRITE
	clear(words)        // WRITE
	list[0] = 3         // WRITE
	list = append(list, 4) // WRITE
	total.n = 5         // WRITE
	total.add()         // WRITE
	mutex.Lock()        // WRITE
	fill(&number)       // WRITE
	p := &list[0]       // reading a large table by a pointer is no write
	_ = *p
	for number = range list { // WRITE
	}
	os.Args = nil // WRITE
	func() { number = 7 }() // WRITE
}

func fill(*int) {}

func reads() int {
	number := 1
	number++
	words := words
	_ = words["a"]
	pool.Put(pools[1].Get())
	for i, word := range list {
		_, _ = i, word
	}
	return number + total.total() + compute() + len(list)
}

func starts(wait *sync.WaitGroup, c other) {
	go reads()                          // GO
	wait.Go(func() {})                  // GO
	time.AfterFunc(time.Second, writes) // GO
	context.AfterFunc(nil, writes)      // GO
	c.Go(writes)
}

type other struct{}

func (other) Go(func()) {}
`

func TestViolationsAreFound(t *testing.T) {
	t.Parallel()
	c, err := typeCheck("breaks", map[string][]byte{"breaks.go": []byte(breaks)}, load(t)[0].exports)
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		mark  string
		found []string
	}{
		{"// INIT", c.initFunctions()},
		{"// GO", c.goroutines()},
		{"// WRITE", places(c.variableWrites())},
	} {
		slices.Sort(tc.found)
		if want := marked(tc.mark); !slices.Equal(tc.found, want) {
			t.Errorf("%s:\nfound %v\nwant  %v", tc.mark, tc.found, want)
		}
	}
}

func places(writes []write) (all []string) {
	for _, w := range writes {
		all = append(all, w.place)
	}
	return all
}

// marked lists the lines of breaks with this mark.
func marked(mark string) (all []string) {
	for i, line := range strings.Split(breaks, "\n") {
		if strings.Contains(line, mark) {
			all = append(all, "breaks/breaks.go:"+strconv.Itoa(i+1))
		}
	}
	slices.Sort(all)
	return all
}

func TestOnlyListedImportsAreAllowed(t *testing.T) {
	t.Parallel()
	row := rule{imports: []string{"sip", "github.com/yuin/gopher-lua"}}
	for imported, want := range map[string]bool{
		"net/netip":                       true,
		"sip":                             true,
		"sip/transport":                   false, // a package inside a permitted folder is another package
		"engine":                          false,
		"github.com/yuin/gopher-lua/ast":  true, // a permitted module is permitted whole
		"github.com/yuin/gopher-lua2":     false,
		"github.com/spf13/cobra":          false,
		"github.com/sipscript/sipscript2": false,
	} {
		if got := allowed(row, imported); got != want {
			t.Errorf("%s allowed: %v, want %v", imported, got, want)
		}
	}
}
