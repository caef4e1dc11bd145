package description

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
)

const (
	key30 = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"
	key28 = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGw=="
	key44 = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKis="
)

func TestKeysAsTheyAreWritten(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		value string
		suite Suite // 0: cannot be used
		mki   string
	}{
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" + key30 + "|2^20|1:32", 0, ""}, // of 32 bytes
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" + key30 + "|2^20|1:4", AES128SHA80, "\x00\x00\x00\x01"},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" + key30 + "|258:2", AES128SHA80, "\x01\x02"},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" + key30 + "|256:1", 0, ""},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" + key30 + "|1:x", 0, ""},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" + key30 + "|2^31", AES128SHA80, ""},
		{"7 AES_CM_128_HMAC_SHA1_32 inline:" + key30, AES128SHA32, ""},
		{"7   AES_CM_128_HMAC_SHA1_32  inline:" + key30 + " ", AES128SHA32, ""},
		{"1 AEAD_AES_128_GCM inline:" + key28, AES128GCM, ""},
		{"1 AEAD_AES_128_GCM inline:" + strings.TrimRight(key28, "="), AES128GCM, ""},
		{"1 AEAD_AES_256_GCM inline:" + key44, AES256GCM, ""},
		{"1 AEAD_AES_256_GCM inline:" + key30, 0, ""},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" + key28, 0, ""},
		{"1 AES_256_CM_HMAC_SHA1_80 inline:" + key44, 0, ""},
		{"1 F8_128_HMAC_SHA1_80 inline:" + key30, 0, ""},
		{"x AES_CM_128_HMAC_SHA1_80 inline:" + key30, 0, ""},
		{"1 AES_CM_128_HMAC_SHA1_80 " + key30, 0, ""},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:!" + key30[1:], 0, ""},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" + key30 + "|1:1;inline:" + key30 + "|2:1", 0, ""},
		{"1 AES_CM_128_HMAC_SHA1_80", 0, ""},
		{"", 0, ""},
		// Session parameters (RFC 4568 §6.3): nothing that makes media less than encrypted and authenticated, nothing unknown.
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" + key30 + " WSH=64 KDR=0 -x=1", AES128SHA80, ""},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" + key30 + " UNENCRYPTED_SRTP", 0, ""},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" + key30 + " UNENCRYPTED_SRTCP", 0, ""},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" + key30 + " UNAUTHENTICATED_SRTP", 0, ""},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" + key30 + " KDR=1", 0, ""},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" + key30 + " FEC_ORDER=FEC_SRTP", 0, ""},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" + key30 + " NEW", 0, ""},
	} {
		c, ok := parseSDES(row.value)
		if ok != (row.suite != 0) || c.Suite != row.suite || string(c.MKI) != row.mki {
			t.Errorf("%q: %v %q, %v", row.value, c.Suite, c.MKI, ok)
			continue
		}
		if ok && c.MKI == nil {
			written := string(c.append(nil))
			if again, ok := parseSDES(strings.TrimPrefix(strings.TrimSpace(written), "a=crypto:")); !ok || !again.equal(&c) || again.Tag != c.Tag {
				t.Errorf("%q comes back as %q", row.value, written)
			}
		}
	}
}

func TestKeysAreNeverPrinted(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.offer(secure("alice", "RTP/SAVP", "1 AES_CM_128_HMAC_SHA1_80 inline:"+key30))
	r.answer(secure("bob", "RTP/SAVP", answerTo(r.bob, AES256GCM)))
	line := r.alice.Lines[0]
	keys := []Key{line.Encrypt.Key, line.Decrypt.Key}
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%X", "%o"} {
		for what, v := range map[string]any{"key": line.Encrypt.Key, "sdes": *line.Encrypt, "pointer": line.Encrypt, "media": line.Local, "remote": line.Remote} {
			reveals(t, what+" "+format, fmt.Sprintf(format, v), keys)
		}
	}
	b, err := json.Marshal(line.Encrypt)
	if err != nil {
		t.Fatal(err)
	}
	reveals(t, "json", string(b), keys)
}

func reveals(t *testing.T, what, printed string, keys []Key) {
	t.Helper()
	for _, key := range keys {
		for _, form := range []string{base64.StdEncoding.EncodeToString(key)[:8], hex.EncodeToString(key[:4]), fmt.Sprintf("%d", []byte(key))[1:8], string(key)[:4]} {
			if strings.Contains(strings.ToLower(printed), strings.ToLower(form)) {
				t.Errorf("%s shows the key: %s", what, printed)
			}
		}
	}
}

