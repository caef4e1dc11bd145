package main

import "testing"

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
