package rest

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// Calls are those that can be ended. Any goroutine.
type Calls interface {
	// End ends a call by its id, and reports whether there was one; false, too, when ctx ends first.
	End(ctx context.Context, id string) bool
}

// patience is how long a call's end is waited for.
const patience = 5 * time.Second

// Errors of Twilio's API, by their numbers there.
const (
	codeUnauthorized = 20003
	codeNotFound     = 20404
	codeMethod       = 20004
	codeStatus       = 21220
)

// Handler answers
//
//	POST /2010-04-01/Accounts/{account}/Calls/{call}.json    Status=completed
//
// with 200 when the call was ended, 404 when there is none, 401 without the credentials, and 400 for what else might be asked.
func Handler(c Config, calls Calls) http.Handler {
	h := &handler{calls: calls, account: c.Account, user: sha256.Sum256([]byte(c.Account)), token: sha256.Sum256([]byte(c.Token))}
	mux := http.NewServeMux()
	mux.HandleFunc("/2010-04-01/Accounts/{account}/Calls/{call}", h.call)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if h.authorized(w, r) {
			refuse(w, http.StatusNotFound, codeNotFound, fmt.Sprintf("The requested resource %s was not found", r.URL.Path))
		}
	})
	return mux
}

type handler struct {
	calls       Calls
	account     string
	user, token [sha256.Size]byte
}

// authorized compares digests, which takes the same time whatever was sent.
func (h *handler) authorized(w http.ResponseWriter, r *http.Request) bool {
	user, password, ok := r.BasicAuth()
	u, p := sha256.Sum256([]byte(user)), sha256.Sum256([]byte(password))
	same := subtle.ConstantTimeCompare(u[:], h.user[:]) & subtle.ConstantTimeCompare(p[:], h.token[:])
	if ok && same == 1 {
		return true
	}
	w.Header().Set("WWW-Authenticate", `Basic realm="api"`)
	refuse(w, http.StatusUnauthorized, codeUnauthorized, "Authenticate")
	return false
}

func (h *handler) call(w http.ResponseWriter, r *http.Request) {
	if !h.authorized(w, r) {
		return
	}
	id, isJSON := cutJSON(r.PathValue("call"))
	switch {
	case r.PathValue("account") != h.account || !isJSON:
		refuse(w, http.StatusNotFound, codeNotFound, fmt.Sprintf("The requested resource %s was not found", r.URL.Path))
		return
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		refuse(w, http.StatusMethodNotAllowed, codeMethod, "Method not allowed")
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, largestForm)
	switch status := r.PostFormValue("Status"); status {
	case "completed", "canceled":
	default:
		refuse(w, http.StatusBadRequest, codeStatus, fmt.Sprintf("Status completed expected, got %q", status))
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	if !h.calls.End(ctx, id) {
		refuse(w, http.StatusNotFound, codeNotFound, fmt.Sprintf("The requested resource %s was not found", r.URL.Path))
		return
	}
	answer(w, http.StatusOK, map[string]any{"sid": id, "account_sid": h.account, "status": "completed", "api_version": "2010-04-01", "uri": r.URL.Path})
}

func cutJSON(name string) (id string, ok bool) {
	const suffix = ".json"
	if len(name) <= len(suffix) || name[len(name)-len(suffix):] != suffix {
		return "", false
	}
	return name[:len(name)-len(suffix)], true
}

func refuse(w http.ResponseWriter, status, code int, message string) {
	answer(w, status, map[string]any{"code": code, "message": message, "more_info": fmt.Sprintf("https://www.twilio.com/docs/errors/%d", code), "status": status})
}

func answer(w http.ResponseWriter, status int, body map[string]any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // whoever has gone does not read it
}