// secure is a description of one stream of PCMU with keys.
func secure(from, proto string, crypto ...string) string {
	b := "v=0\no=" + from + " 1 1 IN IP4 10.0.0.9\ns=-\nc=IN IP4 10.0.0.9\nt=0 0\nm=audio 5000 " + proto + " 0"
	for _, c := range crypto {
		b += "\na=crypto:" + c
	}
	return b
}

var keyOf = map[Suite]string{AES128SHA80: key30, AES128SHA32: key30, AES128GCM: key28, AES256GCM: key44}

// answerTo is the a=crypto that answers what was offered on a side, choosing one suite.
func answerTo(s *Side, suite Suite) string {
	for _, c := range s.Lines[0].Local.Crypto {
		if c.Suite == suite {
			return strconv.Itoa(c.Tag) + " " + suite.String() + " inline:" + keyOf[suite]
		}
	}
	return "99 " + suite.String() + " inline:" + keyOf[suite]
}

func crypto(tag int, suite Suite) string {
	return strconv.Itoa(tag) + " " + suite.String() + " inline:" + keyOf[suite]
}

func TestEncryptionOfferedToTheOtherSide(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		proto  string
		keys   []string
		policy SRTP
		suites []Suite
		want   string // profile and number of keys
	}{
		{"plain follows plain", "RTP/AVP", nil, SRTPFollow, nil, "RTP/AVP 0"},
		{"encrypted follows encrypted, with all suites", "RTP/SAVP", []string{crypto(1, AES128SHA80)}, SRTPFollow, nil, "RTP/SAVP 4"},
		{"feedback profile stays", "RTP/SAVPF", []string{crypto(1, AES128SHA80)}, SRTPFollow, nil, "RTP/SAVPF 4"},
		{"RFC 8643: keys on a plain profile follow", "RTP/AVP", []string{crypto(1, AES128SHA80)}, SRTPFollow, nil, "RTP/AVP 4"},
		{"taken off for a trunk", "RTP/SAVP", []string{crypto(1, AES128SHA80)}, SRTPOff, nil, "RTP/AVP 0"},
		{"put on for a phone", "RTP/AVPF", nil, SRTPRequired, nil, "RTP/SAVPF 4"},
		{"only the suites named", "RTP/AVP", nil, SRTPRequired, []Suite{AES128SHA80}, "RTP/SAVP 1"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.bob.Options = Options{SRTP: row.policy, Suites: row.suites}
			got := r.offer(secure("alice", row.proto, row.keys...))
			summary := strings.Fields(only(got, "m="))[2] + " " + strconv.Itoa(strings.Count(got, "a=crypto:"))
			if summary != row.want {
				t.Errorf("%s, want %s:\n%s", summary, row.want, got)
			}
			if strings.Contains(got, key30) {
				t.Error("the key of the other side")
			}
		})
	}
}

