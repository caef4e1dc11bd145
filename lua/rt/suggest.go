package rt

import (
	"fmt"
	"strings"
)

// Suggest returns the candidate that name was most probably meant to be, "" when none is near.
func Suggest(name string, candidates []string) string {
	return nearest(name, candidates, min(len(name)/3+2, 6))
}

// Misspelt returns the candidate that name is one slip of the finger away from, "" when there is none: for names of
// which others than the candidates are good too.
func Misspelt(name string, candidates []string) string {
	return nearest(name, candidates, 2)
}

func nearest(name string, candidates []string, least int) string {
	best := ""
	for _, c := range candidates {
		if d := editDistance(strings.ToLower(name), strings.ToLower(c)); d < least {
			best, least = c, d
		}
	}
	return best
}

// Unknown says that name is none of the candidates: "unknown option 'timout' (did you mean 'timeout'?)".
func Unknown(what, name string, candidates []string) string {
	if s := Suggest(name, candidates); s != "" {
		return fmt.Sprintf("unknown %s '%s' (did you mean '%s'?)", what, name, s)
	}
	return fmt.Sprintf("unknown %s '%s' (known: %s)", what, name, strings.Join(candidates, ", "))
}

// editDistance counts insertions, deletions, replacements and swaps of neighbours.
func editDistance(a, b string) int {
	const longest = 64
	if len(a) > longest || len(b) > longest {
		return longest
	}
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			d := min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d = min(d, rows[i-2][j-2]+1)
			}
			rows[i][j] = d
		}
	}
	return rows[len(a)][len(b)]
}
