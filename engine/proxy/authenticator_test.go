package proxy

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

// Whatever prints credentials, as part of a config or of a target, leaves the password out.
func TestCredentialsDoNotShowTheirPassword(t *testing.T) {
	t.Parallel()
	c := Credentials{Username: "office", Password: "secret"}
	target := struct{ At *Credentials }{&c}
	asJSON, err := json.Marshal(map[string]any{"value": c, "pointer": &c, "inside": target})
	if err != nil {
		t.Fatal(err)
	}
	var text, object strings.Builder
	slog.New(slog.NewTextHandler(&text, nil)).Info("x", "value", c, "pointer", &c)
	slog.New(slog.NewJSONHandler(&object, nil)).Info("x", "value", c, "pointer", &c, "inside", target)
	for _, shown := range []string{
		fmt.Sprint(c), fmt.Sprintf("%s %q %v %+v %#v", c, c, c, c, c), fmt.Sprintf("%v %+v %#v", &c, &c, &c),
		fmt.Sprintf("%v", map[string]Credentials{"trunk": c}), string(asJSON), text.String(), object.String(),
	} {
		if strings.Contains(shown, "secret") || !strings.Contains(shown, "office") {
			t.Errorf("shown as %s", shown)
		}
	}
}