func TestEncryptionIsAnsweredWithOneOfTheOffered(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		proto  string
		keys   []string
		policy SRTP
		suites []Suite
		want   string // tag and suite of the answer; "plain"; or "refused"
	}{
		{"plain", "RTP/AVP", nil, SRTPFollow, nil, "plain"},
		{"plain where encryption is required", "RTP/AVP", nil, SRTPRequired, nil, "refused"},
		{"the offerer's first", "RTP/SAVP", []string{crypto(3, AES128SHA32), crypto(4, AES256GCM)}, SRTPFollow, nil, "3 AES_CM_128_HMAC_SHA1_32"},
		{"the first that is allowed here", "RTP/SAVP", []string{crypto(3, AES128SHA32), crypto(4, AES256GCM)}, SRTPFollow, []Suite{AES256GCM}, "4 AEAD_AES_256_GCM"},
		{"unknown ones are skipped", "RTP/SAVP", []string{"1 AES_256_CM_HMAC_SHA1_80 inline:" + key44, crypto(2, AES128GCM)}, SRTPFollow, nil, "2 AEAD_AES_128_GCM"},
		{"no usable one", "RTP/SAVP", []string{crypto(1, AES128SHA80) + " UNENCRYPTED_SRTP"}, SRTPFollow, nil, "refused"},
		{"none at all", "RTP/SAVP", nil, SRTPFollow, nil, "refused"},
		{"encrypted where it is off", "RTP/SAVP", []string{crypto(1, AES128SHA80)}, SRTPOff, nil, "refused"},
		{"RFC 8643", "RTP/AVP", []string{crypto(1, AES128SHA80)}, SRTPFollow, nil, "1 AES_CM_128_HMAC_SHA1_80"},
		{"RFC 8643 where it is off", "RTP/AVP", []string{crypto(1, AES128SHA80)}, SRTPOff, nil, "plain"},
		{"RFC 8643 with nothing usable", "RTP/AVP", []string{"1 NEW inline:x"}, SRTPFollow, nil, "plain"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.alice.Options = Options{SRTP: row.policy, Suites: row.suites}
			r.bob.Options.SRTP = SRTPOff
			_, err := r.pass(r.alice, r.bob, Offer, lines(secure("alice", row.proto, row.keys...)))
			if row.want == "refused" {
				if !errors.Is(err, ErrCrypto) {
					t.Errorf("error %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got := r.answer(secure("bob", "RTP/AVP"))
			line := r.alice.Lines[0]
			if p := strings.Fields(only(got, "m="))[2]; p != row.proto {
				t.Errorf("answered with %s", p)
			}
			if row.want == "plain" {
				if strings.Contains(got, "crypto") || line.Encrypt != nil || line.Decrypt != nil {
					t.Errorf("keys in\n%s", got)
				}
				return
			}
			keys := only(got, "a=crypto:")
			if !strings.HasPrefix(keys, "a=crypto:"+row.want+" inline:") || strings.Contains(keys, "\n") {
				t.Errorf("answered with %s", keys)
			}
			if line.Encrypt == nil || line.Decrypt == nil || line.Encrypt.Suite != line.Decrypt.Suite || string(line.Encrypt.Key) == string(line.Decrypt.Key) {
				t.Errorf("keys %v and %v", line.Encrypt, line.Decrypt)
			}
		})
	}
}

func TestAnswersToOfferedEncryption(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name    string
		offered string // profile that alice offers and bob therefore is offered
		answer  func(bob *Side) string
		refused bool
		plain   bool
	}{
		{"one of the offered", "RTP/SAVP", func(b *Side) string { return secure("bob", "RTP/SAVP", answerTo(b, AES128GCM)) }, false, false},
		{"fallen back to the plain profile", "RTP/SAVP", func(*Side) string { return secure("bob", "RTP/AVP") }, true, false},
		{"without a key", "RTP/SAVP", func(*Side) string { return secure("bob", "RTP/SAVP") }, true, false},
		{"with two keys", "RTP/SAVP", func(b *Side) string {
			return secure("bob", "RTP/SAVP", answerTo(b, AES128GCM), answerTo(b, AES128SHA80))
		}, true, false},
		{"suite of another tag", "RTP/SAVP", func(*Side) string { return secure("bob", "RTP/SAVP", crypto(1, AES128SHA32)) }, true, false},
		{"unknown tag", "RTP/SAVP", func(*Side) string { return secure("bob", "RTP/SAVP", crypto(9, AES128SHA32)) }, true, false},
		{"weakened", "RTP/SAVP", func(b *Side) string {
			return secure("bob", "RTP/SAVP", answerTo(b, AES128SHA80)+" UNAUTHENTICATED_SRTP")
		}, true, false},
		{"encrypted in answer to plain", "RTP/AVP", func(*Side) string { return secure("bob", "RTP/SAVP", crypto(1, AES128SHA80)) }, true, false},
		{"RFC 8643 accepted", "RTP/AVP keyed", func(b *Side) string { return secure("bob", "RTP/AVP", answerTo(b, AES128SHA80)) }, false, false},
		{"RFC 8643 not accepted", "RTP/AVP keyed", func(*Side) string { return secure("bob", "RTP/AVP") }, false, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			proto, keyed, _ := strings.Cut(row.offered, " ")
			var keys []string
			if keyed != "" || proto == "RTP/SAVP" {
				keys = []string{crypto(1, AES128SHA80)}
			}
			r.offer(secure("alice", proto, keys...))
			_, err := r.pass(r.bob, r.alice, Answer, lines(row.answer(r.bob)))
			if row.refused != errors.Is(err, ErrCrypto) || !row.refused && err != nil {
				t.Fatalf("error %v", err)
			}
			if l := r.bob.Lines[0]; !row.refused && row.plain != (l.Encrypt == nil && l.Decrypt == nil) {
				t.Errorf("keys %v, %v", l.Encrypt, l.Decrypt)
			}
		})
	}
}

