package rest

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// standing are calls that can be ended once.
type standing map[string]bool

func (s standing) End(_ context.Context, id string) bool {
	found := s[id]
	delete(s, id)
	return found
}

func TestAgentEndsItsCall(t *testing.T) {
	t.Parallel()
	const path = "/2010-04-01/Accounts/AC1/Calls/"
	for _, tt := range []struct {
		name, method, path, user, password, form string
		status, code                             int
		ended                                    bool
	}{
		{"a call", "POST", path + "aa1.json", "AC1", "secret", "Status=completed", 200, 0, true},
		{"with other fields", "POST", path + "aa1.json", "AC1", "secret", "Foo=bar&Status=completed", 200, 0, true},
		{"one that rings", "POST", path + "aa1.json", "AC1", "secret", "Status=canceled", 200, 0, true},
		{"no such call", "POST", path + "aa2.json", "AC1", "secret", "Status=completed", 404, 20404, false},
		{"another account", "POST", "/2010-04-01/Accounts/AC2/Calls/aa1.json", "AC1", "secret", "Status=completed", 404, 20404, false},
		{"without .json", "POST", path + "aa1", "AC1", "secret", "Status=completed", 404, 20404, false},
		{"another page", "GET", "/", "AC1", "secret", "", 404, 20404, false},
		{"no password", "POST", path + "aa1.json", "", "", "Status=completed", 401, 20003, false},
		{"wrong password", "POST", path + "aa1.json", "AC1", "secrets", "Status=completed", 401, 20003, false},
		{"wrong user", "POST", path + "aa1.json", "AC", "secret", "Status=completed", 401, 20003, false},
		{"nobody learns what there is", "GET", "/", "", "", "", 401, 20003, false},
		{"another status", "POST", path + "aa1.json", "AC1", "secret", "Status=busy", 400, 21220, false},
		{"no status", "POST", path + "aa1.json", "AC1", "secret", "Url=http://example.org", 400, 21220, false},
		{"too much", "POST", path + "aa1.json", "AC1", "secret", "Status=completed&x=" + strings.Repeat("x", largestForm), 400, 21220, false},
		{"another method", "GET", path + "aa1.json", "AC1", "secret", "", 405, 20004, false},
	} {
		t.Run(strings.ReplaceAll(tt.name, " ", "_"), func(t *testing.T) {
			t.Parallel()
			calls := standing{"aa1": true}
			r := httptest.NewRequest(tt.method, tt.path, strings.NewReader(tt.form))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			if tt.user != "" {
				r.SetBasicAuth(tt.user, tt.password)
			}
			w := httptest.NewRecorder()
			Handler(Config{Account: "AC1", Token: "secret"}, calls).ServeHTTP(w, r)
			var body struct {
				Code   int    `json:"code"`
				Status any    `json:"status"`
				SID    string `json:"sid"`
			}
			if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
				t.Fatalf("%v in %s", err, w.Body)
			}
			if w.Code != tt.status || body.Code != tt.code || calls["aa1"] == tt.ended || tt.ended && (body.SID != "aa1" || body.Status != "completed") {
				t.Errorf("%d %s, ended: %v", w.Code, w.Body, !calls["aa1"])
			}
			if (w.Header().Get("WWW-Authenticate") != "") != (tt.status == 401) {
				t.Errorf("%d asks for %q", w.Code, w.Header().Get("WWW-Authenticate"))
			}
		})
	}
}

func TestNothingIsServedToEverybody(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		c  Config
		ok bool
	}{
		{Config{}, true},
		{Config{Account: "AC1"}, true},
		{Config{Listen: "127.0.0.1:0", Account: "AC1", Token: "x"}, true},
		{Config{Listen: "127.0.0.1:0", Account: "AC1"}, false},
		{Config{Listen: "127.0.0.1:0", Token: "x"}, false},
		{Config{Listen: "127.0.0.1", Account: "AC1", Token: "secret"}, false},
	} {
		err := tt.c.Validate()
		if (err == nil) != tt.ok || err != nil && (!errors.Is(err, ErrConfig) || strings.Contains(err.Error(), "secret")) {
			t.Errorf("%+v: %v", tt.c, err)
		}
	}
}

func TestServerEndsWithItsConnections(t *testing.T) {
	t.Parallel()
	s, err := Open(Config{Listen: "127.0.0.1:0", Account: "AC1", Token: "secret"}, standing{}, func(err error) { t.Error(err) })
	if err != nil {
		t.Fatal(err)
	}
	client := http.Client{Transport: &http.Transport{}}
	answer, err := client.Get("http://" + s.Addr().String() + "/")
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	if answer.StatusCode != 401 {
		t.Errorf("answered %s", answer.Status)
	}
	s.Close()
	if answer, err := client.Get("http://" + s.Addr().String() + "/"); err == nil {
		_ = answer.Body.Close()
		t.Error("still served")
	}
}
