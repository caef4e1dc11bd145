//go:build linux

package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// family returns pid and all its descendants.
func family(pid int) []int {
	children := map[int][]int{}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is well formed
	for _, path := range stats {
		stat, err := os.ReadFile(path)
		if err != nil {
			continue // ended meanwhile
		}
		// pid (name) state parent …; the name may hold anything, so what follows its last parenthesis counts
		fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
		child, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		parent, _ := strconv.Atoi(fields[1])
		children[parent] = append(children[parent], child)
	}
	all := []int{pid}
	for i := 0; i < len(all); i++ {
		all = append(all, children[all[i]]...)
	}
	return all
}

// cpuTime returns the seconds that all threads of the processes have run, as exactly as the scheduler knows it: utime and stime of stat
// are counted in ticks of 10 ms.
func cpuTime(pids []int) float64 {
	total := 0.0
	for _, pid := range pids {
		threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid)) // the pattern is well formed
		for _, path := range threads {
			b, err := os.ReadFile(path)
			if err != nil {
				continue
			}
			ran, _, _ := strings.Cut(string(b), " ")
			ns, _ := strconv.ParseFloat(ran, 64)
			total += ns / 1e9
		}
	}
	return total
}

// proportionalMemory returns the bytes of memory the processes occupy, shared pages counted once (PSS).
func proportionalMemory(pids []int) (int64, error) {
	total := int64(0)
	for _, pid := range pids {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
		if err != nil {
			return 0, fmt.Errorf("reading memory use: %w", err)
		}
		for line := range strings.Lines(string(b)) {
			if rest, ok := strings.CutPrefix(line, "Pss:"); ok {
				kb, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
				total += kb << 10
			}
		}
	}
	return total, nil
}

// machineBusy returns the seconds that all cores together have worked, and the seconds that the host took away.
func machineBusy() (busy, stolen float64) {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, 0
	}
	first, _, _ := strings.Cut(string(b), "\n")
	const ticks = 100 // USER_HZ, which is 100 on every Linux architecture
	for i, field := range strings.Fields(first)[1:] {
		n, _ := strconv.ParseFloat(field, 64)
		switch i {
		case 0, 1, 2, 5, 6: // user, nice, system, irq, softirq
			busy += n / ticks
		case 7:
			stolen = n / ticks
		}
	}
	return busy, stolen
}
