package main

import (
	"bytes"
	"log/slog"
	"net/netip"
	"strings"
	"testing"

	"github.com/sipscript/sipscript/engine/media/ng"
)

func TestTheLogSaysWhichRtpengineIsGoneAndWhenCallsFail(t *testing.T) {
	t.Parallel()
	node := netip.MustParseAddrPort("192.0.2.7:2223")
	for _, row := range []struct {
		event ng.Event
		want  string
	}{
		{ng.Event{Node: node, Left: 1}, `level=ERROR msg="rtpengine does not answer, new calls go to the others" node=192.0.2.7:2223 up=1`},
		{ng.Event{Node: node}, `level=ERROR msg="rtpengine does not answer, and no other is up: calls that need media get 503" node=192.0.2.7:2223`},
		{ng.Event{Node: node, Up: true, Left: 1}, `level=INFO msg="rtpengine answers again" node=192.0.2.7:2223 up=1`},
	} {
		var b bytes.Buffer
		logNode(slog.New(slog.NewTextHandler(&b, nil)), row.event)
		if _, got, _ := strings.Cut(strings.TrimSpace(b.String()), " "); got != row.want {
			t.Errorf("%+v: %s", row.event, got)
		}
	}
}

func TestRelayThreadsGetProcessorsOfTheirOwn(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ cores, shards, threads, wantShards, wantThreads int }{
		{cores: 1, wantShards: 1, wantThreads: 1},
		{cores: 2, wantShards: 2, wantThreads: 1},
		{cores: 16, wantShards: 16, wantThreads: 4},
		{cores: 16, shards: 3, threads: 8, wantShards: 3, wantThreads: 8},
	} {
		if shards, threads := processors(tc.cores, tc.shards, tc.threads); shards != tc.wantShards || threads != tc.wantThreads {
			t.Errorf("%+v: %d shards and %d threads", tc, shards, threads)
		}
	}
}
