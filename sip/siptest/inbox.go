package siptest

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/sipscript/sipscript/sip"
)

// received is a message that a test has not expected yet.
type received struct {
	at    time.Duration
	label string
	msg   *sip.Message
}

// receive takes a message from the network.
func (u *UA) receive(m *sip.Message, err error, raw []byte, from path, src netip.AddrPort) {
	if err != nil {
		u.t.Errorf("%s got a malformed message from %v: %v\n%s", u.name, src, err, raw)
		return
	}
	m.Keep()
	if m.IsRequest() {
		m.Stamp(src)
		u.receiveRequest(m, from, raw)
		return
	}
	u.receiveResponse(m, raw)
}

// show puts a message where Expect finds it.
func (u *UA) show(m *sip.Message, raw []byte) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.inbox = append(u.inbox, &received{at: u.n.now(), label: label(raw), msg: m})
	u.arrived.wake()
}

// Expect returns the next message that the pattern describes, and waits up to within for it. The patterns are a method
// ("INVITE"), a status ("180", "4xx") or both ("200 BYE"). It passes over other messages, which stay for a later Expect.
// When nothing comes the test fails and shows what came instead.
func (u *UA) Expect(pattern string, within time.Duration) *sip.Message {
	u.t.Helper()
	p, err := parsePattern(pattern)
	if err != nil {
		u.t.Fatal(err)
	}
	begun := u.n.now()
	m := u.await(p.matches, within)
	if m == nil {
		u.t.Fatalf("%s waited %v, from %v on, for %s. %s\nThe ladder so far:\n%s",
			u.name, within, begun, pattern, u.unexpected(), u.n.Ladder(nil))
	}
	return m
}

// await returns nil when nothing comes.
func (u *UA) await(match func(*sip.Message) bool, within time.Duration) *sip.Message {
	timeout := time.NewTimer(within)
	defer timeout.Stop()
	for {
		m, wait := u.take(match)
		if m != nil {
			return m
		}
		select {
		case <-wait:
		case <-timeout.C:
			m, _ = u.take(match)
			return m
		}
	}
}

func (u *UA) take(match func(*sip.Message) bool) (*sip.Message, <-chan struct{}) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for i, r := range u.inbox {
		if match(r.msg) {
			u.inbox = slices.Delete(u.inbox, i, i+1)
			return r.msg, nil
		}
	}
	return nil, u.arrived.wait()
}

// ExpectNone waits and fails when a message of one of the patterns, without patterns any message, comes meanwhile. What
// came before does not count.
func (u *UA) ExpectNone(d time.Duration, patterns ...string) {
	u.t.Helper()
	var ps []pattern
	for _, text := range patterns {
		p, err := parsePattern(text)
		if err != nil {
			u.t.Fatal(err)
		}
		ps = append(ps, p)
	}
	u.mu.Lock()
	before := slices.Clone(u.inbox)
	u.mu.Unlock()
	begun := u.n.now()
	time.Sleep(d)

	u.mu.Lock()
	var came []string
	for _, r := range u.inbox {
		wanted := len(ps) == 0 || slices.ContainsFunc(ps, func(p pattern) bool { return p.matches(r.msg) })
		if wanted && !slices.Contains(before, r) {
			came = append(came, fmt.Sprintf("%s at %v", r.label, r.at))
		}
	}
	u.mu.Unlock()
	if len(came) > 0 {
		u.t.Fatalf("%s expected silence for %v from %v on, but got %s.\nThe ladder so far:\n%s",
			u.name, d, begun, strings.Join(came, ", "), u.n.Ladder(nil))
	}
}

// unexpected says what lies in the inbox.
func (u *UA) unexpected() string {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.inbox) == 0 {
		return "Nothing came."
	}
	var b strings.Builder
	b.WriteString("There came instead, or was there before:")
	for _, r := range u.inbox {
		fmt.Fprintf(&b, "\n\t%s at %v", r.label, r.at)
	}
	return b.String()
}

// Unread lists what came and no Expect took, as labels ("180 Ringing"), in order of arrival.
func (u *UA) Unread() []string {
	u.mu.Lock()
	defer u.mu.Unlock()
	var all []string
	for _, r := range u.inbox {
		all = append(all, r.label)
	}
	return all
}
