package main

import (
	"bufio"
	"bytes"
	"io/fs"
	"math"
	"path"
	"strconv"
	"strings"
)

// memoryShare is how much of the memory granted the Go runtime may use before its collector works harder: the rest is for the kernel's socket
// buffers, and for finished transactions, which the collector does not know of. Without a limit the collector lets the heap double, and the
// kernel kills the process in the middle of its calls.
const memoryShare = 0.8

// limitMemory tells the Go runtime, by set, what it may use, unless the environment (GOMEMLIMIT) has told it already.
func limitMemory(root fs.FS, environment string, set func(int64) int64) {
	if environment != "" {
		return
	}
	if granted, ok := memoryGranted(root); ok {
		set(int64(float64(granted) * memoryShare))
	}
}

// memoryGranted is the memory in bytes that this process's control groups grant it, the least on the way to the root, as the files of root (the
// system's /) say; ok is false when nothing limits it.
func memoryGranted(root fs.FS) (granted int64, ok bool) {
	groups, err := fs.ReadFile(root, "proc/self/cgroup")
	if err != nil {
		return 0, false
	}
	granted = math.MaxInt64
	for lines := bufio.NewScanner(bytes.NewReader(groups)); lines.Scan(); {
		// "0::/system.slice/sipscript.service": hierarchy, controllers (none: version 2), group.
		fields := strings.SplitN(lines.Text(), ":", 3)
		if len(fields) != 3 {
			continue
		}
		folder, file := "sys/fs/cgroup", "memory.max"
		if fields[1] == "memory" {
			folder, file = "sys/fs/cgroup/memory", "memory.limit_in_bytes"
		} else if fields[1] != "" {
			continue
		}
		// A container sees its own group as the root of the file system, whatever path the host gives it.
		for group := path.Join("/", fields[2]); ; group = path.Dir(group) {
			granted = min(granted, readLimit(root, path.Join(folder, group, file)))
			if group == "/" {
				break
			}
		}
	}
	// Version 1 writes "no limit" as the largest page-aligned number.
	return granted, granted < math.MaxInt64/2
}

func readLimit(root fs.FS, name string) int64 {
	data, err := fs.ReadFile(root, name)
	if err != nil {
		return math.MaxInt64
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(data)), 10, 64)
	if err != nil {
		return math.MaxInt64 // "max"
	}
	return n
}