func TestWhatIsEncryptedStaysSo(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.offer(secure("alice", "RTP/SAVP", crypto(1, AES128SHA80)))
	r.answer(secure("bob", "RTP/SAVP", answerTo(r.bob, AES256GCM)))
	for _, policy := range []SRTP{SRTPFollow, SRTPOff} {
		r.alice.Options.SRTP, r.bob.Options.SRTP = policy, policy
		// A new offer of the peer cannot take it off …
		if _, err := r.pass(r.bob, r.alice, Offer, lines(secure("bob", "RTP/AVP"))); !errors.Is(err, ErrCrypto) {
			t.Errorf("policy %d: bob falls back: %v", policy, err)
		}
		// … and nor does the other side's, or the policy.
		got := r.offer(secure("alice", "RTP/SAVP", crypto(1, AES128SHA80)))
		if !strings.Contains(got, "RTP/SAVP") || !strings.Contains(got, "a=crypto:") {
			t.Errorf("policy %d: offered to bob\n%s", policy, got)
		}
	}
}

func TestKeysGoOnOverNewOffers(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	offered := r.offer(secure("alice", "RTP/SAVP", crypto(1, AES128SHA80)))
	answered := r.answer(secure("bob", "RTP/SAVP", answerTo(r.bob, AES256GCM)))
	alice, bob := r.alice.Lines[0], r.bob.Lines[0]
	if again := r.offer(secure("alice", "RTP/SAVP", crypto(1, AES128SHA80))); again != offered {
		t.Errorf("the same offer again:\n%s", again)
	}
	if again := r.answer(secure("bob", "RTP/SAVP", answerTo(r.bob, AES256GCM))); again != answered {
		t.Errorf("the same answer again:\n%s", again)
	}
	same := func(when string) {
		t.Helper()
		a, b := r.alice.Lines[0], r.bob.Lines[0]
		if a.Encrypt != alice.Encrypt || a.Decrypt != alice.Decrypt || b.Encrypt != bob.Encrypt || b.Decrypt != bob.Decrypt {
			t.Errorf("%s: contexts begin anew", when)
		}
	}
	same("offer again")
	// Bob offers, with the key he had under another tag; roles are turned round, keys go on.
	r.reoffer(secure("bob", "RTP/SAVP", crypto(5, AES128SHA32), crypto(6, AES256GCM)))
	r.bob.Options.Suites = []Suite{AES256GCM}
	r.reanswer(secure("alice", "RTP/SAVP", answerTo(r.alice, AES128SHA80)))
	same("bob offers")
	// A new key of the peer is a new context one way only.
	other := strings.Replace(crypto(1, AES128SHA80), "WVNf", "AAAA", 1)
	r.offer(secure("alice", "RTP/SAVP", other))
	r.answer(secure("bob", "RTP/SAVP", answerTo(r.bob, AES256GCM)))
	if a := r.alice.Lines[0]; a.Encrypt != alice.Encrypt || a.Decrypt == alice.Decrypt {
		t.Error("a new key of alice's")
	}
}

func TestALineThatComesBackHasNewKeys(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	first := r.offer(secure("alice", "RTP/SAVP", crypto(1, AES128SHA80)))
	r.answer(secure("bob", "RTP/SAVP", answerTo(r.bob, AES256GCM)))
	r.offer(strings.Replace(secure("alice", "RTP/SAVP"), "5000", "0", 1))
	r.answer(strings.Replace(secure("bob", "RTP/SAVP"), "5000", "0", 1))
	again := r.offer(secure("alice", "RTP/SAVP", crypto(1, AES128SHA80)))
	if only(first, "a=crypto:1 ") == only(again, "a=crypto:1 ") {
		t.Error("the same key for a stream that begins anew (RFC 3711 §9.1)")
	}
}

func TestForkedAnswersTakeDifferentSuites(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.offer(secure("alice", "RTP/SAVP", crypto(1, AES128SHA80)))
	for _, suite := range []Suite{AES256GCM, AES128SHA32} {
		d, err := Parse(lines(secure("bob", "RTP/SAVP", answerTo(r.bob, suite))))
		if err == nil {
			err = r.bob.Receive(d, Answer)
		}
		if l := r.bob.Lines[0]; err != nil || l.Encrypt.Suite != suite || l.Decrypt.Suite != suite {
			t.Errorf("%v: %v, %v", suite, err, l.Encrypt)
		}
	}
}
