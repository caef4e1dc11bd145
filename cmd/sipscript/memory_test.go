package main

import (
	"testing"
	"testing/fstest"
)

func files(contents map[string]string) fstest.MapFS {
	root := fstest.MapFS{}
	for name, text := range contents {
		root[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return root
}

func TestMemoryLimitIsFourFifthsOfTheLeastGranted(t *testing.T) {
	t.Parallel()
	const self = "proc/self/cgroup"
	for _, tc := range []struct {
		name        string
		files       map[string]string
		environment string
		want        int64 // 0: none is set
	}{
		{"no control groups", nil, "", 0},
		{"version 2, no limit", map[string]string{self: "0::/\n", "sys/fs/cgroup/memory.max": "max\n"}, "", 0},
		{"version 2, of a container", map[string]string{self: "0::/\n", "sys/fs/cgroup/memory.max": "1000000\n"}, "", 800_000},
		{"version 2, of a unit", map[string]string{self: "0::/system.slice/sip.service\n", "sys/fs/cgroup/memory.max": "max\n",
			"sys/fs/cgroup/system.slice/memory.max": "5000000\n", "sys/fs/cgroup/system.slice/sip.service/memory.max": "2000000\n"}, "", 1_600_000},
		{"version 2, less above", map[string]string{self: "0::/a/b\n", "sys/fs/cgroup/a/memory.max": "1000\n",
			"sys/fs/cgroup/a/b/memory.max": "2000\n"}, "", 800},
		{"version 2, group named as the host sees it", map[string]string{self: "0::/docker/abc\n", "sys/fs/cgroup/memory.max": "1000\n"}, "", 800},
		{"version 1", map[string]string{self: "5:cpu:/x\n4:memory:/x\n", "sys/fs/cgroup/memory/x/memory.limit_in_bytes": "1000\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n"}, "", 800},
		{"version 1, no limit", map[string]string{self: "4:memory:/\n", "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n"}, "", 0},
		{"the environment has said it", map[string]string{self: "0::/\n", "sys/fs/cgroup/memory.max": "1000\n"}, "1GiB", 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var set int64
			limitMemory(files(tc.files), tc.environment, func(limit int64) int64 {
				set = limit
				return 0
			})
			if set != tc.want {
				t.Errorf("limit %d, want %d", set, tc.want)
			}
		})
	}
}
