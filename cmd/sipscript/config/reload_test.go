package config

import (
	"slices"
	"testing"
	"time"
)

func TestReloadTakesReloadableKeysAndRefusesTheOthersByName(t *testing.T) {
	t.Parallel()
	running := load(t, "shards: 2\nlog: {level: info}\n")
	next := load(t, "shards: 4\nlog: {level: debug, format: json}\ndrain_timeout: 7\nregistrar: {max_contacts: 2}\nscript: {a: 1}\n")
	taken, refused := running.Reload(next)

	if taken.Log.Level != "debug" || taken.DrainTimeout != 7*time.Second || taken.Engine.Registrar.MaxContacts != 2 || taken.Script["a"] != 1.0 {
		t.Errorf("reloadable keys not taken: %+v", taken)
	}
	if taken.Engine.Shards != 2 || taken.Log.Format != "auto" {
		t.Errorf("restart keys changed: %+v", taken)
	}
	want := []Refused{{"log.format", Place{next.file, 2}}, {"shards", Place{next.file, 1}}}
	if !slices.Equal(refused, want) {
		t.Errorf("refused %v, want %v", refused, want)
	}
	if next.Engine.Shards != 4 || running.Log.Level != "info" {
		t.Error("reload changed a config it was given")
	}
}

func TestReloadOfTheSameFileRefusesNothing(t *testing.T) {
	t.Parallel()
	path := write(t, everything)
	first, err := Load(path, Flags{})
	if err != nil {
		t.Fatal(err)
	}
	second, err := Load(path, Flags{})
	if err != nil {
		t.Fatal(err)
	}
	if _, refused := first.Reload(second); len(refused) != 0 {
		t.Errorf("refused %v", refused)
	}
}

func TestReloadNamesTheFileForAKeyThatWasRemoved(t *testing.T) {
	t.Parallel()
	next := load(t, "")
	_, refused := load(t, "shards: 2\n").Reload(next)
	if want := []Refused{{"shards", Place{File: next.file}}}; !slices.Equal(refused, want) {
		t.Errorf("refused %v, want %v", refused, want)
	}
}

func TestReloadKeepsTheListenersOfFlags(t *testing.T) {
	t.Parallel()
	running := load(t, "listen: [\"udp:127.0.0.1:1\"]\n", "udp:127.0.0.1:0")
	next := load(t, "listen: [\"udp:127.0.0.1:2\"]\n", "udp:127.0.0.1:0")
	if _, refused := running.Reload(next); len(refused) != 0 {
		t.Errorf("refused %v: flags take the place of the file's listeners on a reload too", refused)
	}
}
