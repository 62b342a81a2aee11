// What the server's processes use, from /proc: memory that is theirs alone (their
// share of what they hold together, where the system tells it) and processor time,
// their children included.

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

const ticksPerSecond = 100

// The process IDs that --pid names; their children are found at each look.
type server struct {
	roots []int
}

func parsePids(text string) (roots []int, err error) {
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' || r == '\n' }) {
		pid, err := strconv.Atoi(word)
		if err != nil {
			return nil, fmt.Errorf("--pid takes process IDs with commas between, not %q", word)
		}
		roots = append(roots, pid)
	}
	return roots, nil
}

// statFields gives the fields of /proc/PID/stat after the command's name.
func statFields(pid int) []string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil
	}
	end := strings.LastIndexByte(string(text), ')')
	if end < 0 {
		return nil
	}
	return strings.Fields(string(text[end+1:]))
}

// family gives the roots and all that descend from them.
func (s *server) family() []int {
	children := map[int][]int{}
	found, _ := filepath.Glob("/proc/[0-9]*")
	for _, path := range found {
		pid, _ := strconv.Atoi(filepath.Base(path))
		if fields := statFields(pid); len(fields) > 1 {
			parent, _ := strconv.Atoi(fields[1])
			children[parent] = append(children[parent], pid)
		}
	}
	seen := map[int]bool{}
	all := []int{}
	for queue := append([]int{}, s.roots...); len(queue) > 0; queue = queue[1:] {
		pid := queue[0]
		if seen[pid] {
			continue
		}
		seen[pid] = true
		all = append(all, pid)
		queue = append(queue, children[pid]...)
	}
	return all
}

// cpu gives seconds of processor time so far, user and system.
func (s *server) cpu() (seconds float64) {
	for _, pid := range s.family() {
		fields := statFields(pid)
		if len(fields) < 13 {
			continue
		}
		user, _ := strconv.ParseFloat(fields[11], 64)
		system, _ := strconv.ParseFloat(fields[12], 64)
		seconds += (user + system) / ticksPerSecond
	}
	return seconds
}

func kibOf(path, field string) (int64, bool) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, false
	}
	for _, line := range strings.Split(string(text), "\n") {
		if rest, found := strings.CutPrefix(line, field); found {
			kib, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
			return kib, err == nil
		}
	}
	return 0, false
}

// memory gives the bytes that are resident now.
func (s *server) memory() (bytes int64) {
	for _, pid := range s.family() {
		kib, ok := kibOf(fmt.Sprintf("/proc/%d/smaps_rollup", pid), "Pss:")
		if !ok {
			kib, _ = kibOf(fmt.Sprintf("/proc/%d/status", pid), "VmRSS:")
		}
		bytes += kib << 10
	}
	return bytes
}
