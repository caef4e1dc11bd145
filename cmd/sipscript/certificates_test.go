package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestChangedCertificateFilesAreReadWhenTheyAreWhole(t *testing.T) {
	t.Parallel()
	pair := "tls: {certificates: [{cert: cert.pem, key: key.pem}]}\n"
	put := func(name, text string) func(*testing.T, *bench) {
		return func(t *testing.T, b *bench) {
			t.Helper()
			// A file of its own under the old name, as tools for certificates write: times of files may be coarse.
			path := filepath.Join(filepath.Dir(b.path), name)
			if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(path+".new", path); err != nil {
				t.Fatal(err)
			}
		}
	}
	remove := func(name string) func(*testing.T, *bench) {
		return func(t *testing.T, b *bench) {
			t.Helper()
			if err := os.Remove(filepath.Join(filepath.Dir(b.path), name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	type step = func(*testing.T, *bench)
	wait := func(*testing.T, *bench) {}
	inForce := "info changed certificates are in force"
	for _, tc := range []struct {
		name   string
		config string
		steps  []step // one a look
		broken error
		asked  int // reloads
		log    []string
	}{
		{"nothing changes", pair, []step{wait, wait, wait}, nil, 0, nil},
		{"no TLS", "", []step{put("cert.pem", "2"), wait, wait}, nil, 0, nil},
		{"certificate and key", pair, []step{put("cert.pem", "2"), put("key.pem", "2"), wait, wait}, nil, 1, []string{inForce}},
		{"the other way round", pair, []step{put("key.pem", "2"), put("cert.pem", "2"), wait, wait}, nil, 1, []string{inForce}},
		{"still being written", pair, []step{put("cert.pem", "2"), put("cert.pem", "23"), put("cert.pem", "234")}, nil, 0, nil},
		{"gone for a moment", pair, []step{remove("key.pem"), put("key.pem", "2"), wait}, nil, 1, []string{inForce}},
		{"authorities", "tls: {ca: ca.pem, client_ca: clients.pem}\n", []step{put("ca.pem", "2"), wait, wait, put("clients.pem", "2"), wait}, nil, 2,
			[]string{inForce, inForce}},
		{"a broken one is tried once", pair, []step{put("cert.pem", "2"), wait, wait, wait}, errors.New("no PEM"), 1,
			[]string{"error certificates are not reloaded, those in force stay err=no PEM"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, tc.config)
			for _, name := range []string{"cert.pem", "key.pem", "ca.pem", "clients.pem"} {
				put(name, "1")(t, b)
			}
			b.files.reading()
			b.fake.certificates = tc.broken
			synctest.Test(t, func(t *testing.T) {
				signals := make(chan os.Signal)
				go b.serve(signals)
				time.Sleep(lookEvery / 2)
				for _, step := range tc.steps {
					step(t, b)
					time.Sleep(lookEvery)
				}
				signals <- syscall.SIGTERM
				synctest.Wait()
			})
			if got := strings.Count(strings.Join(b.fake.asked, " "), "certificates"); got != tc.asked {
				t.Errorf("read %d times, want %d", got, tc.asked)
			}
			wantLines(t, "log", b.lines(t), append(tc.log, "info draining signal=terminated", "info stopped")...)
		})
	}
}
