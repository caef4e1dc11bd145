package transport

import "testing"

func TestEachKindHasANameOfItsOwn(t *testing.T) {
	t.Parallel()
	seen := map[string]Kind{Kind(0).String(): 0}
	for _, k := range Kinds() {
		if other, taken := seen[k.String()]; taken {
			t.Errorf("kinds %d and %d are both %q", other, k, k)
		}
		seen[k.String()] = k
	}
}
