package config

// Refused is a changed key that a running server cannot take up.
type Refused struct {
	Key   string
	Place Place // where the file says it; only the file's name when the key was removed
}

// Reload returns next as a server running with c can have it: the reloadable keys as next says, all others as c has them. refused lists those
// that next wanted to change, in the order of the reference.
func (c *Config) Reload(next *Config) (taken *Config, refused []Refused) {
	merged := *next
	running := keys(c)
	for i, k := range keys(&merged) {
		if k.when == Reloadable || k.value.equal(running[i].value) {
			continue
		}
		k.value.take(running[i].value)
		place, written := next.places[k.path]
		if !written {
			place = Place{File: next.file}
		}
		refused = append(refused, Refused{k.path, place})
	}
	return &merged, refused
}
