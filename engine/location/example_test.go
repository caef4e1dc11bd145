package location_test

import (
	"fmt"
	"time"

	"github.com/sipscript/sipscript/engine/location"
)

func ExampleStore() {
	store := location.New(location.Config{})
	defer store.Close()

	now := time.Now()
	committed := make(chan error)
	store.Update(location.Update{
		AOR: "sip:alice@example.org", Now: now,
		Apply: func(old []location.Binding) ([]location.Binding, error) {
			return []location.Binding{{URI: "sip:alice@192.0.2.4", Q: 1000, Registered: now, Expires: now.Add(time.Minute)}}, nil
		},
	}, func(_ location.Result, err error) { committed <- err })
	fmt.Println(<-committed)

	bindings, known := store.Lookup("sip:alice@example.org", now)
	fmt.Println(bindings[0].URI, known)
	bindings, known = store.Lookup("sip:alice@example.org", now.Add(time.Minute))
	fmt.Println(len(bindings), known)
	// Output:
	// <nil>
	// sip:alice@192.0.2.4 true
	// 0 true
}
